// SPDX-License-Identifier: BSD-3-Clause
// LamportClock: orders what happened among members that share no clock.
// Source: L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978.
#pragma once

#include <algorithm>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

// Nobody gets there by counting. Beyond, a time is made up, and would leave no room for others.
inline constexpr LamportTime kLamportMax = LamportTime{1} << 62;

class LamportClock {
  public:
    [[nodiscard]] LamportTime now() const noexcept { return time_; }

    // The time before.
    LamportTime increment() noexcept { return time_++; }

    // Somebody has seen `time`, at most kLamportMax: ours is later.
    void witness(LamportTime time) noexcept { time_ = std::max(time_, time + 1); }

  private:
    LamportTime time_ = 1;
};

}  // namespace posthaste::gossip::membership
