// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/punt.h"

#include "dataplane/recipient_mark.h"

namespace posthaste::dataplane {

void punt(Burst& burst, PuntRings& rings) noexcept {
    for (const unsigned lane : burst.punted) {
        const PuntClass why = burst.punt_class[lane];
        const std::uint16_t adjacency =
            why == PuntClass::hold ? burst.adjacency[lane] : routing::kNoAdjacency;
        if (why == PuntClass::hold || why == PuntClass::capability) [[unlikely]] {
            mark_recipient(*burst.frame[lane], recipient_of(burst, lane));
        }
        const Punted item{burst.frame[lane], burst.ingress, adjacency, why};
        if (!rings[static_cast<std::size_t>(why)].push(item)) {
            burst.punted.clear(lane);
            burst.drop(lane, routing::Drop::punt_full);
        }
    }
}

}  // namespace posthaste::dataplane
