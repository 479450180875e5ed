// SPDX-License-Identifier: BSD-3-Clause
// LiveOperations: the cluster and the store.
#include "controlplane/live_cluster.h"

#include "controlplane/live_operations.h"

namespace posthaste::controlplane {

void LiveCluster::follow(std::span<const gossip::claims::Event> events) {
    for (const gossip::membership::MemberEvent& event : box_.cluster->take_member_events()) {
        commands_.note(event);
    }
    for (const gossip::claims::Event& event : events) {
        commands_.note(event);
    }
}

ClusterCommands* LiveOperations::cluster() {
    return cluster_.has_value() ? &cluster_->commands() : nullptr;
}

void LiveOperations::follow_cluster() {
    if (cluster_.has_value()) {
        cluster_->follow(conductor_.take_route_events());
    }
}

Outcome LiveOperations::show_store() {
    if (box_.store == nullptr) {
        return refuse(code::refused, "this router keeps nothing on a disk ([store] path)");
    }
    const StoreCounts counts = box_.store->counts();
    const SavedAgentsCounts saved = box_.saved->counts();
    return Json{{"path", box_.config.store.path},
                {"generation", box_.store->generation_counter()},
                {"file_bytes", counts.file_bytes},
                {"written", counts.written},
                {"commits", counts.commits},
                {"errors", counts.errors},
                {"queued", counts.queued},
                {"commit_us_max", counts.commit_us_max},
                {"loaded", saved.loaded},
                {"skipped", saved.skipped},
                {"pending", saved.pending},
                {"awaited", saved.awaited},
                {"answers_held", box_.held_answers.size()},
                {"answers_given_up", box_.held_answers.given_up()}};
}

}  // namespace posthaste::controlplane
