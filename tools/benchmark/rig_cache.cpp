// SPDX-License-Identifier: BSD-3-Clause
// The Rig's worker that has a route cache.
#include <rte_cycles.h>

#include <algorithm>
#include <bit>

#include "routing/route_cache.h"
#include "tools/benchmark/rig.h"

namespace posthaste::tools {

std::uint32_t cache_lines_for(std::uint32_t agents) noexcept {
    using routing::RouteCache;
    return agents == 0 ? 0
                       : std::max(std::bit_ceil((agents + 1) / RouteCache::kPositive),
                                  RouteCache::kLinesMin);
}

void Rig::settle_cached() noexcept {
    const std::uint64_t lookups =
        routing::Resolver::lookups_to_decide(cache_lines_for(options_.cache));
    const std::uint64_t slice = rte_get_tsc_hz() / 100;
    for (Subject* const subject : {&cached_, &cached_by_hash_}) {
        while (subject->worker->lookups().lookups.read() < lookups) {
            static_cast<void>(forward(*subject, generator_, slice));
        }
    }
}

Rig::Turned Rig::forward_cached(std::uint64_t cycles) noexcept {
    return forward(cached_, generator_, cycles);
}

Rig::Turned Rig::forward_cached_by_hash(std::uint64_t cycles) noexcept {
    return forward(cached_by_hash_, generator_, cycles);
}

}  // namespace posthaste::tools
