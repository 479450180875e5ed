// SPDX-License-Identifier: BSD-3-Clause
// LiveOperations: agents, routes, neighbours, and what a frame would meet.
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "controlplane/live_operations.h"
#include "controlplane/port_addresses.h"
#include "dataplane/route_use.h"
#include "routing/drop.h"
#include "routing/frame.h"

namespace posthaste::controlplane {

namespace {

using routing::AgentId;
using routing::Drop;

constexpr std::size_t kBucketsPerPage = 100'000;  // looked at in one call, whatever is found

constexpr std::array<std::string_view, 4> kStateNames = {"", "running", "draining", "stopped"};
constexpr std::array<std::string_view, 5> kOriginNames = {
    "", "registered", "configured", "operator", "claimed"};

template <typename Enum>
std::string_view name_in(std::span<const std::string_view> names, Enum value) {
    return names[static_cast<std::size_t>(value)];
}

// Whether it is what lcores see of the agent.
bool is_shown(const Box& box, const routing::RouteRecord& route) {
    return route.origin == routing::Origin::claimed || box.rib.find_agent(route.agent) == nullptr;
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

// A place in a hash table: "BUCKETS:BUCKET". Buckets are given whole, so that what stays is given
// once; another number of buckets means that the table was rebuilt.
struct Cursor {
    std::size_t buckets = 0;
    std::size_t next = 0;
};

template <typename Table>
tl::expected<Cursor, OperationError> read_cursor(const std::string& after, const Table& table) {
    Cursor cursor{table.bucket_count(), 0};
    if (after.empty()) {
        return cursor;
    }
    const char* end = after.data() + after.size();
    std::size_t buckets = 0;
    const auto first = std::from_chars(after.data(), end, buckets);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':' ||
        std::from_chars(first.ptr + 1, end, cursor.next).ec != std::errc{}) {
        return refuse(code::usage, "after: " + after + " is not a `next` this router gave");
    }
    if (buckets != cursor.buckets) {
        return refuse(code::stale_cursor, "the table was rebuilt since: start again without after");
    }
    return cursor;
}

// Rows of whole buckets until the limit; a single bucket with more than the limit is given whole.
template <typename Table, typename Row>
tl::expected<Json, OperationError> page_of(const Table& table,
                                           const Page& page,
                                           const char* name,
                                           const Row& row) {
    const auto cursor = read_cursor(page.after, table);
    if (!cursor.has_value()) {
        return tl::unexpected(cursor.error());
    }
    Json rows = Json::array();
    std::size_t bucket = cursor->next;
    const std::size_t last = std::min(cursor->buckets, bucket + kBucketsPerPage);
    for (; bucket < last; ++bucket) {
        if (!rows.empty() && rows.size() + table.bucket_size(bucket) > page.limit) {
            break;
        }
        for (auto at = table.begin(bucket); at != table.end(bucket); ++at) {
            row(at->second, rows);
        }
    }
    const bool more = bucket < cursor->buckets;
    return Json{{name, rows},
                {"total", table.size()},
                {"next",
                 more ? Json(std::to_string(cursor->buckets) + ":" + std::to_string(bucket))
                      : Json(nullptr)}};
}

Json step(const char* name, std::string_view result, std::string detail) {
    return {{"step", name}, {"result", result}, {"detail", std::move(detail)}};
}

// What lookup() has found out so far.
struct Explanation {
    Json steps = Json::array();
    Drop drop = Drop::none;
};

}  // namespace

std::string LiveOperations::mac_of(const routing::Endpoint& endpoint) const {
    if (endpoint.adjacency == routing::kNoAdjacency) {
        return endpoint.mac.to_text();
    }
    const dataplane::Adjacency& adjacency = box_.neighbours->adjacencies()[endpoint.adjacency];
    return adjacency.resolved ? adjacency.mac.to_text() : std::string();
}

Json LiveOperations::agent_row(const routing::AgentRecord& record) const {
    const routing::Registration& agent = record.registration;
    const std::uint64_t now_ms = box_.now_ms();
    Json expires = nullptr;
    if (agent.origin == routing::Origin::registered) {
        // The lcores extend the lease; the Rib looks at it when the deadline comes.
        const routing::FibEntry* entry = box_.fib->find(agent.agent);
        const std::uint32_t heard = entry == nullptr ? 0 : box_.fib->last_heard_ms(*entry);
        const std::uint32_t silent = static_cast<std::uint32_t>(now_ms) - heard;
        expires = silent < agent.lease_ms ? agent.lease_ms - silent : 0;
    }
    return {{"agent", agent.agent.to_text()},
            {"name", text_or_null(agent.name)},
            {"state", name_in(kStateNames, agent.state)},
            {"origin", name_in(kOriginNames, agent.origin)},
            {"port", box_.config.ports[agent.endpoint.port].name},
            {"address", agent.endpoint.ip.to_text()},
            {"udp_port", agent.endpoint.udp_port},
            {"mac", text_or_null(mac_of(agent.endpoint))},
            {"expires_in_ms", expires},
            {"moves", record.moves}};
}

Outcome LiveOperations::show_agents(const Page& page) {
    std::uint16_t only = kNoPort;
    if (!page.port.empty()) {
        only = box_.port_index(page.port);
        if (only == kNoPort) {
            return refuse(code::not_found, "no port " + page.port);
        }
    }
    return page_of(box_.rib.agents(),
                   page,
                   "agents",
                   [this, only](const routing::AgentRecord& record, Json& rows) {
                       if (only == kNoPort || record.registration.endpoint.port == only) {
                           rows.push_back(agent_row(record));
                           rows.back()["capability_count"] = record.offers.size();
                       }
                   });
}

Outcome LiveOperations::show_agent(const AgentId& agent) {
    const routing::AgentRecord* record = box_.rib.find_agent(agent);
    if (record == nullptr) {
        const routing::RouteRecord* route = box_.rib.find_route(agent);
        return refuse(code::not_found,
                      route == nullptr
                          ? "no agent " + agent.to_text() + " on this box"
                          : "agent " + agent.to_text() + " is not on this box but routed to " +
                                box_.next_hops->routers()[route->router].config.name);
    }
    const std::uint64_t now_ms = box_.now_ms();
    Json row = agent_row(*record);
    const bool leased = record->registration.origin == routing::Origin::registered;
    const routing::FibEntry* entry = box_.fib->find(agent);
    row["epoch"] = record->registration.epoch;
    row["multi"] = record->registration.multi;
    row["lease_ms"] = leased ? Json(record->registration.lease_ms) : Json(nullptr);
    row["last_heard_ms"] =
        leased && entry != nullptr
            ? Json(static_cast<std::uint32_t>(now_ms) - box_.fib->last_heard_ms(*entry))
            : Json(nullptr);
    row["registered_ms"] = now_ms - record->registered_at_ms;
    constexpr std::array<const char*, 3> kStabilityNames = {"normal", "stable", "unstable"};
    row["stability"] = kStabilityNames[static_cast<std::size_t>(record->stability)];
    std::optional<routing::AccessLog::Use> use;
    if (entry != nullptr) {
        use = box_.care->access().find(entry->cell, static_cast<std::uint32_t>(now_ms));
    }
    row["used_ms"] = use.has_value() ? Json(use->used_ms) : Json(nullptr);
    row["frames_estimated"] =
        use.has_value() ? std::uint64_t{use->uses} * dataplane::kUseSampling : std::uint64_t{0};
    row["capabilities"] = Json::array();
    row["patterns"] = Json::array();
    for (const routing::Offer& offer : box_.rib.offers_of(record->offers)) {
        row[offer.kind == routing::OfferKind::name ? "capabilities" : "patterns"].push_back(
            routing::to_text(offer));
    }
    const routing::Load load =
        entry == nullptr ? routing::Load{} : box_.fib->loads().get(entry->cell);
    row["load_per_mille"] = load.per_mille;
    row["queue_depth"] = load.queue_depth;
    return row;
}

Outcome LiveOperations::show_routes(const Page& page) {
    return page_of(
        box_.rib.routes(), page, "routes", [this](const routing::RouteRecord& route, Json& rows) {
            const auto& adjacency = box_.neighbours->adjacencies()[route.adjacency];
            const RouterSlot& router = box_.next_hops->routers()[route.router];
            const std::uint64_t now_ms = box_.now_ms();
            const std::uint64_t end_ms = route.expires_at_ms;
            rows.push_back(
                {{"agent", route.agent.to_text()},
                 {"router", router.config.name},
                 {"origin", name_in(kOriginNames, route.origin)},
                 {"in_use",
                  is_shown(box_, route) && !router.withdrawn && !router.out &&
                      (end_ms == 0 || end_ms > now_ms)},
                 {"resolved", adjacency.resolved},
                 {"expires_in_ms",
                  end_ms == 0 ? Json(nullptr) : Json(end_ms > now_ms ? end_ms - now_ms : 0)}});
        });
}

Outcome LiveOperations::show_routers() {
    Json rows = Json::array();
    for (std::size_t i = 0; i < box_.next_hops->routers().size(); ++i) {
        const RouterSlot& slot = box_.next_hops->routers()[i];
        if (!slot.used) {
            continue;
        }
        const dataplane::Adjacency& adjacency = box_.neighbours->adjacencies()[slot.adjacency];
        const PortConfig& port = box_.config.ports[slot.port];
        const bool on_link = is_on_link(port, slot.config.address);
        const auto& gateway = gateway_of(port, slot.config.address.family);
        rows.push_back(
            {{"router", slot.config.name},
             {"address", slot.config.address.to_text()},
             {"port", port.name},
             {"udp_port", adjacency.udp_port},
             {"next_hop",
              on_link || !gateway.has_value() ? slot.config.address.to_text() : gateway->to_text()},
             {"mac", adjacency.resolved ? Json(adjacency.mac.to_text()) : Json(nullptr)},
             {"resolved", adjacency.resolved},
             {"withdrawn", slot.withdrawn},
             {"out", slot.out},
             {"member", slot.member.has_value()},
             {"routes", box_.rib.routes_to(static_cast<std::uint16_t>(i))}});
    }
    return rows;
}

Outcome LiveOperations::show_neighbours(const Page& page) {
    const std::uint64_t now_ms = box_.now_ms();
    const std::vector<NeighbourRow> all = box_.neighbours->rows();
    std::size_t first = 0;
    if (!page.after.empty() &&
        std::from_chars(page.after.data(), page.after.data() + page.after.size(), first).ec !=
            std::errc{}) {
        return refuse(code::usage, "after: " + page.after + " is not a `next` this router gave");
    }
    Json rows = Json::array();
    std::size_t i = first;
    for (; i < all.size() && rows.size() < page.limit; ++i) {
        const NeighbourRow& neighbour = all[i];
        const std::string& port = box_.config.ports[neighbour.port].name;
        if (!page.port.empty() && page.port != port) {
            continue;
        }
        rows.push_back(
            {{"port", port},
             {"address", neighbour.ip.to_text()},
             {"mac", neighbour.mac.has_value() ? Json(neighbour.mac->to_text()) : Json(nullptr)},
             {"state", name_of(neighbour.state)},
             {"held", neighbour.held},
             {"age_ms",
              neighbour.confirmed_at_ms == 0 ? Json(nullptr)
                                             : Json(now_ms - neighbour.confirmed_at_ms)}});
    }
    return Json{{"neighbours", rows},
                {"total", all.size()},
                {"next", i < all.size() ? Json(std::to_string(i)) : Json(nullptr)}};
}

namespace {

void explain_hop(const Box& box, const routing::FibEntry& entry, Explanation& found) {
    const bool local = entry.kind == routing::RouteKind::local;
    std::uint16_t port = entry.endpoint.port;
    routing::IpAddress ip = entry.endpoint.ip;
    const dataplane::World& world = box.world->read();
    if (entry.endpoint.adjacency != routing::kNoAdjacency) {
        const dataplane::Adjacency& adjacency = world.adjacencies[entry.endpoint.adjacency];
        if (!local) {
            port = adjacency.port;
            ip = adjacency.ip;
        }
        found.steps.push_back(step("adjacency",
                                   adjacency.resolved ? "resolved" : "unresolved",
                                   adjacency.resolved
                                       ? "next hop on the link is " + adjacency.mac.to_text()
                                       : "nobody has answered for " + adjacency.ip.to_text() +
                                             " yet: the first frames wait for it"));
    } else {
        found.steps.push_back(
            step("adjacency",
                 "none",
                 "the MAC " + entry.endpoint.mac.to_text() + " is known from the registration"));
    }
    const dataplane::PortView& egress = world.ports[port];
    const std::string& name = box.config.ports[port].name;
    found.steps.push_back(step("egress",
                               egress.up ? "up" : "down",
                               "port " + name + (egress.up ? " sends" : " has no link")));
    if (!egress.up) {
        found.drop = Drop::port_down;
        return;
    }
    const std::size_t headers =
        (ip.family == routing::Family::ipv6 ? 40U : 20U) + 8U + routing::kHeaderBytesMin;
    const bool has_source = ip.family == routing::Family::ipv6 ? egress.rules.ipv6_count > 0
                                                               : egress.rules.ipv4_count > 0;
    if (!has_source) {
        found.drop = Drop::no_source_address;
        return;
    }
    found.steps.push_back(step("mtu",
                               std::to_string(egress.mtu),
                               "payloads of up to " + std::to_string(egress.mtu - headers) +
                                   " bytes fit behind a header without TLVs"));
}

// Whether lcores go by the route to another router; where not, the agent is as good as unknown.
bool is_good(const Box& box, const routing::FibEntry& entry) {
    return entry.fresh(static_cast<std::uint32_t>(box.now_ms())) &&
           !box.fib->routers().out(entry.router);
}

void explain_route(const Box& box, const routing::FibEntry& entry, Explanation& found) {
    found.steps.push_back(step("fib", "remote", "a route to another router"));
    const auto& routers = box.next_hops->routers();
    if (entry.router < routers.size()) {
        const RouterConfig& router = routers[entry.router].config;
        found.steps.push_back(
            step("router", router.name, "listens at " + router.address.to_text()));
    }
    if (!is_good(box, entry)) {
        const bool masked = box.fib->routers().out(entry.router);
        const bool withdrawn = masked && routers[entry.router].withdrawn;
        found.steps.push_back(step("route",
                                   withdrawn ? "withdrawn"
                                   : masked  ? "out"
                                             : "stale",
                                   withdrawn ? "all routes to this router count for nothing until "
                                               "it is restored"
                                   : masked  ? "the cluster takes this router to be dead"
                                             : "the route's end has come"));
        found.drop = Drop::unknown_agent;
        return;
    }
    explain_hop(box, entry, found);
}

}  // namespace

Outcome LiveOperations::lookup(const AgentId& agent) {
    Explanation found;
    std::string_view answer = "unknown";
    const routing::FibEntry* entry = box_.fib->find(agent);
    if (entry == nullptr) {
        found.steps.push_back(step("fib", "unknown", "no agent and no route of that id"));
        found.drop = Drop::unknown_agent;
    } else if (entry->kind == routing::RouteKind::local) {
        answer = "local";
        found.steps.push_back(step("fib", "local", "the agent is attached to this box"));
        found.steps.push_back(step("state",
                                   name_in(kStateNames, entry->state),
                                   entry->state == routing::AgentState::stopped
                                       ? "a stopped agent gets no frames"
                                       : "frames for it are delivered"));
        if (entry->state == routing::AgentState::stopped) {
            found.drop = Drop::agent_stopped;
        } else {
            const routing::Endpoint& endpoint = entry->endpoint;
            found.steps.push_back(step(
                "endpoint",
                box_.config.ports[endpoint.port].name,
                "at " + endpoint.ip.to_text() + ", UDP port " + std::to_string(endpoint.udp_port)));
            explain_hop(box_, *entry, found);
        }
    } else {
        answer = is_good(box_, *entry) ? "remote" : "unknown";
        explain_route(box_, *entry, found);
    }
    const routing::ErrorCode error = routing::error_of(found.drop);
    const bool dropped = found.drop != Drop::none;
    return Json{
        {"agent", agent.to_text()},
        {"answer", answer},
        {"forwarded", !dropped},
        {"drop", dropped ? Json(routing::name_of(found.drop)) : Json(nullptr)},
        {"error",
         dropped ? Json(routing::kErrorNames[static_cast<std::size_t>(error)]) : Json(nullptr)},
        {"steps", found.steps}};
}

}  // namespace posthaste::controlplane
