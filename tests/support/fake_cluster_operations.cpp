// SPDX-License-Identifier: BSD-3-Clause
// FakeOperations: what it says of the cluster comes from the real commands over a FakeCluster.
#include "tests/support/fake_cluster.h"
#include "tests/support/fake_operations.h"

namespace posthaste::test {

using controlplane::NotedKind;

struct FakeOperations::Cluster {
    explicit Cluster(controlplane::EventLog& log) : commands(source, log) {
        source.answers_to = &commands;
    }

    FakeCluster source;
    controlplane::ClusterCommands commands;
};

FakeOperations::~FakeOperations() = default;

controlplane::ClusterCommands* FakeOperations::cluster() {
    ++calls;
    if (alone) {
        return nullptr;
    }
    if (cluster_ == nullptr) {
        cluster_ = std::make_shared<Cluster>(log_);
        for (const auto& event : cluster_->source.routes().take_events()) {
            cluster_->commands.note(event);
        }
        cluster_->source.fall_apart();
        // A move too many, a name that two have, and damage.
        cluster_->commands.note(gossip::claims::Event{.kind = gossip::claims::EventKind::conflict,
                                                      .router = gossip::claims::RouterId{2},
                                                      .agent = numbered_agent(1)});
        for (const auto kind : {gossip::membership::MemberEventKind::name_conflict,
                                gossip::membership::MemberEventKind::lost_name}) {
            gossip::membership::MemberEvent conflict;
            conflict.kind = kind;
            conflict.member.name = "west-2";
            cluster_->commands.note(conflict);
        }
        for (const std::uint64_t buckets : {3U, 0U}) {
            cluster_->commands.note(
                gossip::claims::Event{.kind = gossip::claims::EventKind::inconsistent,
                                      .router = gossip::claims::RouterId{2},
                                      .number = buckets});
        }
    }
    return &cluster_->commands;
}

controlplane::Outcome FakeOperations::show_store() {
    ++calls;
    return Json{{"path", "/var/lib/posthaste/posthaste.db"},
                {"generation", 3},
                {"file_bytes", 40'960},
                {"written", 12},
                {"commits", 4},
                {"errors", 0},
                {"queued", 0},
                {"commit_us_max", 900},
                {"loaded", 2},
                {"skipped", 0},
                {"pending", 0},
                {"awaited", 0},
                {"answers_held", 0},
                {"answers_given_up", 0}};
}

controlplane::EventLog& FakeOperations::events() {
    return log_;
}

void FakeOperations::make_event() {
    if (++events_made_ % 2 == 1) {
        log_.note({.kind = NotedKind::agent_attached,
                   .at_ms = 1'700'000'000'000,
                   .agent = numbered_agent(1),
                   .name = "edge0",
                   .detail = "10.0.0.10:4747"});
    } else {
        log_.note({.kind = NotedKind::generations_spent, .at_ms = 1'700'000'000'250});
    }
}

}  // namespace posthaste::test
