// SPDX-License-Identifier: BSD-3-Clause
// What the tables take for so many agents, before any of them is made. Pure arithmetic.
//
// An agent has one place in the Fib, whether it is attached here, elsewhere or both: places are
// counted once, records of the Rib by their kind. Tables that lcores read lie in DPDK's memory and
// are taken at once; the control thread's own lie on its heap and grow with the agents. Tests hold
// the sums against what is really taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tl/expected.hpp>

namespace posthaste::routing {

// What a registration is assumed to bring along. Texts of up to 15 bytes take no memory of their
// own.
struct AgentShape {
    std::size_t name_bytes = 24;
    std::size_t capabilities = 4;
};

// The ProviderSet of a capability that so many agents have, all of them running: those here are
// there twice where there are others elsewhere. 576 bytes for one, 117 to 135 each for many.
[[nodiscard]] std::uint64_t estimate_providers(std::uint64_t here,
                                               std::uint64_t elsewhere) noexcept;

struct MemoryDemand {
    std::uint32_t local = 0;   // agents attached here
    std::uint32_t remote = 0;  // agents elsewhere
    std::uint32_t both = 0;    // of those here, with a route as well
    std::uint32_t names = 0;   // of capabilities
    bool table = true;         // the RouteTable, as FibOptions::table
    unsigned workers = 1;
    std::uint32_t cache_lines = 0;  // of each worker's route cache
    AgentShape shape = {};
};

struct MemoryEstimate {
    // DPDK's memory, bytes.
    std::uint64_t entries = 0;    // with the lease cells
    std::uint64_t authority = 0;  // rte_hash
    std::uint64_t table = 0;
    std::uint64_t stripes = 0;
    std::uint64_t rekey = 0;   // a second index, while the key changes
    std::uint64_t caches = 0;  // of all workers

    // The control thread's heap.
    std::uint64_t lists = 0;   // of free places
    std::uint64_t access = 0;  // when and how often agents are looked up
    std::uint64_t rib = 0;
    std::uint64_t providers = 0;  // what lcores choose from, of all capabilities

    [[nodiscard]] std::uint64_t fib_bytes() const noexcept {
        return entries + authority + table + stripes;
    }

    [[nodiscard]] std::uint64_t dpdk_bytes() const noexcept { return fib_bytes() + rekey + caches; }

    [[nodiscard]] std::uint64_t heap_bytes() const noexcept {
        return lists + access + rib + providers;
    }
};

[[nodiscard]] MemoryEstimate estimate_memory(const MemoryDemand& demand) noexcept;

// Records of agents here and of routes, with their leases; a part of estimate_memory().
[[nodiscard]] std::uint64_t estimate_rib(std::uint32_t agents,
                                         std::uint32_t routes,
                                         const AgentShape& shape = {}) noexcept;

// Version stripes for a Fib beside caches of so many lines: one version serves a whole line, so
// there are no more of them than lines; the fewest where there is no cache.
[[nodiscard]] std::uint32_t stripes_beside(std::uint32_t capacity,
                                           std::uint32_t cache_lines) noexcept;

// Of what is left of a budget, in bytes; the sum is not above it.
struct CacheShares {
    std::uint64_t positive = 0;    // 60 of 100
    std::uint64_t negative = 0;    // 25
    std::uint64_t capability = 0;  // 15
};

// The error: how many bytes the budget is too small for the base alone.
[[nodiscard]] tl::expected<CacheShares, std::uint64_t> split_budget(std::uint64_t budget,
                                                                    std::uint64_t base) noexcept;

// The lines each worker's cache may have within the shares, a power of two, 0: none. A line has
// two places for agents that are there and one for those that are not, so the scarcer of the two
// shares decides.
[[nodiscard]] std::uint32_t cache_lines_within(const CacheShares& shares,
                                               unsigned workers) noexcept;

// What the default allocator of the control plane (jemalloc) sets aside for a request.
[[nodiscard]] std::uint64_t malloc_bytes(std::uint64_t bytes) noexcept;

}  // namespace posthaste::routing
