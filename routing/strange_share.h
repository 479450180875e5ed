// SPDX-License-Identifier: BSD-3-Clause
// StrangeShare: whether most ids an lcore looked up lately were in no table. Pure; one lcore's own.
//
// Asking RouteFilter first costs each lookup about 2 ns and spares a strange id a line of the
// table. So it is worth it from about a quarter on; the two bounds keep it from flapping.
#pragma once

#include <cstddef>
#include <cstdint>

namespace posthaste::routing {

class StrangeShare {
  public:
    [[nodiscard]] bool most() const noexcept { return most_; }

    // `strange` of `asked` were in no table. A moving average over some kWindow lookups.
    void observe(std::size_t strange, std::size_t asked) noexcept {
        if (asked == 0) {
            return;
        }
        const std::uint64_t weight = asked < kWindow ? asked : kWindow;
        const std::uint64_t now = kOne * strange / asked;
        share_ = (share_ * (kWindow - weight) + now * weight) / kWindow;
        most_ = share_ > (most_ ? kBelow : kAbove);
    }

  private:
    static constexpr std::uint64_t kWindow = 1024;
    static constexpr std::uint64_t kOne = 1U << 16;
    static constexpr std::uint64_t kAbove = kOne * 5 / 16;
    static constexpr std::uint64_t kBelow = kOne * 3 / 16;

    std::uint64_t share_ = 0;  // of kOne
    bool most_ = false;
};

}  // namespace posthaste::routing
