// SPDX-License-Identifier: BSD-3-Clause
// Memory plan: how many mbufs and how many megabytes a configuration needs. Pure arithmetic.
//
// The one place that knows it: the EAL's -m, the size of the pools, --check and `show memory` all
// ask here. Every addend is kept, so that a refusal can say where the memory goes.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "controlplane/config.h"
#include "gossip/claims/claim_table.h"

namespace posthaste::controlplane {

// A line of the table and a place in a bucket.
inline constexpr std::uint64_t kClaimBytes = sizeof(gossip::claims::Slot) + sizeof(std::uint32_t);

struct MemoryPlan {
    // mbufs of the frame pool, one addend each
    std::uint64_t rx_rings = 0;
    std::uint64_t tx_rings = 0;
    std::uint64_t backlogs = 0;
    std::uint64_t handoff = 0;       // rings of ports with fewer tx queues than workers
    std::uint64_t exchange = 0;      // punt and inject rings
    std::uint64_t held = 0;          // frames that wait for a neighbour
    std::uint64_t caches = 0;        // per lcore
    std::uint64_t slack = 0;         // bursts in flight
    std::uint64_t mbufs_needed = 0;  // the sum
    std::uint32_t frame_mbufs = 0;   // the sum, or [dataplane] mbufs
    std::uint32_t control_mbufs = 0;
    std::uint16_t mtu = 0;  // the largest of the ports

    // bytes
    std::uint64_t frame_pool = 0;
    std::uint64_t control_pool = 0;
    std::uint64_t fib = 0;
    std::uint64_t rekey = 0;         // a second index, while the key of the hash changes
    std::uint64_t route_caches = 0;  // of all workers
    std::uint64_t rings = 0;         // device and handoff rings
    std::uint64_t reserve = 0;       // fragmentation and what DPDK itself takes

    // Not of DPDK's memory: what the control plane takes from the system when all agents are in.
    std::uint64_t heap = 0;
    // The same, of all workers: conversations, and names that frames said.
    std::uint64_t conversations = 0;
    std::uint64_t names_said = 0;
    // The same, when all claims of the cluster are in; 0: alone.
    std::uint64_t claims = 0;
    // What is left of memory_mb and kept for capability caches; with cache_kb = auto only.
    std::uint64_t capability_share = 0;

    std::uint32_t cache_lines = 0;  // of each worker's route cache
    std::uint32_t stripes = 0;      // FibOptions::stripes

    [[nodiscard]] std::uint64_t total_bytes() const noexcept {
        return frame_pool + control_pool + fib + rekey + route_caches + rings + reserve;
    }

    [[nodiscard]] std::uint32_t total_mb() const noexcept;
    [[nodiscard]] std::string to_text() const;
};

// Entries of the Fib: agents and routes, names of capabilities, and names that patterns match.
[[nodiscard]] std::uint32_t fib_capacity(const Config& config) noexcept;
[[nodiscard]] MemoryPlan plan_memory(const Config& config);
// Refuses numbers of the configuration that are below what the plan needs.
[[nodiscard]] tl::expected<void, std::string> check_plan(const Config& config,
                                                         const MemoryPlan& plan);

}  // namespace posthaste::controlplane
