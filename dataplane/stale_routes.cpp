// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/stale_routes.h"

#include "dataplane/route_use.h"

namespace posthaste::dataplane {

bool StaleRoutes::take(const routing::FibEntry& route, std::uint32_t now_ms) noexcept {
    Asked& asked = asked_[route.cell % kRemembered];
    if (asked.used && asked.cell == route.cell && asked.version == route.version &&
        now_ms - asked.at_ms < kRepeatMs) {
        return false;
    }
    asked = {route.cell, route.version, now_ms, true};
    return true;
}

void ask_for_stale(const Burst& burst,
                   StaleRoutes& routes,
                   SpscRing<routing::AgentId>& wanted,
                   routing::LookupCounters& counters) noexcept {
    if (!burst.stale.any()) [[likely]] {
        return;
    }
    for (const unsigned lane : burst.stale) {
        const routing::FibEntry& route = *burst.target[lane];
        if (!routes.take(route, burst.now_ms)) {
            continue;
        }
        if (wanted.push(route.agent)) {
            counters.discovery_wanted.add(1);
        } else {
            counters.discovery_dropped.add(1);
        }
    }
}

}  // namespace posthaste::dataplane
