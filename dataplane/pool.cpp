// SPDX-License-Identifier: BSD-3-Clause
// Packet buffers; see the header.
#include "dataplane/pool.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace posthaste::dataplane {
namespace {

// Receive buffers must be multiples of 1 KiB for some NICs (ixgbe), and 2 KiB is the least that
// virtio and memif are used to.
constexpr std::uint32_t kRoomUnit = 1024;
constexpr std::uint32_t kRoomMin = 2048;

// net_af_packet wants a buffer as large as a slot of the kernel's ring, headers included.
constexpr std::uint32_t kSlotOverhead = 66;

// rte_mempool allows a cache only up to this share of the pool (its flush threshold is 1.5 caches).
constexpr std::uint32_t kCacheFlushNumerator = 3;
constexpr std::uint32_t kCacheFlushDenominator = 2;

}  // namespace

void MempoolFree::operator()(rte_mempool* pool) const noexcept {
    rte_mempool_free(pool);
}

std::uint16_t data_room_bytes(std::uint16_t mtu) noexcept {
    const std::uint32_t frame = std::max(mtu + kLinkOverhead + kSlotOverhead, kRoomMin);
    const std::uint32_t rounded = (frame + kRoomUnit - 1) / kRoomUnit * kRoomUnit;
    return static_cast<std::uint16_t>(rounded + RTE_PKTMBUF_HEADROOM);
}

std::size_t mbuf_bytes(std::uint16_t mtu, std::size_t page) noexcept {
    rte_mempool_objsz size{};
    const auto element = static_cast<std::uint32_t>(sizeof(rte_mbuf)) + data_room_bytes(mtu);
    const std::size_t object = rte_mempool_calc_obj_size(element, 0, &size);
    if (object > page) {
        return (object + page - 1) / page * page;
    }
    const std::size_t per_page = page / object;
    return (page + per_page - 1) / per_page;
}

std::size_t pool_overhead_bytes(std::uint32_t mbufs, bool cached) noexcept {
    return sizeof(rte_mempool) + (cached ? RTE_MAX_LCORE * sizeof(rte_mempool_cache) : 0) +
           std::bit_ceil(std::size_t{mbufs} + 1) * sizeof(void*);
}

std::uint32_t cache_size(std::uint32_t mbufs, std::uint32_t wanted) noexcept {
    const std::uint32_t most = mbufs / kCacheFlushNumerator * kCacheFlushDenominator;
    return std::min({wanted, most, static_cast<std::uint32_t>(RTE_MEMPOOL_CACHE_MAX_SIZE)});
}

tl::expected<Mempool, std::string> create_pool(const PoolOptions& options) {
    rte_mempool* pool = rte_pktmbuf_pool_create(options.name.c_str(),
                                                options.mbufs,
                                                cache_size(options.mbufs, options.cache),
                                                0,
                                                data_room_bytes(options.mtu),
                                                options.socket);
    if (pool == nullptr) {
        const std::size_t page = rte_eal_has_hugepages() != 0 ? kHugePage : kSmallPage;
        const std::size_t bytes = mbuf_bytes(options.mtu, page) * options.mbufs;
        const std::size_t megabytes = bytes / (1024 * 1024) + 1;
        return tl::unexpected("cannot create the pool '" + options.name + "' of " +
                              std::to_string(options.mbufs) + " mbufs (" +
                              std::to_string(megabytes) + " MB): " + std::strerror(rte_errno));
    }
    return Mempool{pool};
}

bool pool_full(const rte_mempool* pool) noexcept {
    return rte_mempool_full(pool) != 0;
}

std::uint32_t pool_in_use(const rte_mempool* pool) noexcept {
    return rte_mempool_in_use_count(pool);
}

}  // namespace posthaste::dataplane
