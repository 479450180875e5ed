// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/suspicion.h"

#include <algorithm>
#include <cmath>

namespace posthaste::gossip::membership {

Suspicion::Suspicion(const Timing& timing,
                     std::size_t known,
                     std::string_view from,
                     std::uint64_t now_ms)
    : started_ms_(now_ms), from_{std::string(from)} {
    constexpr unsigned kOwnersOfTime = 2;  // the suspect and the first accuser confirm nothing
    const double scale =
        std::max(1.0, std::log10(static_cast<double>(std::max<std::size_t>(known, 1))));
    min_ms_ =
        static_cast<std::uint64_t>(timing.suspicion_multiplier * scale * timing.probe_interval_ms);
    max_ms_ = min_ms_ * timing.suspicion_max_multiplier;
    const unsigned wanted = timing.suspicion_multiplier > kOwnersOfTime
                                ? timing.suspicion_multiplier - kOwnersOfTime
                                : 0;
    expected_ = known >= wanted + kOwnersOfTime ? wanted : 0;
}

bool Suspicion::confirm(std::string_view from) {
    if (confirmations_ >= expected_ || std::find(from_.begin(), from_.end(), from) != from_.end()) {
        return false;
    }
    from_.emplace_back(from);
    ++confirmations_;
    return true;
}

std::uint64_t Suspicion::due_ms() const noexcept {
    if (expected_ == 0) {
        return started_ms_ + min_ms_;
    }
    const double part = std::log(confirmations_ + 1.0) / std::log(expected_ + 1.0);
    const double ms = static_cast<double>(max_ms_) - part * static_cast<double>(max_ms_ - min_ms_);
    return started_ms_ + std::max(min_ms_, static_cast<std::uint64_t>(ms));
}

}  // namespace posthaste::gossip::membership
