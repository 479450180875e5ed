// SPDX-License-Identifier: BSD-3-Clause
// Rib: all claims known to this box, and which of them wins. Control thread only.
//
// A pure state machine: time is an argument, the outcome is a list of changes for the Fib. A local
// agent (registered in band, by the operator, or static in the ini) wins over a static route to
// another router; a claimed route wins over a local agent, since it is only there while the other
// router's claim holds. Bounded by RibLimits; a request that is refused changes nothing. An agent
// takes one place, with its route, too; one that is new here takes that of a claim if all are
// taken.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "routing/agent_id.h"
#include "routing/fib.h"
#include "routing/intrusive_list.h"
#include "routing/key_hash.h"
#include "routing/keyed_id_hash.h"
#include "routing/message.h"
#include "routing/move_rate.h"
#include "routing/offer.h"
#include "routing/offer_names.h"
#include "routing/timing_wheel.h"

namespace posthaste::routing {

// Whose word it is. A later one in the order claimed, registered, operator_set, configured may
// change or replace what an earlier one said, never the other way round.
enum class Origin : std::uint8_t {
    registered = 1,    // in band, has a lease
    configured = 2,    // [agent] or [route] section; survives leases, goes with a reload
    operator_set = 3,  // posthastectl; as configured, until removed or restart
    claimed = 4,       // another router's claim; routes only
};

struct RibLimits {
    std::uint32_t routes_max = 0;             // agents that are here or have a route
    std::uint32_t agents_per_port_max = 0;    // 0: only routes_max counts
    std::uint16_t capabilities_max = 64;      // per agent, patterns included
    std::uint32_t names_max = 10'000;         // different names of capabilities
    std::uint32_t patterns_max = 1'000;       // different patterns
    std::uint64_t providers_max = 1'000'000;  // the sum over agents of what each offers
    std::uint32_t lease_min_ms = 1'000;
    std::uint32_t lease_max_ms = 3'600'000;
    std::uint32_t lease_default_ms = 30'000;
};

// Of names, patterns and providers one in so many is left for agents here and static routes: claims
// are taken only below that, and cannot shut out who registers at this router.
inline constexpr unsigned kOfferPartOfOwn = 4;

inline constexpr std::size_t kAgentNameMax = 255;  // bytes of UTF-8

struct Registration {
    AgentId agent;
    Endpoint endpoint;
    Origin origin = Origin::registered;
    AgentState state = AgentState::running;
    bool multi = false;           // the agent may be attached to several routers at once
    std::uint32_t epoch = 0;      // the agent's own number of its session; 0: it gives none
    std::uint32_t lease_ms = 0;   // 0: the default; clamped to the limits; registered agents only
    std::string name;             // may be empty
    std::vector<Offer> offers{};  // no two of one text; in a record: empty, see there
};

struct AgentRecord {
    Registration registration;
    std::uint64_t registered_at_ms = 0;
    std::uint64_t heard_ms = 0;     // the last sign of life the Rib knows of
    std::uint64_t deadline_ms = 0;  // 0: never; heartbeats move it when it is next due
    std::uint32_t moves = 0;
    Stability stability = Stability::normal;
    std::vector<HeldOffer> offers{};  // by number
    // The Rib's own.
    std::uint32_t cell_ms = 0;  // the lease cell as last read, modulo 2^32
    MoveRate rate{};
    WheelPlace<AgentRecord> due{};
};

struct RouteRecord {
    AgentId agent;
    std::uint16_t router = 0;     // its slot: of NextHops, by a [router] section or the cluster
    std::uint16_t adjacency = 0;  // of the World
    Origin origin = Origin::configured;
    AgentState state = AgentState::running;  // as its router says
    std::uint64_t expires_at_ms = 0;         // 0: never
    // The Rib's own.
    std::vector<HeldOffer> offers{};  // by number
    Stability stability = Stability::normal;
    std::uint32_t fresh_until_ms = 0;  // as the Fib has it
    std::uint64_t since_ms = 0;
    MoveRate rate{};
    WheelPlace<RouteRecord> due{};
    ListPlace<RouteRecord> sibling{};  // among the routes to the same router
    ListPlace<RouteRecord> spare{};    // among those that may be displaced
};

enum class RegisterOutcome : std::uint8_t { added, refreshed, moved, changed };

struct RibError {
    ErrorCode code = ErrorCode::none;
    std::string detail;  // one sentence for the sender or operator
};

// What the Fib must do. `remove` set: the agent is gone (only entry.agent counts); otherwise
// `entry` is the winner now.
struct FibChange {
    bool remove = false;
    FibEntry entry;
    std::uint32_t last_heard_ms = 0;
};

// What the capability index must do, in order: the provider is new, is no more, or is now so.
struct OfferChange {
    std::uint32_t number = 0;  // of OfferNames
    bool remove = false;       // only provider.agent counts
    Provider provider{};       // all but the cell
};

// What others than claims said of an agent has changed: it came, went, moved or offers something
// else here, or its route is free for a claim; or its claim was displaced.
struct AttachChange {
    AgentId agent;
    bool new_session = false;  // registered, and not as before
};

class Rib {
  public:
    // The agent's latest heartbeat as the lcores saw it: coarse milliseconds modulo 2^32 of the
    // clock that `now_ms` counts. None: not known, only registrations count.
    using LastHeard = std::function<std::optional<std::uint32_t>(const AgentId&)>;

    // Keyed as the Fib is: the ids in these tables are chosen by strangers, too.
    using Agents = std::unordered_map<AgentId, AgentRecord, KeyedIdHash>;
    using Routes = std::unordered_map<AgentId, RouteRecord, KeyedIdHash>;

    explicit Rib(const RibLimits& limits, const KeyHash::Key& key = KeyHash::random_key());
    Rib(const Rib&) = delete;
    Rib& operator=(const Rib&) = delete;

    // Same agent, same endpoint: refreshed (or changed, if state, name, session, capabilities or
    // origin differ). Another endpoint: moved. A configured agent cannot be taken over in band
    // (unauthorised); when it registers from its own endpoint it is refreshed and stays as it is.
    [[nodiscard]] tl::expected<RegisterOutcome, RibError> register_agent(Registration registration,
                                                                         std::uint64_t now_ms);
    // In band: the port, MAC and IP address must be the agent's, and it must be a registered one.
    // The operator passes none and may remove any; a configured one is back with the next reload.
    [[nodiscard]] tl::expected<void, RibError> deregister_agent(const AgentId& agent,
                                                                const Endpoint* from);
    [[nodiscard]] tl::expected<void, RibError> set_state(const AgentId& agent, AgentState state);
    // Only the first six members of the route count, and what the agent offers there. One whose
    // end is past goes with the next expire_routes(), and the Fib has it as stale until then.
    [[nodiscard]] tl::expected<void, RibError> set_route(const RouteRecord& route,
                                                         std::uint64_t now_ms,
                                                         std::span<const Offer> offers = {});
    [[nodiscard]] tl::expected<void, RibError> remove_route(const AgentId& agent);

    // Removes agents whose lease ran out, at most `budget` checks a call, the longest overdue
    // first. A heartbeat moves the deadline. Gives how many agents went. Whoever is looked at and
    // stays is judged anew for its stability; kJudgedPerCall of the verdicts at most change it.
    std::size_t expire(std::uint64_t now_ms, const LastHeard& last_heard, std::size_t budget);
    // The same for routes whose end has come.
    std::size_t expire_routes(std::uint64_t now_ms, std::size_t budget);

    // Every lease is as if granted now: nobody could renew one while this router was not there.
    // O(1): a record learns of it when it is next looked at.
    void restart_leases(std::uint64_t now_ms) noexcept { leases_from_ms_ = now_ms; }

    // When one of the two next has work, or somewhat before; nullopt: never.
    [[nodiscard]] std::optional<std::uint64_t> next_deadline_ms() const;

    // How many routes lead to the router, whether or not they are in use.
    [[nodiscard]] std::uint32_t routes_to(std::uint16_t router) const;
    // How many of them are claimed.
    [[nodiscard]] std::uint32_t claims_to(std::uint16_t router) const;
    // Removes the oldest of them for good, at most `budget` a call. Gives how many went.
    std::size_t remove_routes_to(std::uint16_t router, std::size_t budget);
    // Its first `count` routes, in the order in which they took their adjacency, take that one now
    // and are the last. Gives how many there were.
    std::size_t readdress_routes_to(std::uint16_t router,
                                    std::uint16_t adjacency,
                                    std::size_t count);
    // The agents behind the router, the oldest route first.
    [[nodiscard]] std::vector<AgentId> agents_behind(std::uint16_t router) const;

    // Changes since the last call, in order; the caller applies all of them to the Fib. Each one
    // differs from what the Fib holds.
    [[nodiscard]] std::vector<FibChange> take_changes();

    // Room for that many routes is made now, so that no single one pays for all others later.
    void reserve_routes(std::size_t count) { routes_.reserve(count); }

    // The same for agents that are here, as many as there may be.
    void reserve_agents(std::size_t count) {
        agents_.reserve(std::min<std::size_t>(count, limits_.routes_max));
    }

    // From now on such changes are noted for take_attaches(), which gives all or none before.
    void note_attaches() noexcept { notes_attaches_ = true; }

    // Since the last call, in order; some more than once.
    [[nodiscard]] std::vector<AttachChange> take_attaches();

    [[nodiscard]] bool any_attaches() const noexcept { return !attaches_.empty(); }

    // Whether the agent is local, but a claim of another router holds.
    [[nodiscard]] bool is_claimed_away(const AgentId& agent) const;

    // The same for who offers what; to be taken after the others, since providers are agents.
    [[nodiscard]] std::vector<OfferChange> take_offer_changes();

    // Agents whose registration is new, changed, no more in band or gone since the last call, in
    // order, some of them more than once. Nothing is noted before note_touched().
    [[nodiscard]] std::vector<AgentId> take_touched();

    void note_touched() noexcept { notes_touched_ = true; }

    // Whether register_agent() would leave the registration as it is, but for its lease's end.
    [[nodiscard]] bool holds(const Registration& wanted) const;

    // What a record's numbers stand for, by kind and text.
    [[nodiscard]] std::vector<Offer> offers_of(std::span<const HeldOffer> held) const;

    [[nodiscard]] OfferNames& names() noexcept { return names_; }

    [[nodiscard]] const OfferNames& names() const noexcept { return names_; }

    // Different names and patterns that are offered, and the sum over agents.
    [[nodiscard]] std::uint32_t names_held() const noexcept { return names_held_; }

    [[nodiscard]] std::uint32_t patterns_held() const noexcept { return patterns_held_; }

    [[nodiscard]] std::uint64_t offers_held() const noexcept { return offers_held_; }

    [[nodiscard]] const AgentRecord* find_agent(const AgentId& agent) const;
    [[nodiscard]] const RouteRecord* find_route(const AgentId& agent) const;

    [[nodiscard]] const Agents& agents() const noexcept { return agents_; }

    [[nodiscard]] const Routes& routes() const noexcept { return routes_; }

    [[nodiscard]] std::uint32_t agents_on_port(std::uint16_t port) const;

    // Agents that are here or have a route.
    [[nodiscard]] std::size_t places() const noexcept {
        return agents_.size() + routes_.size() - both_;
    }

    // For a route to one more agent, without displacing any.
    [[nodiscard]] bool has_room() const noexcept { return places() < limits_.routes_max; }

    // For what the agent of a claim would offer that holds none yet.
    [[nodiscard]] bool has_room_for_claimed(std::span<const Offer> offers) const;

    // Claimed routes that made room for an agent here or a static route.
    [[nodiscard]] std::uint64_t displaced() const noexcept { return displaced_; }

    // routing_table_version: grows by one with every change that take_changes() gives.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

    // For what comes; what is in stays, and keeps its lease until it is refreshed.
    void set_limits(const RibLimits& limits) noexcept { limits_ = limits; }

  private:
    using Outcome = tl::expected<RegisterOutcome, RibError>;

    static constexpr std::size_t kJudgedPerCall = 64;

    // What others see of an agent's offers.
    struct Shown {
        std::uint16_t router = kNoRouter;
        AgentState state = AgentState::running;
        std::vector<HeldOffer> offers{};
    };

    struct RouterRoutes {
        std::uint32_t count = 0;
        std::uint32_t claims = 0;
        IntrusiveList<RouteRecord, &RouteRecord::sibling> routes;
    };

    [[nodiscard]] Outcome add(Registration&& registration, std::uint64_t now_ms);
    [[nodiscard]] Outcome renew(AgentRecord& record, Registration&& wanted, std::uint64_t now_ms);
    [[nodiscard]] std::optional<RibError> check_room(const AgentId& agent, Origin origin) const;
    // After check_room(), when nothing else can refuse the agent any more.
    void make_room(const AgentId& agent);
    [[nodiscard]] std::optional<RibError> check_port(std::uint16_t port) const;
    [[nodiscard]] std::uint32_t granted_lease_ms(const Registration& registration) const;
    void start_lease(AgentRecord& record, std::uint64_t now_ms);
    void read_heartbeat(AgentRecord& record,
                        std::uint64_t now_ms,
                        std::optional<std::uint32_t> cell_ms);
    [[nodiscard]] bool judge(AgentRecord& record, std::uint64_t now_ms) const;
    void leave_port(std::uint16_t port);
    void touch(const AgentId& agent, Origin before, Origin now);
    void withdraw(const AgentId& agent);
    // All of them or none; `in_exchange` are given up for them. No more than before always fit.
    [[nodiscard]] tl::expected<std::vector<HeldOffer>, RibError> hold_offers(
        std::span<const Offer> offers, std::size_t in_exchange, Origin origin);
    [[nodiscard]] tl::expected<std::uint32_t, RibError> hold_offer(const Offer& offer,
                                                                   Origin origin);
    void release_offers(std::span<const HeldOffer> offers);
    [[nodiscard]] Shown shown(const AgentId& agent) const;
    // Either may be null.
    [[nodiscard]] static Shown shown(const AgentRecord* record, const RouteRecord* route);

    void announce(const AgentId& agent, const Shown& before) {
        announce(agent, before, shown(agent));
    }

    void announce(const AgentId& agent, const Shown& before, const Shown& now);
    RouteRecord& change_route(const RouteRecord& route, std::uint64_t now_ms);
    void show_route(const RouteRecord& now, const RouteRecord* before);
    void drop_route(const AgentId& agent);
    void join_router(RouteRecord& route);
    void leave_router(RouteRecord& route);
    // May be displaced: it is a claim, and no agent here would keep its place without it.
    [[nodiscard]] bool is_spare(const RouteRecord& route) const;
    [[nodiscard]] FibChange& add_change(const AgentId& agent);
    void note_attach(const AgentId& agent, bool new_session);
    // Unless a claim of another router holds.
    void publish_agent(AgentRecord& record);
    void publish_local(AgentRecord& record);
    void publish_route(const RouteRecord& route);
    void publish_removal(const AgentId& agent);

    RibLimits limits_;
    Agents agents_;
    Routes routes_;
    std::unordered_map<std::uint16_t, std::uint32_t> agents_per_port_;
    std::unordered_map<std::uint16_t, RouterRoutes> routes_per_router_;
    std::size_t both_ = 0;                                   // agents here that have a route, too
    IntrusiveList<RouteRecord, &RouteRecord::spare> spare_;  // the oldest first
    std::uint64_t displaced_ = 0;
    TimingWheel<AgentRecord, &AgentRecord::due> leases_;  // of registered agents
    std::uint64_t leases_from_ms_ = 0;                    // none counts from before
    TimingWheel<RouteRecord, &RouteRecord::due> ends_;    // of routes that have one
    std::vector<FibChange> changes_;
    OfferNames names_;
    std::uint32_t names_held_ = 0;
    std::uint32_t patterns_held_ = 0;
    std::uint64_t offers_held_ = 0;
    std::vector<OfferChange> offer_changes_;
    std::vector<AgentId> touched_;
    bool notes_touched_ = false;
    std::vector<AttachChange> attaches_;
    bool notes_attaches_ = false;
    std::uint64_t version_ = 0;
};

}  // namespace posthaste::routing
