// SPDX-License-Identifier: BSD-3-Clause
// Backoff: when a router that could not be had is called again. Twice as late each time, by chance
// up to half of that sooner, so that routers that lost each other together do not call together.
// Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace posthaste::controlplane {

class Backoff {
  public:
    static constexpr std::uint64_t kFirstMs = 100;
    static constexpr std::uint64_t kLastMs = 5'000;
    static constexpr std::uint64_t kRefusedFirstMs = 1'000;  // one side will not have the other
    static constexpr std::uint64_t kRefusedLastMs = 60'000;

    [[nodiscard]] std::uint64_t due_ms() const noexcept { return due_ms_; }

    void failed(std::uint64_t now_ms, std::uint64_t random) {
        wait(now_ms, grown(kFirstMs, failures_++, kLastMs), random);
    }

    void refused(std::uint64_t now_ms, std::uint64_t random) {
        wait(now_ms, grown(kRefusedFirstMs, refusals_++, kRefusedLastMs), random);
    }

    // It was there: the next failure is the first.
    void succeeded() { *this = {}; }

  private:
    [[nodiscard]] static std::uint64_t grown(std::uint64_t first,
                                             unsigned times,
                                             std::uint64_t last) {
        return std::min(first << std::min(times, 16U), last);
    }

    void wait(std::uint64_t now_ms, std::uint64_t delay_ms, std::uint64_t random) {
        due_ms_ = now_ms + delay_ms - random % (delay_ms / 2 + 1);
    }

    std::uint64_t due_ms_ = 0;
    unsigned failures_ = 0;
    unsigned refusals_ = 0;
};

}  // namespace posthaste::controlplane
