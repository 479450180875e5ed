// SPDX-License-Identifier: BSD-3-Clause
// Generator: turns what a net_null port hands out into real frames, in an rx callback of the port.
//
// Agents have ids computed from their number, so that choosing one reads no memory and the cost of
// making a frame does not grow with their number.
#pragma once

#include <array>
#include <cstdint>

#include "routing/address.h"
#include "routing/agent_id.h"

struct rte_mbuf;

namespace posthaste::tools {

// Agent `number` of the benchmark, evenly spread over all ids.
[[nodiscard]] routing::AgentId agent_id(std::uint64_t number) noexcept;

class Generator {
  public:
    struct Addresses {
        routing::Mac source_mac;
        routing::Mac destination_mac;
        routing::IpAddress source;       // IPv4
        routing::IpAddress destination;  // IPv4
        routing::AgentId sender;
    };

    Generator(const Addresses& addresses, std::uint32_t agents, unsigned payload, bool relayed);

    // Writes a frame to a random agent into each; UDP checksums are right.
    void fill(rte_mbuf** frames, std::uint16_t count) noexcept;

    [[nodiscard]] unsigned frame_bytes() const noexcept { return frame_bytes_; }

  private:
    std::array<std::uint8_t, 2'048> frame_{};  // a frame to the nil agent
    std::uint64_t partial_sum_ = 0;            // of its UDP checksum, the destination left out
    unsigned frame_bytes_;
    std::uint32_t agents_;
    std::uint64_t random_ = 0x9e3779b97f4a7c15ULL;
};

}  // namespace posthaste::tools
