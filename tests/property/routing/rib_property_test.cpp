// SPDX-License-Identifier: BSD-3-Clause
// The Rib against a naive model: two maps and a clock. After every step the changes are applied to
// a map that stands for the Fib, and that map must hold the model's winners, no more, no less.
// (RC_ASSERT takes its expression apart and evaluates all of it, hence double parentheses.)
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <vector>

#include "routing/rib.h"
#include "tests/support/hash_key.h"

using posthaste::routing::AgentId;
using posthaste::routing::AgentState;
using posthaste::routing::Endpoint;
using posthaste::routing::FibChange;
using posthaste::routing::FibEntry;
using posthaste::routing::IpAddress;
using posthaste::routing::Origin;
using posthaste::routing::Registration;
using posthaste::routing::Rib;
using posthaste::routing::RibLimits;
using posthaste::routing::RouteKind;
using posthaste::routing::RouteRecord;
using posthaste::routing::Stability;

namespace {

constexpr RibLimits kLimits{.routes_max = 4,
                            .agents_per_port_max = 3,
                            .capabilities_max = 2,
                            .lease_min_ms = 5'000,
                            .lease_max_ms = 40'000,
                            .lease_default_ms = 20'000};
// So that most runs cross the wrap of the 32-bit cells.
constexpr std::uint64_t kStart = (1ULL << 32) - 50'000;

enum class Act : std::uint8_t {
    enrol,
    leave,
    evict,
    restate,
    route,
    unroute,
    heartbeat,
    pass,
};

constexpr std::uint32_t kEndless = 25'000;  // a route of a shorter step has an end

struct Step {
    Act act = Act::pass;
    unsigned agent = 0;   // 0 .. 4
    unsigned port = 0;    // 0 .. 1
    unsigned host = 0;    // 0 .. 1
    unsigned origin = 0;  // mostly in band
    unsigned state = 0;   // 0 .. 2
    std::uint32_t ms = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << "{act " << static_cast<int>(step.act) << " agent " << step.agent << " port "
               << step.port << " host " << step.host << " origin " << step.origin << " state "
               << step.state << " ms " << step.ms << "}";
}

AgentId id_of(unsigned number) {
    AgentId id = *AgentId::from_text("40000000-0000-4000-8000-000000000000");
    id.bytes[15] = static_cast<std::uint8_t>(number);
    return id;
}

Endpoint endpoint_of(const Step& step) {
    Endpoint where;
    where.ip = *IpAddress::from_text(step.host == 0 ? "10.0.0.1" : "fd00::1");
    where.port = static_cast<std::uint16_t>(step.port);
    where.udp_port = 4000;
    return where;
}

Origin origin_of(const Step& step) {
    if (step.origin == 0) {
        return Origin::configured;
    }
    return step.origin == 1 ? Origin::operator_set : Origin::registered;
}

AgentState state_of(const Step& step) {
    return static_cast<AgentState>(step.state + 1);
}

int rank(Origin origin) {
    return origin == Origin::configured ? 2 : origin == Origin::operator_set ? 1 : 0;
}

// What the Fib holds, with its rule for lease cells.
struct Shown {
    std::optional<std::uint16_t> adjacency;  // of a route; else a local agent's
    Endpoint endpoint;
    AgentState state = AgentState::running;
    std::uint16_t router = posthaste::routing::kNoRouter;
    std::uint32_t fresh_until_ms = 0;

    friend bool operator==(const Shown&, const Shown&) = default;
};

struct FibModel {
    struct Row {
        Shown shown;
        std::uint32_t cell = 0;
        Stability stability = Stability::normal;
    };

    std::map<AgentId, Row> rows;
    std::uint32_t version = 0;

    void apply(const FibChange& change) {
        RC_ASSERT(change.entry.version == version + 1);
        version = change.entry.version;
        const auto row = rows.find(change.entry.agent);
        if (change.remove) {
            RC_ASSERT(row != rows.end());
            rows.erase(row);
            return;
        }
        Shown shown;
        if (change.entry.kind == RouteKind::remote) {
            shown.adjacency = change.entry.endpoint.adjacency;
            shown.router = change.entry.router;
            shown.fresh_until_ms = change.entry.fresh_until_ms;
        } else {
            shown.endpoint = change.entry.endpoint;
            shown.state = change.entry.state;
        }
        RC_ASSERT((row == rows.end() || row->second.shown != shown ||
                   row->second.stability != change.entry.stability));  // no idle change
        const bool stays = row != rows.end() && !row->second.shown.adjacency && !shown.adjacency;
        const bool later =
            stays && static_cast<std::int32_t>(row->second.cell - change.last_heard_ms) > 0;
        const std::uint32_t cell = later ? row->second.cell : change.last_heard_ms;
        rows[change.entry.agent] = {shown, cell, change.entry.stability};
    }
};

// The naive model: no wheel, no laziness; everything is looked at every time.
struct Model {
    struct Agent {
        Endpoint endpoint;
        Origin origin = Origin::registered;
        AgentState state = AgentState::running;
        std::uint32_t lease_ms = 0;
        std::uint64_t heard_ms = 0;
    };

    struct Route {
        std::uint16_t adjacency = 0;
        Origin origin = Origin::configured;
        std::uint16_t router = 0;
        std::uint64_t expires_at_ms = 0;
    };

    std::map<AgentId, Agent> agents;
    std::map<AgentId, Route> routes;

    // For an agent that has no place yet.
    [[nodiscard]] bool full(const AgentId& id) const {
        std::set<AgentId> all;
        for (const auto& item : agents) {
            all.insert(item.first);
        }
        for (const auto& item : routes) {
            all.insert(item.first);
        }
        return all.size() >= kLimits.routes_max && !all.contains(id);
    }

    [[nodiscard]] bool port_full(std::uint16_t port) const {
        const auto count = std::count_if(agents.begin(), agents.end(), [port](const auto& item) {
            return item.second.endpoint.port == port;
        });
        return count >= static_cast<long>(kLimits.agents_per_port_max);
    }

    bool enrol(const AgentId& id, const Agent& wanted) {
        const auto held = agents.find(id);
        if (held == agents.end()) {
            if (full(id) || port_full(wanted.endpoint.port)) {
                return false;
            }
        } else if (rank(wanted.origin) < rank(held->second.origin)) {
            return wanted.origin == Origin::registered && wanted.endpoint == held->second.endpoint;
        } else if (held->second.endpoint.port != wanted.endpoint.port &&
                   port_full(wanted.endpoint.port)) {
            return false;
        }
        agents[id] = wanted;
        return true;
    }

    bool leave(const AgentId& id, const Endpoint* from) {
        const auto held = agents.find(id);
        if (held == agents.end()) {
            return false;
        }
        const Agent& agent = held->second;
        if (from != nullptr && (agent.origin != Origin::registered || agent.endpoint != *from)) {
            return false;
        }
        agents.erase(held);
        return true;
    }

    bool route(const AgentId& id, const Route& wanted) {
        const auto held = routes.find(id);
        if (held == routes.end() ? full(id) : rank(wanted.origin) < rank(held->second.origin)) {
            return false;
        }
        routes[id] = wanted;
        return true;
    }

    void expire(std::uint64_t now_ms) {
        std::erase_if(agents, [now_ms](const auto& item) {
            const Agent& agent = item.second;
            return agent.origin == Origin::registered && agent.heard_ms + agent.lease_ms <= now_ms;
        });
        std::erase_if(routes, [now_ms](const auto& item) {
            return item.second.expires_at_ms != 0 && item.second.expires_at_ms <= now_ms;
        });
    }

    [[nodiscard]] std::map<AgentId, Shown> winners() const {
        std::map<AgentId, Shown> all;
        for (const auto& [id, found] : routes) {
            const auto end = static_cast<std::uint32_t>(found.expires_at_ms);
            const bool wraps = end == 0 && found.expires_at_ms != 0;
            all[id] = {found.adjacency, {}, AgentState::running, found.router, wraps ? 1U : end};
        }
        for (const auto& [id, found] : agents) {
            all[id] = {.adjacency = std::nullopt, .endpoint = found.endpoint, .state = found.state};
        }
        return all;
    }
};

class Run {
  public:
    void take(const Step& step) {
        const AgentId id = id_of(step.agent);
        switch (step.act) {
            case Act::enrol:
                enrol(step, id);
                break;
            case Act::leave: {
                const Endpoint from = endpoint_of(step);
                const bool left = model_.leave(id, &from);
                RC_ASSERT(rib_.deregister_agent(id, &from).has_value() == left);
                break;
            }
            case Act::evict: {
                const bool left = model_.leave(id, nullptr);
                RC_ASSERT(rib_.deregister_agent(id, nullptr).has_value() == left);
                break;
            }
            case Act::restate: {
                const auto held = model_.agents.find(id);
                const bool known = held != model_.agents.end();
                if (known) {
                    held->second.state = state_of(step);
                }
                RC_ASSERT(rib_.set_state(id, state_of(step)).has_value() == known);
                break;
            }
            case Act::route: {
                const auto adjacency = static_cast<std::uint16_t>(step.host);
                const Origin origin = step.origin == 0 ? Origin::configured : Origin::operator_set;
                const auto router = static_cast<std::uint16_t>(step.port);
                const std::uint64_t end = step.ms < kEndless ? now_ms_ + step.ms + 1 : 0;
                const bool fits = model_.route(id, {adjacency, origin, router, end});
                RC_ASSERT(rib_.set_route({.agent = id,
                                          .router = router,
                                          .adjacency = adjacency,
                                          .origin = origin,
                                          .expires_at_ms = end},
                                         now_ms_)
                              .has_value() == fits);
                break;
            }
            case Act::unroute: {
                const bool known = model_.routes.erase(id) == 1;
                RC_ASSERT(rib_.remove_route(id).has_value() == known);
                break;
            }
            case Act::heartbeat:
                heartbeat(id);
                break;
            case Act::pass:
                pass(step.ms);
                break;
        }
        compare();
    }

  private:
    void enrol(const Step& step, const AgentId& id) {
        Registration registration;
        registration.agent = id;
        registration.endpoint = endpoint_of(step);
        registration.origin = origin_of(step);
        registration.state = state_of(step);
        registration.lease_ms = step.ms;
        Model::Agent wanted{registration.endpoint, registration.origin, registration.state};
        const std::uint32_t asked = step.ms == 0 ? kLimits.lease_default_ms : step.ms;
        wanted.lease_ms = std::clamp(asked, kLimits.lease_min_ms, kLimits.lease_max_ms);
        wanted.heard_ms = now_ms_;
        const bool fits = model_.enrol(id, wanted);
        RC_ASSERT(rib_.register_agent(registration, now_ms_).has_value() == fits);
    }

    // An lcore takes a heartbeat of what the Fib shows as local, whatever the Rib does later.
    void heartbeat(const AgentId& id) {
        const auto row = fib_.rows.find(id);
        if (row != fib_.rows.end() && !row->second.shown.adjacency) {
            row->second.cell = static_cast<std::uint32_t>(now_ms_);
            model_.agents.at(id).heard_ms = now_ms_;
        }
    }

    void pass(std::uint32_t ms) {
        now_ms_ += ms;
        const std::size_t before = model_.agents.size();
        const std::size_t routes_before = model_.routes.size();
        model_.expire(now_ms_);
        const auto cell = [this](const AgentId& agent) -> std::optional<std::uint32_t> {
            const auto row = fib_.rows.find(agent);
            return row == fib_.rows.end() ? std::nullopt : std::optional(row->second.cell);
        };
        const std::size_t gone = rib_.expire(now_ms_, cell, 1000);
        RC_ASSERT(gone == before - model_.agents.size());
        RC_ASSERT(rib_.expire_routes(now_ms_, 1000) == routes_before - model_.routes.size());
    }

    void compare() {
        for (const FibChange& change : rib_.take_changes()) {
            fib_.apply(change);
        }
        std::map<AgentId, Shown> shown;
        for (const auto& [id, row] : fib_.rows) {
            shown[id] = row.shown;
        }
        RC_ASSERT(shown == model_.winners());
        RC_ASSERT(rib_.agents().size() == model_.agents.size());
        RC_ASSERT(rib_.routes().size() == model_.routes.size());
        RC_ASSERT(rib_.version() == fib_.version);
        std::optional<std::uint64_t> earliest;
        for (const auto& [id, agent] : model_.agents) {
            if (agent.origin == Origin::registered) {
                const std::uint64_t due = agent.heard_ms + agent.lease_ms;
                earliest = earliest ? std::min(*earliest, due) : due;
            }
        }
        std::map<std::uint16_t, std::uint32_t> behind;
        for (const auto& [id, route] : model_.routes) {
            ++behind[route.router];
            if (route.expires_at_ms != 0) {
                earliest = std::min(earliest.value_or(route.expires_at_ms), route.expires_at_ms);
            }
        }
        for (const std::uint16_t router : {std::uint16_t{0}, std::uint16_t{1}}) {
            RC_ASSERT(rib_.routes_to(router) == behind[router]);
            RC_ASSERT(rib_.agents_behind(router).size() == behind[router]);
        }
        const auto next = rib_.next_deadline_ms();
        RC_ASSERT(next.has_value() == earliest.has_value());
        RC_ASSERT((!next || *next <= *earliest));  // never too late to look
    }

    Rib rib_{kLimits, posthaste::support::hash_key(1)};
    Model model_;
    FibModel fib_;
    std::uint64_t now_ms_ = kStart;
};

}  // namespace

template <>
struct rc::Arbitrary<Step> {
    static Gen<Step> arbitrary() {
        // Registrations and time come more often than the rest.
        const auto act = gen::weightedElement<Act>({{6, Act::enrol},
                                                    {1, Act::leave},
                                                    {1, Act::evict},
                                                    {1, Act::restate},
                                                    {2, Act::route},
                                                    {1, Act::unroute},
                                                    {3, Act::heartbeat},
                                                    {4, Act::pass}});
        return gen::build<Step>(gen::set(&Step::act, act),
                                gen::set(&Step::agent, gen::inRange(0U, 5U)),
                                gen::set(&Step::port, gen::inRange(0U, 2U)),
                                gen::set(&Step::host, gen::inRange(0U, 2U)),
                                gen::set(&Step::origin, gen::inRange(0U, 8U)),
                                gen::set(&Step::state, gen::inRange(0U, 3U)),
                                gen::set(&Step::ms, gen::inRange<std::uint32_t>(0, 50'000)));
    }
};

RC_GTEST_PROP(rib_property,
              the_changes_always_lead_to_the_winners,
              (const std::vector<Step>& first, const std::vector<Step>& second)) {
    Run run;
    for (const Step& step : first) {
        run.take(step);
    }
    for (const Step& step : second) {
        run.take(step);
    }
}
