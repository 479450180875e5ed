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
        const std::uint64_t after = out ? before | bit : before & ~bit;
        if (after != before) {
            word.store(after, std::memory_order_release);
            changes_.fetch_add(1, std::memory_order_release);
        }
    }

    // kNoRouter is never out.
    [[nodiscard]] bool out(std::uint16_t router) const noexcept {
        if (router >= kRoutersMax) {
            return false;
        }
        return (words_[router / 64].load(std::memory_order_acquire) >> router % 64 & 1) != 0;
    }

    // How often it changed, modulo 2^32. Who read a number and then finds it again has missed
    // nothing that was decided by out() in between.
    [[nodiscard]] std::uint32_t changes() const noexcept {
        return changes_.load(std::memory_order_acquire);
    }

  private:
    std::array<std::atomic<std::uint64_t>, kRoutersMax / 64> words_{};
    std::atomic<std::uint32_t> changes_{0};
};

}  // namespace posthaste::routing
