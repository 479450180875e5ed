// SPDX-License-Identifier: BSD-3-Clause
// ClusterRoutes: between the route plane and the Rib. What holds elsewhere becomes a route, what is
// attached here becomes a claim, and routers of the cluster become next hops.
//
// A state machine: members, events and time come in; the Rib's changes are the caller's to publish.
// Owned by the Box, on the control thread. One turn does as much as its budget says, whatever came.
// Bounds: as many routes as the Rib takes. kWaitingMax claims and unclaimed_max agents are kept for
// when there is room, and kWithoutOffersMax routes to be shown with what their agents offer; those
// beyond are found by going through all again. Of kPendingMax winners or kLoadsMax loads the oldest
// is seen to at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "controlplane/attach_judge.h"
#include "controlplane/cluster/agent_loads.h"
#include "controlplane/cluster/agent_queue.h"
#include "controlplane/cluster/bucket_walk.h"
#include "controlplane/cluster/providers_here.h"
#include "controlplane/cluster/router_member.h"
#include "controlplane/config.h"
#include "controlplane/next_hops.h"
#include "dataplane/misrouted.h"
#include "gossip/claims/route_plane.h"
#include "routing/discovery.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

struct ClusterRoutesCounts {
    // Now.
    std::uint64_t routers = 0;          // with a slot
    std::uint64_t routers_waiting = 0;  // no fabric port leads to them, or there is no room
    std::uint64_t pending = 0;          // agents whose winner may have changed
    std::uint64_t waiting = 0;          // claims the Rib had no room for, at least
    std::uint64_t unclaimed = 0;        // agents here that no other router is told of, at least
    std::uint64_t own_pending = 0;      // changes of agents here, to be told
    // Routes that lack what the agent offers, at least: claims had their share of the tables.
    std::uint64_t without_offers = 0;
    // Since the start.
    std::uint64_t looked_at = 0;        // winners, whether or not they had changed
    std::uint64_t routes_set = 0;       // routes new or changed
    std::uint64_t routes_removed = 0;   // no other router's claim holds any more
    std::uint64_t unreachable = 0;      // a claim held whose router has no slot
    std::uint64_t outranked = 0;        // the ini's or the operator's route stays
    std::uint64_t refused_full = 0;     // the Rib had no room
    std::uint64_t displaced = 0;        // of routes, by agents here and static ones
    std::uint64_t offers_left_out = 0;  // a route was set without what the agent offers
    std::uint64_t walks = 0;            // all claims gone through again
    std::uint64_t attach_refused = 0;   // registrations refused for the cluster's sake
    std::uint64_t frozen = 0;           // of them: claimed by two routers too often
    std::uint64_t sessions_closed = 0;  // of agents that are elsewhere now
    std::uint64_t loads_told = 0;
    std::uint64_t loads_heard = 0;
    std::uint64_t discoveries = 0;        // agents and capabilities others were asked about
    std::uint64_t discoveries_found = 0;  // answers that knew
    std::uint64_t discoveries_unknown = 0;
    std::uint64_t not_discovered = 0;      // there was nobody to ask
    std::uint64_t questions_answered = 0;  // of others, about capabilities
    // Of frames from other routers for somebody who is not here.
    std::uint64_t hints_told = 0;       // the router was told
    std::uint64_t hints_unsent = 0;     // it has no session, or was told too often
    std::uint64_t hints_void = 0;       // who it was for has come here meanwhile
    std::uint64_t hints_strangers = 0;  // no router of the cluster has that address
};

class ClusterRoutes final : public AttachJudge {
  public:
    static constexpr std::size_t kWaitingMax = 4'096;
    static constexpr std::size_t kWithoutOffersMax = 4'096;
    static constexpr std::size_t kPendingMax = 262'144;
    static constexpr std::size_t kLoadsMax = 65'536;

    // What it stands between; all outlive it. `config` may change between calls.
    struct Parts {
        gossip::claims::RoutePlane& plane;
        routing::Rib& rib;
        NextHops& next_hops;
        AgentLoads& loads;
        routing::Discovery& discovery;
        const ProvidersHere& providers;
        const Config& config;
    };

    struct Options {
        std::uint64_t load_ms = 100;      // between looks at the load of all agents here
        std::uint64_t retry_ms = 1'000;   // of routers and agents that were refused
        std::size_t load_cells = 16'384;  // looked at in a turn
        std::size_t unclaimed_max = 65'536;
    };

    struct Input {
        std::span<const RouterMember> routers{};
        std::span<const gossip::claims::Event> events{};
        std::span<const dataplane::Misrouted> misrouted{};  // each costs a look at all routers
        std::uint64_t now_ms = 0;
        std::uint64_t claims_ms = 0;  // the same instant by the clock of claims
        std::size_t budget = 0;       // agents looked at
        // The Fib has not taken all of the Rib's changes yet: nothing is added to them.
        bool fib_behind = false;
    };

    struct Done {
        bool more = false;             // at once
        bool routers_changed = false;  // the World must be built anew
    };

    // Agents that are in the Rib are claimed by the first turns.
    ClusterRoutes(const Parts& parts, const Options& options);

    [[nodiscard]] Done turn(const Input& input);

    // The agent is claimed if it is here, and shown as the claims say. Before the Rib's changes are
    // published and it is answered, so that one that was told that it is here is. Others that
    // changed are settled by settle_some().
    void settle_agent(const routing::AgentId& agent);
    // At most so many agents that came, changed or left, those first that wait for longest. Turns
    // settle the rest.
    void settle_some(std::size_t budget);

    [[nodiscard]] tl::expected<void, routing::RibError> may_attach(
        const routing::Registration& wanted, std::uint64_t now_ms) override;

    [[nodiscard]] ClusterRoutesCounts counts() const;

    // The router behind a slot; nothing: none of the cluster.
    [[nodiscard]] std::optional<gossip::claims::RouterId> router_at(std::uint16_t slot) const;

  private:
    struct Peer {
        std::uint16_t slot = 0;
        bool leaving = false;
    };

    // cluster_routes.cpp
    void serve_events(const Input& input);
    void start();
    void take_attaches();
    void settle_first(std::size_t budget);
    void settle(const AgentQueue::Entry& change);
    [[nodiscard]] gossip::claims::Attachment attachment_of(const routing::AgentRecord& record,
                                                           bool new_session) const;
    void keep_unclaimed(const AgentQueue::Entry& change);
    void retry_unclaimed();
    void find_unclaimed();
    void tell_loads();
    void take_loads(std::size_t budget);
    void take_load(const routing::AgentId& agent);
    void load_is_due(const routing::AgentId& agent);

    // cluster_routes_asked.cpp
    void take_answer(const gossip::claims::Event& event);
    void discover();
    void answer_questions();
    void tell_misrouted(std::span<const dataplane::Misrouted> frames);
    [[nodiscard]] std::optional<gossip::claims::RouterId> router_from(
        const routing::IpAddress& fabric) const;

    // cluster_routes_members.cpp
    void serve_router(const RouterMember& member);
    [[nodiscard]] tl::expected<std::uint16_t, std::string> place(const RouterMember& member);
    void drop_leaving(std::size_t budget);
    void retry_routers();
    [[nodiscard]] RouterConfig next_hop_of(const RouterMember& member) const;

    // cluster_routes_show.cpp
    void winner_changed(const routing::AgentId& agent);
    void show_pending(std::size_t budget);
    void show(const routing::AgentId& agent);
    [[nodiscard]] bool holds_here(const routing::AgentId& agent,
                                  const gossip::claims::Winner& best) const;
    [[nodiscard]] bool stays_masked(const routing::RouteRecord& route) const;
    void remove_claim(const routing::AgentId& agent);
    void set_claim(const routing::AgentId& agent,
                   const gossip::claims::Winner& best,
                   std::uint16_t slot);
    [[nodiscard]] const std::vector<routing::Offer>& offers_of(std::uint32_t set);
    void wait_for_room(const routing::AgentId& agent);
    void retry_waiting();
    void retry_offers();
    void walk();

    Parts parts_;
    Options options_;
    ClusterRoutesCounts counts_;

    std::unordered_map<std::uint64_t, Peer> peers_;                    // by router
    std::vector<std::optional<gossip::claims::RouterId>> routers_at_;  // by slot
    std::unordered_map<std::uint64_t, RouterMember> refused_routers_;
    bool routers_changed_ = false;

    AgentQueue pending_{kPendingMax};
    AgentQueue waiting_{kWaitingMax};
    bool more_wait_ = false;                                                 // than waiting_ has
    std::unordered_map<std::uint64_t, std::vector<routing::Offer>> offers_;  // by hash of a set
    AgentQueue without_offers_{kWithoutOffersMax};
    bool more_without_offers_ = false;
    bool offers_go_on_ = false;  // for some there was room just now

    AgentQueue own_pending_;  // marked: a new session
    AgentQueue unclaimed_;
    bool unclaimed_go_on_ = false;  // some could be claimed just now
    BucketWalk buckets_;            // for those that are unclaimed and not in unclaimed_
    BucketWalk first_buckets_;      // for those that were here at the first turn
    std::size_t first_left_ = 0;    // of these, that have not had their turn
    bool started_ = false;
    bool told_end_ = false;

    AgentQueue loads_due_{kLoadsMax};
    std::vector<AgentLoads::Moved> moved_;
    std::uint64_t next_loads_ms_ = 0;
    std::uint64_t next_retry_ms_ = 0;

    std::uint64_t now_ms_ = 0;
    std::uint64_t claims_ahead_ms_ = 0;  // of now_ms
};

}  // namespace posthaste::controlplane
