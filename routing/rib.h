// SPDX-License-Identifier: BSD-3-Clause
// Rib: all claims known to this box, and which of them wins. Control thread only.
//
// A pure state machine: time is an argument, the outcome is a list of changes for the Fib. A local
// agent (registered in band, by the operator, or static in the ini) wins over a static route to
// another router. Bounded by RibLimits; a registration beyond them changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "routing/agent_id.h"
#include "routing/fib.h"
#include "routing/message.h"

namespace posthaste::routing {

enum class Origin : std::uint8_t {
    registered = 1,    // in band, has a lease
    configured = 2,    // [agent] or [route] section; survives leases, goes with a reload
    operator_set = 3,  // posthastectl; as configured, until removed or restart
};

struct RibLimits {
    std::uint32_t routes_max = 0;  // agents and routes together
    std::uint32_t agents_per_port_max = 0;
    std::uint16_t capabilities_max = 64;  // per agent
    std::uint32_t lease_min_ms = 1'000;
    std::uint32_t lease_max_ms = 3'600'000;
    std::uint32_t lease_default_ms = 30'000;
};

struct Registration {
    AgentId agent;
    Endpoint endpoint;
    Origin origin = Origin::registered;
    AgentState state = AgentState::running;
    std::uint32_t lease_ms = 0;  // 0: the default; clamped to the limits
    std::string name;            // may be empty
    std::vector<std::string> capabilities;
};

struct AgentRecord {
    Registration registration;
    std::uint64_t registered_at_ms = 0;
    std::uint64_t deadline_ms = 0;  // 0: never
    std::uint32_t moves = 0;
};

struct RouteRecord {
    AgentId agent;
    std::uint16_t router = 0;     // index of the [router] section
    std::uint16_t adjacency = 0;  // of the World
    Origin origin = Origin::configured;
};

enum class RegisterOutcome : std::uint8_t { added, refreshed, moved, changed };

struct RibError {
    ErrorCode code = ErrorCode::none;
    std::string detail;  // one sentence for the sender or operator
};

// What the Fib must do. `remove` set: the agent is gone; otherwise `entry` is the winner now.
struct FibChange {
    bool remove = false;
    FibEntry entry;
    std::uint32_t last_heard_ms = 0;
};

class Rib {
  public:
    using LastHeard = std::function<std::uint32_t(const AgentId&)>;

    explicit Rib(const RibLimits& limits);

    // Same agent, same endpoint: refreshed (or changed, if state, name or capabilities differ).
    // Another endpoint: moved. A configured agent cannot be taken over in band (unauthorised).
    [[nodiscard]] tl::expected<RegisterOutcome, RibError> register_agent(Registration registration,
                                                                         std::uint64_t now_ms);
    // In band the endpoint must match; the operator passes none.
    [[nodiscard]] tl::expected<void, RibError> deregister_agent(const AgentId& agent,
                                                                const Endpoint* from);
    [[nodiscard]] tl::expected<void, RibError> set_state(const AgentId& agent, AgentState state);
    [[nodiscard]] tl::expected<void, RibError> set_route(const RouteRecord& route);
    [[nodiscard]] tl::expected<void, RibError> remove_route(const AgentId& agent);

    // Removes agents whose lease ran out, at most `budget` checks a call. `last_heard` gives the
    // agent's latest heartbeat (coarse ms, modulo 2^32), as the lcores saw it; a heartbeat since
    // moves the deadline. Gives how many agents went.
    std::size_t expire(std::uint64_t now_ms, const LastHeard& last_heard, std::size_t budget);
    // When expire() next has work; nullopt: never.
    [[nodiscard]] std::optional<std::uint64_t> next_deadline_ms() const;

    // Changes since the last call, in order; the caller applies all of them to the Fib.
    [[nodiscard]] std::vector<FibChange> take_changes();

    [[nodiscard]] const AgentRecord* find_agent(const AgentId& agent) const;
    [[nodiscard]] const RouteRecord* find_route(const AgentId& agent) const;
    [[nodiscard]] const std::unordered_map<AgentId, AgentRecord, AgentIdHash>& agents() const {
        return agents_;
    }
    [[nodiscard]] const std::unordered_map<AgentId, RouteRecord, AgentIdHash>& routes() const {
        return routes_;
    }
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
    void set_limits(const RibLimits& limits) noexcept { limits_ = limits; }

  private:
    struct Deadline {
        std::uint64_t at_ms;
        AgentId agent;
        friend bool operator>(const Deadline& a, const Deadline& b) { return a.at_ms > b.at_ms; }
    };

    void publish_winner(const AgentId& agent, std::uint64_t now_ms);

    RibLimits limits_;
    std::unordered_map<AgentId, AgentRecord, AgentIdHash> agents_;
    std::unordered_map<AgentId, RouteRecord, AgentIdHash> routes_;
    std::unordered_map<std::uint16_t, std::uint32_t> agents_per_port_;
    std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
    std::vector<FibChange> changes_;
    std::uint64_t version_ = 0;
};

}  // namespace posthaste::routing
