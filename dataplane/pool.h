// SPDX-License-Identifier: BSD-3-Clause
// Pool: the packet buffers of the program. One frame pool for all ports, one small control pool.
//
// A frame always lies in one segment: the data room holds the largest MTU of any port with its
// link headers. Created before the ports, freed after them; control thread. The sizes here are
// the only place that knows what an mbuf costs; controlplane/memory_plan.h adds up how many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

struct rte_mempool;

namespace posthaste::dataplane {

struct MempoolFree {
    void operator()(rte_mempool* pool) const noexcept;
};

using Mempool = std::unique_ptr<rte_mempool, MempoolFree>;

struct PoolOptions {
    std::string name = "frames";  // unique per process
    std::uint32_t mbufs = 0;
    std::uint32_t cache = 256;  // per lcore; 0 for the control pool, which one thread uses
    std::uint16_t mtu = 1500;   // the largest of all ports
    int socket = -1;            // NUMA; -1: any
};

inline constexpr std::uint16_t kMtuMin = 68;  // RFC 791; IPv6 needs 1280
inline constexpr std::uint16_t kMtuMax = 9000;

inline constexpr std::size_t kSmallPage = 4096;
inline constexpr std::size_t kHugePage = 2 * 1024 * 1024;

// Ethernet header, two VLAN tags (drivers budget for two), frame check sequence.
inline constexpr std::uint32_t kLinkOverhead = 14 + 2 * 4 + 4;

// Bytes for data and headroom in one mbuf, so that a frame of `mtu` is one segment.
[[nodiscard]] std::uint16_t data_room_bytes(std::uint16_t mtu) noexcept;
// What one mbuf takes in the pool, its headers and alignment included. rte_mempool lets no object
// cross a page, so without hugepages an mbuf of 2.4 kB takes a page of 4.
[[nodiscard]] std::size_t mbuf_bytes(std::uint16_t mtu, std::size_t page) noexcept;

// What a pool takes besides its mbufs: the ring of free ones, and a cache for every lcore there
// could be.
[[nodiscard]] std::size_t pool_overhead_bytes(std::uint32_t mbufs, bool cached) noexcept;

// The largest per-lcore cache rte_mempool allows for so many mbufs, at most `wanted`.
[[nodiscard]] std::uint32_t cache_size(std::uint32_t mbufs, std::uint32_t wanted) noexcept;

// Needs a running EAL. The error says how much memory it wanted.
[[nodiscard]] tl::expected<Mempool, std::string> create_pool(const PoolOptions& options);

// All mbufs are back (caches included). Exact only while no lcore allocates or frees.
[[nodiscard]] bool pool_full(const rte_mempool* pool) noexcept;
[[nodiscard]] std::uint32_t pool_in_use(const rte_mempool* pool) noexcept;

}  // namespace posthaste::dataplane
