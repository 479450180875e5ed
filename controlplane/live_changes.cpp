// SPDX-License-Identifier: BSD-3-Clause
// LiveOperations: what an operator changes. It has reached the lcores when the answer is given, and
// the disk where the store keeps it.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "controlplane/live_operations.h"
#include "controlplane/log.h"
#include "controlplane/places.h"
#include "controlplane/port_addresses.h"
#include "controlplane/store/settled_answer.h"

namespace posthaste::controlplane {

namespace {

using routing::AgentId;
using routing::ErrorCode;
using routing::Origin;

constexpr std::array<std::string_view, 4> kOutcomeNames = {
    "added", "refreshed", "moved", "changed"};

OperationError error_of(const routing::RibError& error) {
    std::string_view why = code::failed;
    if (error.code == ErrorCode::unknown_agent) {
        why = code::not_found;
    } else if (error.code == ErrorCode::unauthorised) {
        why = code::conflict;
    } else if (error.code == ErrorCode::overloaded) {
        why = code::full;
    } else if (error.code == ErrorCode::malformed) {
        why = code::usage;
    }
    return OperationError{std::string(why), error.detail, {}};
}

// The lines of a text, without empty ones.
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        if (end > start) {
            lines.push_back(text.substr(start, end - start));
        }
        start = end + 1;
    }
    return lines;
}

// Next hops that must be resolved, at most: routers, and agents without a MAC.
std::size_t next_hops_after(const Box& box, const Config& next) {
    const auto lacks_mac = [](const AgentConfig& agent) { return !agent.mac.has_value(); };
    std::size_t count =
        next.routers.size() + box.next_hops->members_alone() +
        static_cast<std::size_t>(std::ranges::count_if(next.static_agents, lacks_mac));
    for (const auto& [id, record] : box.rib.agents()) {
        count += record.registration.origin == Origin::operator_set &&
                         record.registration.endpoint.adjacency != routing::kNoAdjacency
                     ? 1U
                     : 0U;
    }
    return count;
}

// A table the next configuration would not fit into; nullopt: it fits.
std::optional<std::string> lack_of_room(const Box& box, const Config& next) {
    if (const std::size_t wanted = places_after(box.rib, next); wanted > next.agents.agents_max) {
        return "[agents] agents_max is " + std::to_string(next.agents.agents_max) + ", but " +
               std::to_string(wanted) + " agents and routes would be there; nothing was changed";
    }
    if (const std::size_t wanted = next_hops_after(box, next);
        wanted > next.neighbours.neighbours_max) {
        return "[neighbours] neighbours_max is " + std::to_string(next.neighbours.neighbours_max) +
               ", but " + std::to_string(wanted) + " next hops would be there; nothing was changed";
    }
    return std::nullopt;
}

// Why an agent at that address could not be reached through the port; nullopt: it can.
std::optional<std::string> unreachable(const PortConfig& port, const AgentAddition& addition) {
    const routing::IpAddress& address = addition.address;
    if (!address.is_unicast_host() || is_own(port, address)) {
        return address.to_text() + " is not the address of another host";
    }
    if (!has_family(port, address.family)) {
        return "port " + port.name + " has no address of that family: " + prefixes_text(port);
    }
    if (!is_on_link(port, address) && !addition.mac.has_value() &&
        !gateway_of(port, address.family).has_value()) {
        return address.to_text() + " is not on the link of port " + port.name + " (" +
               prefixes_text(port) + "), which has no gateway; give its MAC, or another port";
    }
    return std::nullopt;
}

}  // namespace

std::optional<OperationError> LiveOperations::not_storable(const AgentId& agent) const {
    const routing::AgentRecord* const known = box_.rib.find_agent(agent);
    if (box_.saved == nullptr || known == nullptr ||
        known->registration.origin != Origin::registered || box_.saved->refusal().empty()) {
        return std::nullopt;
    }
    return OperationError{std::string(code::refused),
                          std::string(box_.saved->refusal()) + "; nothing was changed",
                          {}};
}

Reply LiveOperations::answer_when_stored(const AgentId& agent, Json answer) {
    if (box_.saved != nullptr) {
        box_.saved->turn();
        if (const std::uint64_t ticket = box_.saved->awaited(agent); ticket != 0) {
            return {.ongoing = std::make_unique<SettledAnswer>(
                        *box_.saved, ticket, std::move(answer), [this] { return box_.now_ms(); })};
        }
    }
    return {std::move(answer)};
}

Reply LiveOperations::add_agent(const AgentAddition& addition) {
    const std::uint16_t port = box_.port_index(addition.port);
    if (port == kNoPort) {
        return {refuse(code::not_found, "no port " + addition.port)};
    }
    if (box_.config.ports[port].role != dataplane::Role::edge) {
        return {refuse(code::conflict, "port " + addition.port + " is no edge port")};
    }
    if (auto why = unreachable(box_.config.ports[port], addition); why.has_value()) {
        return {refuse(code::conflict, std::move(*why))};
    }
    const routing::AgentRecord* known = box_.rib.find_agent(addition.agent);
    if (known != nullptr && known->registration.origin == Origin::configured) {
        return {refuse(code::conflict,
                       "agent " + addition.agent.to_text() + " stands in the ini file")};
    }
    if (auto why = not_storable(addition.agent); why.has_value()) {
        return {tl::unexpected(std::move(*why))};
    }
    routing::Registration registration;
    registration.agent = addition.agent;
    registration.origin = Origin::operator_set;
    registration.endpoint.port = port;
    registration.endpoint.ip = addition.address;
    registration.endpoint.udp_port = addition.udp_port.value_or(box_.config.dataplane.udp_port);
    if (addition.mac.has_value()) {
        registration.endpoint.mac = *addition.mac;
    }
    registration.name = addition.name;
    registration.offers = routing::offers_from_texts(addition.capabilities);
    const auto outcome = box_.next_hops->add_agent(std::move(registration), box_.now_ms());
    if (!outcome.has_value()) {
        return {tl::unexpected(error_of(outcome.error()))};
    }
    publish(addition.agent);
    return answer_when_stored(addition.agent,
                              {{"agent", addition.agent.to_text()},
                               {"outcome", kOutcomeNames[static_cast<std::size_t>(*outcome)]}});
}

Reply LiveOperations::remove_agent(const AgentId& agent) {
    const routing::AgentRecord* known = box_.rib.find_agent(agent);
    if (known == nullptr) {
        return {refuse(code::not_found, "no agent " + agent.to_text() + " on this box")};
    }
    if (known->registration.origin == Origin::configured) {
        return {refuse(code::conflict, "agent " + agent.to_text() + " stands in the ini file")};
    }
    if (auto why = not_storable(agent); why.has_value()) {
        return {tl::unexpected(std::move(*why))};
    }
    const auto removed = box_.next_hops->remove_agent(agent, box_.now_ms());
    if (!removed.has_value()) {
        return {tl::unexpected(error_of(removed.error()))};
    }
    box_.patterns->supersede(agent, nullptr, PatternJudge::kAll);
    publish(agent);
    return answer_when_stored(agent, {{"agent", agent.to_text()}, {"outcome", "removed"}});
}

Reply LiveOperations::drain_agent(const AgentId& agent) {
    if (auto why = not_storable(agent); why.has_value()) {
        return {tl::unexpected(std::move(*why))};
    }
    const auto drained = box_.rib.set_state(agent, routing::AgentState::draining);
    if (!drained.has_value()) {
        return {tl::unexpected(error_of(drained.error()))};
    }
    publish(agent);
    return answer_when_stored(agent, {{"agent", agent.to_text()}, {"outcome", "draining"}});
}

Outcome LiveOperations::add_route(const AgentId& agent,
                                  const std::string& router,
                                  unsigned seconds) {
    const auto index = box_.next_hops->find_router(router);
    if (!index.has_value()) {
        return refuse(code::not_found, "no router " + router);
    }
    const routing::RouteRecord* known = box_.rib.find_route(agent);
    if (known != nullptr && known->origin == Origin::configured) {
        return refuse(code::conflict,
                      "the route of " + agent.to_text() + " stands in the ini file");
    }
    std::string_view outcome = "added";
    if (known != nullptr) {
        outcome = known->router == *index ? "unchanged" : "changed";
    }
    const std::uint64_t now_ms = box_.now_ms();
    const std::uint64_t end_ms = seconds == 0 ? 0 : now_ms + std::uint64_t{seconds} * 1'000;
    const auto set = box_.next_hops->add_route(agent, *index, Origin::operator_set, end_ms, now_ms);
    if (!set.has_value()) {
        return tl::unexpected(error_of(set.error()));
    }
    publish();
    return Json{{"agent", agent.to_text()},
                {"router", router},
                {"seconds", seconds == 0 ? Json(nullptr) : Json(seconds)},
                {"outcome", outcome}};
}

Outcome LiveOperations::remove_route(const AgentId& agent) {
    const routing::RouteRecord* known = box_.rib.find_route(agent);
    if (known == nullptr) {
        return refuse(code::not_found, "no route for " + agent.to_text());
    }
    if (known->origin == Origin::configured) {
        return refuse(code::conflict,
                      "the route of " + agent.to_text() + " stands in the ini file");
    }
    const auto removed = box_.rib.remove_route(agent);
    if (!removed.has_value()) {
        return tl::unexpected(error_of(removed.error()));
    }
    publish();
    return Json{{"agent", agent.to_text()}, {"outcome", "removed"}};
}

Outcome LiveOperations::reload() {
    const auto next = load_config(box_.config.path);
    if (!next.has_value()) {
        auto lines = lines_of(next.error().text);
        for (const std::string& line : lines) {
            log_error("reload: " + line);
        }
        return refuse(code::bad_config,
                      box_.config.path + " is not sound; nothing was changed",
                      std::move(lines));
    }
    ConfigDifference difference = compare_configs(box_.config, *next);
    if (!difference.refused.empty()) {
        for (const std::string& line : difference.refused) {
            log_error("reload: needs a restart: " + line);
        }
        return refuse(code::refused,
                      "these changes need a restart; nothing was changed",
                      std::move(difference.refused));
    }
    if (auto lack = lack_of_room(box_, *next); lack.has_value()) {
        log_error("reload: " + *lack);
        return refuse(code::full, std::move(*lack));
    }
    apply(*next);
    for (const std::string& line : difference.changes) {
        log_notice("reload: " + line);
    }
    publish();
    return Json{{"path", box_.config.path}, {"changes", difference.changes}};
}

void LiveOperations::apply(const Config& next) {
    const std::uint64_t now_ms = box_.now_ms();
    const Config before = std::exchange(box_.config, next);
    set_log_level(log_level_.value_or(next.system.log_level));
    box_.rib.set_limits(rib_limits(next));
    box_.capabilities->set_options(next.capabilities);
    box_.patterns->set_options(next.capabilities);
    box_.neighbours->set_limits(next.neighbours);
    box_.registrar->set_options(registrar_options(next));
    for (const auto& worker : box_.workers) {
        worker->set_ttls(
            next.lookup.local_ttl_ms, next.lookup.remote_ttl_ms, next.lookup.negative_ttl_ms);
    }
    for (std::size_t i = 0; i < box_.ports.size(); ++i) {
        if (before.ports[i] != next.ports[i]) {
            box_.neighbours->set_port(static_cast<std::uint16_t>(i),
                                      neighbour_port(next.ports[i], box_.ports[i].device->mac()),
                                      now_ms);
        }
    }
    if (box_.cluster != nullptr && before.cluster != next.cluster) {
        box_.cluster->set_config(next.cluster);
    }
    box_.world_stale = true;
    box_.policies.reload(policy_source(next));
    if (const auto applied = box_.next_hops->apply(next, now_ms); !applied.has_value()) {
        log_error("reload: " + applied.error());
    }
}

}  // namespace posthaste::controlplane
