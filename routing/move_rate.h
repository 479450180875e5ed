// SPDX-License-Identifier: BSD-3-Clause
// MoveRate: how often an agent moved of late, and which class of stability follows from it.
//
// An exponentially weighted count: a move counts one, and half as much every kHalfLifeMs. Pure;
// time is an argument, and a clock that goes back counts as standing still.
#pragma once

#include <cstdint>

#include "routing/fib.h"

namespace posthaste::routing {

class MoveRate {
  public:
    static constexpr std::uint64_t kHalfLifeMs = 300'000;
    // The class is entered at the first bound and left at the second, so that none flutters.
    static constexpr double kUnstableFrom = 3.0;
    static constexpr double kUnstableUntil = 1.5;
    static constexpr double kStableBelow = 0.25;
    static constexpr double kStableUntil = 0.5;

    void note_move(std::uint64_t now_ms) noexcept;

    // Moves, the older ones counting less.
    [[nodiscard]] double weight(std::uint64_t now_ms) const noexcept;

    // The class after `before`. An agent is not stable before it was known for a half-life, unless
    // somebody vouches for it: what people configure stays where they said.
    [[nodiscard]] Stability judge(Stability before,
                                  std::uint64_t known_since_ms,
                                  bool vouched,
                                  std::uint64_t now_ms) const noexcept;

  private:
    double weight_ = 0;
    std::uint64_t at_ms_ = 0;
};

}  // namespace posthaste::routing
