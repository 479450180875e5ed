// SPDX-License-Identifier: BSD-3-Clause
// RouterMask: which routers are out. All routes of a router go, and come back, with one store.
//
// Written by the control thread, read by lcores for every route to a remote agent; one kilobit.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "routing/check.h"

namespace posthaste::routing {

inline constexpr std::uint16_t kNoRouter = 0xffff;

class RouterMask {
  public:
    static constexpr std::uint16_t kRoutersMax = 1'024;

    void set_out(std::uint16_t router, bool out) noexcept {
        CHECK(router < kRoutersMax);
        std::atomic<std::uint64_t>& word = words_[router / 64];
        const std::uint64_t bit = std::uint64_t{1} << router % 64;
        const std::uint64_t before = word.load(std::memory_order_relaxed);
        word.store(out ? before | bit : before & ~bit, std::memory_order_release);
    }

    // kNoRouter is never out.
    [[nodiscard]] bool out(std::uint16_t router) const noexcept {
        if (router >= kRoutersMax) {
            return false;
        }
        return (words_[router / 64].load(std::memory_order_acquire) >> router % 64 & 1) != 0;
    }

  private:
    std::array<std::atomic<std::uint64_t>, kRoutersMax / 64> words_{};
};

}  // namespace posthaste::routing
