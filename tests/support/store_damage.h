// SPDX-License-Identifier: BSD-3-Clause
// StoreDamage: changes records of a claim store as a broken memory would, behind the back of its
// fingerprints, and finds whether somebody did.
#pragma once

#include "gossip/claims/route_plane.h"

namespace posthaste::gossip::claims {

class StoreDamage {
  public:
    // Whether the fingerprint of the keyspace is that of its records; true: it is not known, too.
    [[nodiscard]] static bool is_whole(const ClaimStore& store, RouterId router) {
        const Keyspace* const held = store.keyspace(router);
        std::uint64_t sum = 0;
        for (std::uint32_t slot = held == nullptr ? kNoSlot : held->head; slot != kNoSlot;
             slot = store.table_[slot].after) {
            sum += store.table_[slot].gone == 0 ? store.hash_of(store.table_[slot], router) : 0;
        }
        return held == nullptr || sum == held->fingerprint;
    }

    // Of a claim that the router has; the fingerprint stays.
    static void change_epoch(RoutePlane& plane, RouterId router, const routing::AgentId& agent) {
        ClaimStore& store = plane.state_.store;
        ++store.table_[store.table_.find(agent, store.known(router)->live)].epoch;
    }

    // As if the router had said so: the fingerprints go with it.
    static void rewrite(RoutePlane& plane, RouterId router, const routing::AgentId& agent) {
        ClaimStore& store = plane.state_.store;
        const KeyspaceNumber live = store.known(router)->live;
        Slot& slot = store.table_[store.table_.find(agent, live)];
        store.print(*store.keyspaces_[live], slot, false);
        ++slot.epoch;
        store.print(*store.keyspaces_[live], slot, true);
    }

    // Of the keyspace as a whole; its records stay.
    static void change_fingerprint(RoutePlane& plane, RouterId router) {
        ClaimStore& store = plane.state_.store;
        ++store.keyspaces_[store.known(router)->live]->fingerprint;
    }
};

}  // namespace posthaste::gossip::claims
