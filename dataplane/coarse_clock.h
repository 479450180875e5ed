// SPDX-License-Identifier: BSD-3-Clause
// CoarseClock: TSC to the program's monotonic milliseconds. A plain value, the same everywhere.
//
// Leases, token buckets and the control thread must agree on what time it is, so all of them
// derive it from the TSC through one of these, made at start. Nothing here reads the TSC.
#pragma once

#include <cstdint>

namespace posthaste::dataplane {

struct CoarseClock {
    std::uint64_t origin_tsc = 0;
    std::uint64_t cycles_per_ms = 1;  // rte_get_tsc_hz() / 1000

    [[nodiscard]] constexpr std::uint64_t ms(std::uint64_t tsc) const noexcept {
        return (tsc - origin_tsc) / cycles_per_ms;
    }

    // Modulo 2^32, as lease cells hold it.
    [[nodiscard]] constexpr std::uint32_t ms32(std::uint64_t tsc) const noexcept {
        return static_cast<std::uint32_t>(ms(tsc));
    }
};

}  // namespace posthaste::dataplane
