// SPDX-License-Identifier: BSD-3-Clause
// ClusterCommands: the operator's commands about the cluster, over a ClusterSource.
//
// The shapes of answers are in controlplane/operations.h. Also writes what happens in the cluster
// into the EventLog. Control thread only. Bounded: kQuestionsMax questions about keys at one time,
// each for kKeysWaitMs; no call walks more than the routers and members.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/cluster/cluster_source.h"
#include "controlplane/event_log.h"
#include "controlplane/ongoing.h"

namespace posthaste::controlplane {

class ClusterCommands {
  public:
    static constexpr std::size_t kQuestionsMax = 8;
    static constexpr std::uint64_t kKeysWaitMs = 25'000;
    static constexpr std::uint64_t kCheckMs = 3'000;
    static constexpr std::uint64_t kCheckAgainMs = 200;

    // Both outlive it.
    ClusterCommands(ClusterSource& source, EventLog& log) : source_(source), log_(log) {}

    ClusterCommands(const ClusterCommands&) = delete;
    ClusterCommands& operator=(const ClusterCommands&) = delete;

    // Whoever drives the cluster tells what it took from there.
    void note(const gossip::membership::MemberEvent& event);
    void note(const gossip::claims::Event& event);

    // {peers: [{name, status: "alive"|"suspect"|"leaving"|"left"|"failed", self, address,
    //           router: 16 hexadecimal digits|null (a member that is no router), session: of the
    //           route plane, up; fabric: ADDRESS:PORT|null, drift: changes that one of the two
    //           lacks|null, compared_ms: ago|null, round_trip_us: number|null, since_ms: of the
    //           status, incarnation, protocol, tags: {KEY: VALUE}}], total, next}, by name.
    [[nodiscard]] Outcome show_peers(const Page& page) const;
    // {node, cluster, health_score: 0 well..7, sealed: bool, keys, leaving: bool, routers,
    // sessions,
    //  members: {alive, suspect, leaving, left, failed},
    //  messages: [{layer: "membership"|"serf"|"routes", message, received, sent}], every kind,
    //  refusals: [{layer: as above, or "routers"|"links"|"seals", refusal, count}] that occurred,
    //  transport: {every other counter of MembershipCounters},
    //  feed: {ClusterRoutesCounts}, sockets: {ClusterCounters}, routes: {every other counter of
    //  PlaneCounters and OwnCounts}}
    [[nodiscard]] Outcome show_gossip() const;
    // {origins: [{name, id, self, eligible: its claims may hold, generation, boot, version, floor,
    //              fingerprint, claims, records,
    //              behind: [{peer, changes}] by which we are ahead of it,
    //              ahead: [{peer, changes}]}], total, next,
    //  peers: [{router, compared_ms: ago, drift_sum, drift_max}], root: of all that is known}
    // behind and ahead as they were when the peer was compared last, up to 64 keyspaces a peer.
    [[nodiscard]] Outcome show_versions(const Page& page) const;
    // {agent, claims: [{router, holds, why: one sentence, state, sticky, multi, epoch, mobility,
    //  attached_ms: ago, generation, version, stale, provisional, eligible, load_per_mille,
    //  queue_depth, capabilities: [KIND? NAME@PRIORITY*WEIGHT]}], frozen_ms: still|null}
    // Those that hold first. not_found: no router claims it.
    [[nodiscard]] Outcome show_claims(const routing::AgentId& agent) const;
    // {frozen: [{agent, for_ms: still, times: in a row}], of the 8192 that moved here last,
    //  conflicts: [{agent, router: of the other claim, ago_ms, concurrent: still so}],
    //  names: [{name, event, detail: string|null, ago_ms}],
    //  inconsistencies: [{router, event, detail: string|null, ago_ms}], each the last 32 of them,
    //  totals: {EVENT: times}}
    [[nodiscard]] Outcome show_conflicts() const;
    // {routers: [{router, id, self, status, connected: bool|null (this one), address: string|null,
    //             agents: claims, round_trip_us: number|null}], this one first, then by name,
    //  links: [{from, to, up}], of this router: it knows no others,
    //  members: that are no routers, text: a drawing of it}
    [[nodiscard]] Outcome show_topology() const;

    // {seeds: ["ADDRESS:PORT"], outcome: "joining"}; what comes of it are events.
    [[nodiscard]] Outcome join(const std::vector<gossip::membership::SocketAddress>& seeds);
    // {outcome: "leaving"}; conflict: it does so already. There is no way back but a restart.
    [[nodiscard]] Outcome leave();
    // {member, outcome: "left"}; not_found or refused.
    [[nodiscard]] Outcome force_leave(const std::string& member, bool prune);
    // {action, result: "done"|"partial", members, answers, errors,
    //  keys: [{key, members, primary: how many seal with it}], failures: [{member, why}]}
    [[nodiscard]] Reply keys(gossip::membership::KeyAction action, const std::string& key);
    // {result: "equal"|"different"|"unanswered", took_ms,
    //  peers: [{router, answer: "equal"|"different"|"none", drift_sum, drift_max}],
    //  differences: [{peer, router, kind: "behind"|"ahead"|"content", changes}]}
    // Asks every router that is alive, again and again for kCheckMs while anything differs: what
    // changes all the time is never quite equal. content: equal versions, which is damage.
    [[nodiscard]] Reply check();

    // Of membership, as the configuration has it.
    [[nodiscard]] std::uint16_t port() const { return source_.port(); }

    // For their memory.
    [[nodiscard]] const gossip::claims::ClaimTable& claims() const {
        return source_.routes().store().table();
    }

    [[nodiscard]] std::size_t questions() const noexcept { return questions_.size(); }

  private:
    class KeyQuestion;
    class Check;

    [[nodiscard]] std::string router_text(gossip::claims::RouterId router) const;
    [[nodiscard]] Json peer_row(const gossip::membership::MemberView& member,
                                const std::vector<RouterMember>& routers) const;
    [[nodiscard]] Json version_row(const gossip::claims::DigestRow& row,
                                   const std::vector<gossip::claims::RouterId>& peers) const;
    [[nodiscard]] Json claim_row(const gossip::claims::Winner& claim,
                                 const std::vector<gossip::claims::Winner>& winners) const;
    [[nodiscard]] Json topology_rows() const;

    ClusterSource& source_;
    EventLog& log_;
    // By the number of the question; none: not yet answered.
    std::map<std::uint32_t, std::optional<gossip::membership::KeyAnswers>> questions_;
};

}  // namespace posthaste::controlplane
