// SPDX-License-Identifier: BSD-3-Clause
#include "routing/move_rate.h"

#include <cmath>

namespace posthaste::routing {

void MoveRate::note_move(std::uint64_t now_ms) noexcept {
    weight_ = weight(now_ms) + 1;
    at_ms_ = now_ms > at_ms_ ? now_ms : at_ms_;
}

double MoveRate::weight(std::uint64_t now_ms) const noexcept {
    if (weight_ == 0 || now_ms <= at_ms_) {
        return weight_;
    }
    const double half_lives =
        static_cast<double>(now_ms - at_ms_) / static_cast<double>(kHalfLifeMs);
    return weight_ * std::exp2(-half_lives);
}

Stability MoveRate::judge(Stability before,
                          std::uint64_t known_since_ms,
                          bool vouched,
                          std::uint64_t now_ms) const noexcept {
    const double moves = weight(now_ms);
    const bool was_unstable = before == Stability::unstable;
    if (moves >= (was_unstable ? kUnstableUntil : kUnstableFrom)) {
        return Stability::unstable;
    }
    const bool settled =
        vouched || (now_ms >= known_since_ms && now_ms - known_since_ms >= kHalfLifeMs);
    const bool was_stable = before == Stability::stable;
    if (settled && moves < (was_stable ? kStableUntil : kStableBelow)) {
        return Stability::stable;
    }
    return Stability::normal;
}

}  // namespace posthaste::routing
