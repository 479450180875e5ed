// SPDX-License-Identifier: BSD-3-Clause
// TokenBucket: at most `rate` events a second on average, `burst` at once. Time is an argument.
//
// A value without a clock, owned by whoever limits something. Time that goes backwards adds
// nothing. Starts full.
#pragma once

#include <algorithm>
#include <cstdint>

namespace posthaste::controlplane {

class TokenBucket {
  public:
    // A rate of 0 lets nothing through; a burst of 0 means one second's worth.
    explicit TokenBucket(std::uint32_t rate, std::uint32_t burst = 0) noexcept
        : rate_(rate), level_(capacity(rate, burst)), capacity_(level_) {}

    [[nodiscard]] bool take(std::uint64_t now_ms) noexcept {
        if (now_ms > filled_at_ms_) {
            // Capped before the multiplication: a second fills any bucket whose burst is its rate,
            // and burst/rate seconds fill any other.
            const std::uint64_t elapsed = std::min<std::uint64_t>(now_ms - filled_at_ms_, 1U << 30);
            level_ = std::min(capacity_, level_ + elapsed * rate_);
            filled_at_ms_ = now_ms;
        }
        if (level_ < kToken) {
            return false;
        }
        level_ -= kToken;
        return true;
    }

  private:
    static constexpr std::uint64_t kToken = 1'000;  // a rate of 1 adds 1 per millisecond

    static std::uint64_t capacity(std::uint32_t rate, std::uint32_t burst) noexcept {
        return rate == 0 ? 0 : std::uint64_t{burst == 0 ? rate : burst} * kToken;
    }

    std::uint64_t rate_;
    std::uint64_t level_;
    std::uint64_t capacity_;
    std::uint64_t filled_at_ms_ = 0;
};

}  // namespace posthaste::controlplane
