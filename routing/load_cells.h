// SPDX-License-Identifier: BSD-3-Clause
// LoadCells: how busy each agent says it is, by the cell of its Fib entry.
//
// Written by the lcore that hears the agent's heartbeat (agents here) or by the control thread
// (agents elsewhere), read by lcores that choose; each cell on its own, the last writer wins. The
// memory is the Fib's.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "routing/provider.h"

namespace posthaste::routing {

struct Load {
    std::uint16_t per_mille = 0;    // of what the agent can do; at most kLoadMax
    std::uint16_t queue_depth = 0;  // messages that wait; 65535: as many or more
};

// The value of a load TLV: 16 bits per mille, 32 bits queue depth. Nothing: it is none.
[[nodiscard]] inline std::optional<Load> load_from_tlv(
    std::span<const std::uint8_t> value) noexcept {
    if (value.size() != 6) {
        return std::nullopt;
    }
    const auto per_mille = static_cast<std::uint16_t>(value[0] << 8 | value[1]);
    const std::uint32_t queue = std::uint32_t{value[2]} << 24 | std::uint32_t{value[3]} << 16 |
                                std::uint32_t{value[4]} << 8 | value[5];
    if (per_mille > kLoadMax) {
        return std::nullopt;
    }
    return Load{per_mille, static_cast<std::uint16_t>(std::min(queue, std::uint32_t{0xffff}))};
}

class LoadCells {
  public:
    LoadCells() = default;

    LoadCells(std::uint32_t* cells, std::uint32_t count) noexcept : cells_(cells), count_(count) {}

    // `cell` < count, here and below.
    void set(std::uint32_t cell, Load load) noexcept {
        const std::uint32_t value =
            std::uint32_t{std::min(load.per_mille, kLoadMax)} << 16 | load.queue_depth;
        std::atomic_ref<std::uint32_t> held(cells_[cell]);
        if (held.load(std::memory_order_relaxed) != value) {
            held.store(value, std::memory_order_relaxed);
        }
    }

    [[nodiscard]] Load get(std::uint32_t cell) const noexcept {
        const std::uint32_t value = rank(cell);
        return {static_cast<std::uint16_t>(value >> 16), static_cast<std::uint16_t>(value)};
    }

    // Greater: busier. By load, then by queue. A cell that is none: idle.
    [[nodiscard]] std::uint32_t rank(std::uint32_t cell) const noexcept {
        return cell >= count_
                   ? 0
                   : std::atomic_ref<std::uint32_t>(cells_[cell]).load(std::memory_order_relaxed);
    }

  private:
    std::uint32_t* cells_ = nullptr;
    std::uint32_t count_ = 0;
};

}  // namespace posthaste::routing
