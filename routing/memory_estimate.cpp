// SPDX-License-Identifier: BSD-3-Clause
#include "routing/memory_estimate.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "routing/access_log.h"
#include "routing/fib.h"
#include "routing/provider_ring.h"
#include "routing/provider_set.h"
#include "routing/rib.h"
#include "routing/route_cache.h"

namespace posthaste::routing {

namespace {

constexpr std::uint64_t kPositivePercent = 60;
constexpr std::uint64_t kNegativePercent = 25;
constexpr std::uint64_t kCapabilityPercent = 15;
static_assert(kPositivePercent + kNegativePercent + kCapabilityPercent == 100);

// A share of a total, without the overflow of multiplying first.
std::uint64_t percent(std::uint64_t total, std::uint64_t share) noexcept {
    return total / 100 * share + total % 100 * share / 100;
}

// A node of std::unordered_map in libstdc++: the next one's address, then the pair. The hash is
// not kept beside it, since KeyedIdHash does not throw.
template <typename Record>
constexpr std::uint64_t kNodeBytes = sizeof(void*) + sizeof(std::pair<const AgentId, Record>);

// libstdc++ doubles the buckets and goes on to a prime of its list: by 2.03 at a time.
std::uint64_t bucket_bytes(std::uint64_t count) noexcept {
    constexpr double kGrowth = 2.03;
    double buckets = 67;
    while (buckets < static_cast<double>(count)) {
        buckets *= kGrowth;
    }
    return malloc_bytes(static_cast<std::uint64_t>(buckets) * sizeof(void*));
}

std::uint64_t text_bytes(std::uint64_t length) noexcept {
    constexpr std::uint64_t kInside = 15;
    return length <= kInside ? 0 : malloc_bytes(length + 1);
}

std::uint64_t agent_bytes(const AgentShape& shape) noexcept {
    return malloc_bytes(kNodeBytes<AgentRecord>) + text_bytes(shape.name_bytes) +
           malloc_bytes(shape.capabilities * sizeof(HeldOffer));
}

std::uint64_t route_bytes(const AgentShape& shape) noexcept {
    return malloc_bytes(kNodeBytes<RouteRecord>) +
           malloc_bytes(shape.capabilities * sizeof(HeldOffer));
}

}  // namespace

std::uint64_t malloc_bytes(std::uint64_t bytes) noexcept {
    constexpr std::uint64_t kQuantum = 16;
    constexpr std::uint64_t kFineMax = 128;
    if (bytes <= 8) {
        return bytes == 0 ? 0 : 8;
    }
    // Above the fine classes there are four to each doubling.
    const std::uint64_t step = bytes <= kFineMax ? kQuantum : std::bit_ceil(bytes) / 8;
    return (bytes + step - 1) / step * step;
}

std::uint64_t estimate_rib(std::uint32_t agents,
                           std::uint32_t routes,
                           const AgentShape& shape) noexcept {
    return agents * agent_bytes(shape) + bucket_bytes(agents) + routes * route_bytes(shape) +
           bucket_bytes(routes);
}

// The parts of the set as it lays them out, each in whole lines (provider_set_make.cpp): itself,
// the providers, their ring, and who is where in it. Weights alike, one priority, few routers.
std::uint64_t estimate_providers(std::uint64_t here, std::uint64_t elsewhere) noexcept {
    const auto lines = [](std::uint64_t bytes) {
        constexpr std::uint64_t kLine = 64;
        return (bytes + kLine - 1) / kLine * kLine;
    };
    const auto ring = [](std::uint64_t providers) {
        const auto points = static_cast<std::uint32_t>(providers * ProviderRing::kPoints);
        return (std::uint64_t{ProviderRing::homes_for(points)} + 1) * sizeof(ProviderRing::Line);
    };
    const std::uint64_t all = here + elsewhere;
    if (all == 0) {
        return 0;
    }
    const std::uint64_t slots = std::bit_ceil(all + all / 2 + 1);
    std::uint64_t bytes = lines(sizeof(ProviderSet)) + lines(all * sizeof(Provider)) + ring(all) +
                          lines(slots * sizeof(std::uint32_t)) + lines(1);
    if (elsewhere > 0) {
        bytes += lines(1) + lines(1) + lines(elsewhere * sizeof(std::uint32_t));
        bytes += here > 0 ? ring(here) : 0;  // once more for themselves
    }
    return bytes;
}

std::uint32_t stripes_beside(std::uint32_t capacity, std::uint32_t cache_lines) noexcept {
    constexpr std::uint32_t kFewest = 2;
    return cache_lines == 0 ? kFewest : std::min(Fib::stripes_for(capacity), cache_lines);
}

MemoryEstimate estimate_memory(const MemoryDemand& demand) noexcept {
    const std::uint32_t capacity = std::max(demand.local + demand.remote + demand.names, 1U);
    const std::uint32_t stripes = stripes_beside(capacity, demand.cache_lines);
    const std::uint64_t places = std::uint64_t{capacity} + Fib::slack_for(capacity);
    MemoryEstimate estimate;
    estimate.stripes = stripes * sizeof(std::uint32_t);
    estimate.authority = FibIndex::planned_heap_bytes(capacity, stripes, false) - estimate.stripes;
    estimate.table = demand.table ? RouteTable::planned_heap_bytes(capacity) : 0;
    estimate.entries = Fib::planned_heap_bytes(capacity, stripes, demand.table) -
                       estimate.authority - estimate.table - estimate.stripes;
    estimate.rekey = Fib::rekey_heap_bytes(capacity, stripes, demand.table);
    estimate.caches = std::uint64_t{demand.workers} * demand.cache_lines * sizeof(RouteCache::Line);
    // Free entries and cells, a bit for each entry in use, a byte for each
    // line of the table.
    constexpr std::uint64_t kLineBytes = 64;
    constexpr std::uint64_t kObjectBytes = 2'048;  // that hold all of it together
    estimate.lists = kObjectBytes + 2 * malloc_bytes(places * sizeof(std::uint32_t)) +
                     malloc_bytes(places / 8) + malloc_bytes(estimate.table / kLineBytes);
    estimate.access = malloc_bytes(AccessLog::planned_bytes(static_cast<std::uint32_t>(places)));
    estimate.rib = estimate_rib(demand.local, demand.remote + demand.both, demand.shape);
    // Of an agent that is in both only the winner is chosen from. Spread over all names: small sets
    // take the most for each.
    const std::uint64_t offers =
        (std::uint64_t{demand.local} + demand.remote) * demand.shape.capabilities;
    const std::uint64_t sets =
        std::clamp<std::uint64_t>(demand.names, 1, std::max<std::uint64_t>(offers, 1));
    const auto taken = [](std::uint64_t members) {
        return malloc_bytes(estimate_providers(members, 0));
    };
    estimate.providers =
        (sets - offers % sets) * taken(offers / sets) + offers % sets * taken(offers / sets + 1);
    return estimate;
}

tl::expected<CacheShares, std::uint64_t> split_budget(std::uint64_t budget,
                                                      std::uint64_t base) noexcept {
    if (budget < base) {
        return tl::unexpected(base - budget);
    }
    const std::uint64_t rest = budget - base;
    return CacheShares{.positive = percent(rest, kPositivePercent),
                       .negative = percent(rest, kNegativePercent),
                       .capability = percent(rest, kCapabilityPercent)};
}

std::uint32_t cache_lines_within(const CacheShares& shares, unsigned workers) noexcept {
    constexpr std::uint64_t kThird = sizeof(RouteCache::Line) / 3;  // a place, rounded down
    constexpr std::uint64_t kLinesMax = 1U << 24;
    const std::uint64_t lines =
        std::min(shares.positive / (2 * (kThird + 1)), shares.negative / (kThird + 1)) /
        std::max(workers, 1U);
    if (lines < RouteCache::kLinesMin) {
        return 0;
    }
    return static_cast<std::uint32_t>(std::bit_floor(std::min(lines, kLinesMax)));
}

}  // namespace posthaste::routing
