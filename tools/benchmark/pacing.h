// SPDX-License-Identifier: BSD-3-Clause
// Pace: when the n-th of a steady stream of events is due. Pure arithmetic in TSC cycles.
//
// Open loop: the time of an event depends on its number only, never on when earlier ones happened.
// So a generator that was held up sends late what was due, and who measures from the due time
// sees the delay (no coordinated omission; the term is Gil Tene's).
#pragma once

#include <cstdint>

namespace posthaste::tools {

class Pace {
  public:
    // `rate` events a second from `start` on; above 0.
    Pace(std::uint64_t start, double hz, double rate) noexcept
        : start_(start), cycles_(static_cast<std::uint64_t>(hz / rate * kOne + 0.5L)) {}

    // Exact to a cycle for the first 2^32 events, the rate to 2^-32 of a cycle between two.
    [[nodiscard]] std::uint64_t time_of(std::uint64_t number) const noexcept {
        return start_ + static_cast<std::uint64_t>(
                            static_cast<unsigned __int128>(number) * cycles_ >> kFraction);
    }

    // Events with a time at or before `now`.
    [[nodiscard]] std::uint64_t due(std::uint64_t now) const noexcept {
        if (now < start_) {
            return 0;
        }
        const auto passed = (static_cast<unsigned __int128>(now - start_ + 1) << kFraction) - 1;
        return static_cast<std::uint64_t>(passed / cycles_) + 1;
    }

  private:
    static constexpr unsigned kFraction = 32;
    static constexpr long double kOne = 4294967296.0L;

    std::uint64_t start_;
    std::uint64_t cycles_;  // between two events, fixed point
};

}  // namespace posthaste::tools
