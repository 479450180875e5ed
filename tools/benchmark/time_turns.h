// SPDX-License-Identifier: BSD-3-Clause
// What a short piece of work costs, by doing it again and again for a while.
#pragma once

#include <chrono>
#include <cstddef>

namespace posthaste::tools {

// `turn` does some pieces and returns how many; the nanoseconds each took.
template <class Turn>
[[nodiscard]] double time_turns(double seconds, const Turn& turn) {
    using Clock = std::chrono::steady_clock;
    constexpr int kTurnsPerClockRead = 16;
    const auto start = Clock::now();
    const std::chrono::duration<double> length(seconds);
    std::size_t pieces = 0;
    std::chrono::duration<double> past(0);
    while (past < length) {
        for (int i = 0; i < kTurnsPerClockRead; ++i) {
            pieces += turn();
        }
        past = Clock::now() - start;
    }
    return past.count() * 1e9 / static_cast<double>(pieces);
}

}  // namespace posthaste::tools
