// SPDX-License-Identifier: BSD-3-Clause
// Overload: when an rx queue stays full, which priorities are still worth the work.
//
// A pure state machine, one per rx queue, fed with one bit per poll: the burst was full, so more
// is waiting. kRaiseAfter full polls in a row mean that the queue was never empty over a whole
// ring of descriptors: the floor rises by a step. As many polls in a row that were not full lower
// it by one. Critical frames are above every floor; control frames have no priority and pass.
#pragma once

#include <array>
#include <cstdint>

namespace posthaste::dataplane {

class Overload {
  public:
    static constexpr std::uint32_t kRaiseAfter = 64;   // polls: 4096 frames and none to wait for
    static constexpr std::uint32_t kLowerAfter = 256;  // slower down than up: no flutter
    // Frames below the floor are shed: none, low, normal, high.
    static constexpr std::array<std::uint8_t, 4> kFloors = {0, 2, 6, 9};

    void observe(bool full) noexcept {
        if (full != full_) {
            full_ = full;
            streak_ = 0;
        }
        if (++streak_ < (full ? kRaiseAfter : kLowerAfter)) {
            return;
        }
        streak_ = 0;
        if (full && step_ + 1 < kFloors.size()) {
            ++step_;
        } else if (!full && step_ > 0) {
            --step_;
        }
    }

    // The lowest priority level that still passes.
    [[nodiscard]] std::uint8_t floor() const noexcept { return kFloors[step_]; }

  private:
    bool full_ = false;
    std::uint32_t streak_ = 0;
    std::uint32_t step_ = 0;
};

}  // namespace posthaste::dataplane
