// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route_use.h"

namespace posthaste::dataplane {

void RouteSampler::sample(const Burst& burst, SpscRing<RouteUse>& uses) noexcept {
    const LaneMask to_agents = burst.live - burst.to_all;
    const unsigned lanes = to_agents.count();
    if (lanes < left_) [[likely]] {
        left_ -= lanes;
        return;
    }
    unsigned skip = left_ == 0 ? 0 : left_ - 1;
    for (const unsigned lane : to_agents) {
        if (skip-- != 0) {
            continue;
        }
        // A capability's own entry: the box drains, and nobody was chosen.
        if (const routing::FibEntry* const target = burst.target[lane];
            target != nullptr && target->kind != routing::RouteKind::capability) {
            static_cast<void>(uses.push({target->cell, burst.now_ms, target->version}));
        }
        break;
    }
    // Numerical Recipes' generator (Press et al.): quality does not matter here.
    random_ = random_ * 1664525U + 1013904223U;
    left_ = kUseSampling / 2 + (random_ >> 16) % kUseSampling;
}

}  // namespace posthaste::dataplane
