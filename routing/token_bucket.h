// SPDX-License-Identifier: BSD-3-Clause
// TokenBucket: at most `rate` events a second, bursts of up to one second's worth.
//
// Pure: time is an argument, coarse milliseconds modulo 2^32, never going back. Owned by whoever
// holds it. Counts in thousandths of an event, so that no rate loses tokens to rounding.
#pragma once

#include <algorithm>
#include <cstdint>

namespace posthaste::routing {

class TokenBucket {
  public:
    TokenBucket() = default;  // never gives

    explicit TokenBucket(std::uint32_t rate) noexcept
        : rate_(rate), level_(std::uint64_t{rate} * kEvent) {}

    // A change takes effect at once; tokens beyond the new rate's second are lost. Before the
    // first take() it is as if the bucket had been made with this rate: full.
    void set_rate(std::uint32_t rate) noexcept {
        const std::uint64_t full = std::uint64_t{rate} * kEvent;
        rate_ = rate;
        level_ = started_ ? std::min(level_, full) : full;
    }

    // True: the event may happen, and its token is gone.
    [[nodiscard]] bool take(std::uint32_t now_ms) noexcept {
        refill(now_ms);
        if (level_ < kEvent) {
            return false;
        }
        level_ -= kEvent;
        return true;
    }

  private:
    static constexpr std::uint64_t kEvent = 1'000;  // rate_ events a second = rate_ units a ms

    void refill(std::uint32_t now_ms) noexcept {
        if (!started_) {
            started_ = true;
        } else {
            const std::uint32_t elapsed_ms = now_ms - last_ms_;
            level_ = std::min(level_ + std::uint64_t{rate_} * elapsed_ms, rate_ * kEvent);
        }
        last_ms_ = now_ms;
    }

    std::uint32_t rate_ = 0;
    std::uint32_t last_ms_ = 0;
    bool started_ = false;
    std::uint64_t level_ = 0;
};

}  // namespace posthaste::routing
