// SPDX-License-Identifier: BSD-3-Clause
// StoreDamage: changes records of a claim store as a broken memory would, behind the back of its
// fingerprints.
#pragma once

#include "gossip/claims/route_plane.h"

namespace posthaste::gossip::claims {

class StoreDamage {
  public:
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
