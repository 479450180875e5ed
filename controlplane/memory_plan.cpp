// SPDX-License-Identifier: BSD-3-Clause
// Memory arithmetic; see the header. Each constant says what it stands for.
#include "controlplane/memory_plan.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <sstream>

#include "dataplane/burst.h"
#include "dataplane/name_check.h"
#include "dataplane/pool.h"
#include "dataplane/port.h"
#include "dataplane/vdev.h"
#include "gossip/claims/keyspace.h"
#include "routing/conversations.h"
#include "routing/fib.h"
#include "routing/memory_estimate.h"
#include "routing/route_cache.h"

namespace posthaste::controlplane {
namespace {

constexpr std::uint64_t kMegabyte = 1024 * 1024;

// Bursts a worker has in hand at once: the one in the pipeline, the one of copies beside it, the
// one being sent, the one in a driver that collects before it hands over.
constexpr std::uint64_t kBurstsInHand = 4;

// rte_mempool lets a cache grow to one and a half times its size before it gives back.
constexpr std::uint64_t kCacheFrames = 256 * 3 / 2;

constexpr std::uint64_t kMbufsMin = 1024;

// The control thread builds at most this many frames that are not in a ring yet.
constexpr std::uint64_t kControlInHand = 1024;

// What DPDK takes for itself before we ask for anything: ports' shared data, the mempool and ring
// lists, heap elements; and what drivers allocate per queue.
constexpr std::uint64_t kReserveBase = 16 * kMegabyte;
constexpr std::uint64_t kPerQueue = 256 * 1024;
constexpr std::uint64_t kReservePercent = 10;

std::uint64_t ring_capacity(std::uint64_t wanted) {
    return std::bit_ceil(wanted + 1) - 1;
}

struct Queues {
    std::uint64_t rx = 1;
    std::uint64_t tx = 1;
    std::uint64_t shared = 0;  // tx queues that need a hand-over ring
};

Queues queues_of(const PortConfig& port, unsigned workers) {
    Queues queues;
    queues.rx = std::max<std::uint64_t>(port.queues, 1);
    const bool paired = dataplane::traits_of(port.device).paired_queues;
    queues.tx = paired ? queues.rx : workers;
    queues.shared =
        workers > queues.tx ? std::min<std::uint64_t>(queues.tx, workers - queues.tx) : 0;
    return queues;
}

// Zero-copy memif lends mbufs to the whole ring, whatever the number of descriptors.
std::uint64_t lent_to_ring(const PortConfig& port) {
    const dataplane::DeviceString device(port.device);
    if (!device.name().starts_with("net_memif") || !device.flag("zero-copy")) {
        return 0;
    }
    constexpr unsigned kRingBitsDefault = 10;
    unsigned bits = kRingBitsDefault;
    if (const auto text = device.value("rsize")) {
        std::istringstream(*text) >> bits;
    }
    return std::uint64_t{1} << std::min(bits, 14U);
}

void count_ports(const Config& config, MemoryPlan& plan) {
    const DataplaneConfig& dataplane = config.dataplane;
    for (const PortConfig& port : config.ports) {
        const Queues queues = queues_of(port, dataplane.workers);
        // Drivers round a ring up to a power of two.
        const auto rx = std::bit_ceil<std::uint64_t>(dataplane.rx_descriptors);
        const auto tx = std::bit_ceil<std::uint64_t>(dataplane.tx_descriptors);
        plan.rx_rings += queues.rx * std::max(rx, lent_to_ring(port));
        plan.tx_rings += queues.tx * std::max(tx, lent_to_ring(port));
        plan.handoff += queues.shared * dataplane::kHandoffFrames;
        plan.rings += (queues.rx + queues.tx) * kPerQueue;
        plan.mtu = std::max(plan.mtu, port.mtu);
    }
}

std::uint32_t lines_of(std::uint32_t kilobytes) {
    constexpr std::uint32_t kLinesPerKilobyte = 1024 / sizeof(routing::RouteCache::Line);
    return kilobytes == 0 ? 0 : std::bit_floor(kilobytes * kLinesPerKilobyte);
}

// Claims in their table, a line each and a bucket, and the chunk that is not full; of each router
// the keyspace. A second of all is here while snapshots are read or routers have started anew.
std::uint64_t claims_bytes(const ClusterConfig& cluster) {
    if (!cluster.address) {
        return 0;
    }
    constexpr std::uint64_t kChunk = gossip::claims::Chunked<gossip::claims::Slot>::kChunk;
    constexpr std::uint64_t kKeyspace = 2 * sizeof(gossip::claims::Keyspace);
    return (std::uint64_t{2} * cluster.claims_max + kChunk) * kClaimBytes +
           cluster.routers_max * kKeyspace;
}

// What the tables take beside caches of plan.cache_lines, and with it the sums.
void add_tables(const Config& config, MemoryPlan& plan) {
    // All of them attached here: these take the most. Where there can be routes each may have one.
    const bool routes = config.cluster.address.has_value() || !config.routers.empty();
    const routing::MemoryEstimate estimate =
        routing::estimate_memory({.local = config.agents.agents_max,
                                  .both = routes ? config.agents.agents_max : 0,
                                  .names = fib_capacity(config) - config.agents.agents_max,
                                  .table = config.lookup.table,
                                  .workers = config.dataplane.workers,
                                  .cache_lines = plan.cache_lines});
    plan.stripes = routing::stripes_beside(fib_capacity(config), plan.cache_lines);
    plan.fib = estimate.fib_bytes();
    plan.rekey = estimate.rekey;
    plan.route_caches = estimate.caches;
    plan.claims = claims_bytes(config.cluster);
    plan.conversations = config.dataplane.workers *
                         routing::Conversations::planned_bytes(config.capabilities.conversations);
    plan.names_said = config.dataplane.workers * dataplane::NameCheck::memory_bytes();
    plan.heap = estimate.heap_bytes() + plan.claims + plan.conversations + plan.names_said;
    plan.reserve = 0;
    plan.reserve = kReserveBase + plan.total_bytes() * kReservePercent / 100;
}

// cache_kb = auto: caches of what memory_mb leaves. Nothing, where that does not do for the rest.
void take_the_rest(const Config& config, MemoryPlan& plan) {
    // The most stripes there may be, since their number depends on what comes out.
    plan.cache_lines = 1U << 24;
    add_tables(config, plan);
    const std::uint64_t lines_reserve = plan.route_caches * kReservePercent / 100;
    const std::uint64_t base = plan.total_bytes() - plan.route_caches - lines_reserve;
    const auto shares = routing::split_budget(config.eal.memory_mb * kMegabyte, base);
    plan.cache_lines = 0;
    if (shares) {
        routing::CacheShares within = *shares;
        within.positive -= within.positive * kReservePercent / (100 + kReservePercent);
        within.negative -= within.negative * kReservePercent / (100 + kReservePercent);
        plan.cache_lines = routing::cache_lines_within(within, config.dataplane.workers);
        plan.capability_share = shares->capability;
    }
    add_tables(config, plan);
}

}  // namespace

std::uint32_t fib_capacity(const Config& config) noexcept {
    const CapabilitiesConfig& capabilities = config.capabilities;
    const std::uint64_t matched =
        capabilities.patterns_max == 0 ? 0 : 2 * std::uint64_t{capabilities.name_cache};
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(
        config.agents.agents_max + capabilities.names_max + matched, routing::Fib::kCapacityMax));
}

MemoryPlan plan_memory(const Config& config) {
    const DataplaneConfig& dataplane = config.dataplane;
    const std::uint64_t workers = dataplane.workers;
    MemoryPlan plan;
    count_ports(config, plan);
    plan.backlogs = workers * config.ports.size() * dataplane.tx_backlog;
    plan.exchange = workers * (dataplane::kPuntClassCount * ring_capacity(dataplane.punt_ring) +
                               ring_capacity(dataplane.inject_ring));
    plan.held = config.neighbours.held_max;
    plan.caches = (workers + 1) * kCacheFrames;
    plan.slack = workers * kBurstsInHand * dataplane::kBurstMax;
    plan.mbufs_needed = plan.rx_rings + plan.tx_rings + plan.backlogs + plan.handoff +
                        plan.exchange + plan.held + plan.caches + plan.slack;
    plan.frame_mbufs = dataplane.mbufs != 0
                           ? dataplane.mbufs
                           : static_cast<std::uint32_t>(std::max(plan.mbufs_needed, kMbufsMin));
    // Frames of the control thread wait where others do: inject rings, backlogs, device rings.
    plan.control_mbufs = static_cast<std::uint32_t>(
        workers * ring_capacity(dataplane.inject_ring) +
        config.ports.size() * (dataplane.tx_descriptors + std::uint64_t{dataplane.tx_backlog}) +
        kControlInHand);

    const std::size_t page = config.eal.hugepages ? dataplane::kHugePage : dataplane::kSmallPage;
    const std::size_t mbuf = dataplane::mbuf_bytes(plan.mtu, page);
    plan.frame_pool =
        plan.frame_mbufs * mbuf + dataplane::pool_overhead_bytes(plan.frame_mbufs, true);
    plan.control_pool =
        plan.control_mbufs * mbuf + dataplane::pool_overhead_bytes(plan.control_mbufs, false);
    plan.rings += plan.handoff * sizeof(void*) * 2;
    plan.cache_lines = config.lookup.cache_kb ? lines_of(*config.lookup.cache_kb) : 0;
    add_tables(config, plan);
    if (!config.lookup.cache_kb) {
        take_the_rest(config, plan);
    }
    return plan;
}

std::uint32_t MemoryPlan::total_mb() const noexcept {
    // Hugepages come in pairs of megabytes.
    const std::uint64_t pages = (total_bytes() + 2 * kMegabyte - 1) / (2 * kMegabyte);
    return static_cast<std::uint32_t>(2 * pages);
}

std::string MemoryPlan::to_text() const {
    std::ostringstream text;
    const auto megabytes = [](std::uint64_t bytes) { return (bytes + kMegabyte - 1) / kMegabyte; };
    text << "frame pool " << megabytes(frame_pool) << " MB (" << frame_mbufs
         << " mbufs for an MTU of " << mtu << "), control pool " << megabytes(control_pool)
         << " MB, routes " << megabytes(fib) << " MB and " << megabytes(rekey)
         << " MB while their key changes, route caches " << megabytes(route_caches) << " MB, rings "
         << megabytes(rings) << " MB, reserve " << megabytes(reserve) << " MB: " << total_mb()
         << " MB";
    return text.str();
}

tl::expected<void, std::string> check_plan(const Config& config, const MemoryPlan& plan) {
    // Rings that hold all mbufs leave none for the frames that move.
    const std::uint64_t least = plan.mbufs_needed - plan.backlogs;
    if (plan.frame_mbufs < least) {
        return tl::unexpected(
            "[dataplane] mbufs = " + std::to_string(plan.frame_mbufs) +
            ": too few for the rings and queues configured; allowed: " + std::to_string(least) +
            " or more, or 0 (computed: " + std::to_string(plan.mbufs_needed) + ")");
    }
    if (config.eal.memory_mb != 0 && config.eal.memory_mb < plan.total_mb()) {
        return tl::unexpected("[eal] memory_mb = " + std::to_string(config.eal.memory_mb) +
                              ": too little; needed: " + plan.to_text() + ", or 0 (computed)");
    }
    return {};
}

}  // namespace posthaste::controlplane
