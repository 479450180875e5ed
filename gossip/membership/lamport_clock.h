// SPDX-License-Identifier: BSD-3-Clause
// LamportClock: orders what happened among members that share no clock.
// Source: L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978.
#pragma once

#include <algorithm>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

// How far ahead of ours a time may be: more than ever happened, and so little that whoever makes up
// times needs 2^30 messages to use up the clock.
inline constexpr LamportTime kLamportStep = LamportTime{1} << 32;
// No time is beyond.
inline constexpr LamportTime kLamportMax = LamportTime{1} << 62;

class LamportClock {
  public:
    [[nodiscard]] LamportTime now() const noexcept { return time_; }

    // The time before.
    LamportTime increment() noexcept { return time_++; }

    // Not too far ahead to be believed.
    [[nodiscard]] bool reaches(LamportTime time) const noexcept {
        return time < kLamportMax && (time <= time_ || time - time_ <= kLamportStep);
    }

    // Somebody has seen `time`, which is in reach: ours is later.
    void witness(LamportTime time) noexcept { time_ = std::max(time_, time + 1); }

    // Towards the clock of somebody else, one step at most, so that two who were driven apart meet
    // again. False: it is still ahead.
    [[nodiscard]] bool follow(LamportTime other) noexcept {
        if (other > time_) {
            time_ += std::min(other - time_, kLamportStep);
        }
        return other <= time_;
    }

  private:
    LamportTime time_ = 1;
};

}  // namespace posthaste::gossip::membership
