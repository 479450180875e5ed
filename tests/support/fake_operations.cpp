// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/fake_operations.h"

#include <algorithm>

#include "routing/drop.h"
#include "tests/support/fake_memory.h"
#include "tests/support/fake_ports.h"

namespace posthaste::test {

using controlplane::Json;
using controlplane::Outcome;
using controlplane::refuse;
using routing::AgentId;
namespace code = controlplane::code;

namespace {

struct FakeDrop {
    const char* port;
    routing::Drop reason;
    std::uint64_t frames;
};

constexpr FakeDrop kDrops[] = {
    {"edge0", routing::Drop::bad_magic, 7},
    {"edge0", routing::Drop::unknown_agent, 4'322},
    {"fabric0", routing::Drop::hop_limit, 1},
};

std::uint64_t drops_of(std::string_view port, routing::Drop reason) {
    for (const FakeDrop& drop : kDrops) {
        if (drop.port == port && drop.reason == reason) {
            return drop.frames;
        }
    }
    return 0;
}

Json drop_row(const std::string& port, routing::Drop reason, std::uint64_t frames) {
    Json lcores = Json::array();
    if (frames > 1) {
        lcores.push_back({{"lcore", 1}, {"frames", frames - 1}});
    }
    if (frames > 0) {
        lcores.push_back({{"lcore", 0}, {"frames", 1}});
    }
    const auto error = static_cast<std::size_t>(routing::error_of(reason));
    return {{"port", port},
            {"reason", routing::name_of(reason)},
            {"error", error == 0 ? Json() : Json(routing::kErrorNames[error])},
            {"frames", frames},
            {"lcores", lcores}};
}

// Rows of a map after the cursor, which is the last key's text.
template <typename Map, typename ToRow>
Outcome page_of(const Map& map, const controlplane::Page& page, const char* key, ToRow to_row) {
    auto position = map.begin();
    if (!page.after.empty()) {
        const auto after = AgentId::from_text(page.after);
        if (!after) {
            return refuse(code::stale_cursor, "'" + page.after + "' is not from an answer here");
        }
        position = map.upper_bound(*after);
    }
    Json rows = Json::array();
    AgentId last{};
    for (; position != map.end() && rows.size() < page.limit; ++position) {
        Json row = to_row(position->first, position->second);
        if (page.port.empty() || row.value("port", "") == page.port) {
            rows.push_back(std::move(row));
        }
        last = position->first;
    }
    return Json{{key, std::move(rows)},
                {"total", map.size()},
                {"next", position == map.end() ? Json() : Json(last.to_text())}};
}

auto no_agent(const AgentId& agent) {
    return refuse(code::not_found, "no agent " + agent.to_text() + " on this box");
}

Json neighbour(const char* port, const char* address, Json mac, const char* state, Json age_ms) {
    return {{"port", port},
            {"address", address},
            {"mac", std::move(mac)},
            {"state", state},
            {"held", state == std::string_view("incomplete") ? 3 : 0},
            {"age_ms", std::move(age_ms)}};
}

}  // namespace

AgentId numbered_agent(std::uint64_t number) {
    AgentId agent{};
    agent.bytes[6] = 0x40;
    agent.bytes[8] = 0x80;
    for (unsigned i = 0; i < 6; ++i) {
        agent.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return agent;
}

FakeOperations::FakeOperations(std::uint64_t agents) {
    for (std::uint64_t number = 1; number <= agents; ++number) {
        Agent agent;
        agent.name = number % 3 == 2 ? "" : "worker-" + std::to_string(number);
        agent.capabilities = {"vision/detect"};
        if (number % 3 == 0) {
            agent.port = "edge1";
            agent.origin = "configured";
            agent.address = "10.1.0.7";
            agent.mac = "";
        }
        agents_.emplace(numbered_agent(number), agent);
    }
    routes_.emplace(numbered_agent(0xff00), "r2");
    routes_.emplace(numbered_agent(0xff01), "r3");
}

std::vector<std::string> FakeOperations::port_names() const {
    return {"edge0", "edge1", "fabric0"};
}

std::vector<std::string> FakeOperations::router_names() const {
    return {"r2", "r3"};
}

Outcome FakeOperations::show_ports() {
    ++calls;
    return fake_ports();
}

Outcome FakeOperations::show_lcores() {
    ++calls;
    return Json{{{"lcore", 0},
                 {"cpu", 0},
                 {"role", "control"},
                 {"worker", nullptr},
                 {"queues", Json::array()},
                 {"busy_percent", nullptr},
                 {"loops", nullptr},
                 {"received", 240},
                 {"resubmitted", 0},
                 {"copied", 0},
                 {"injected", 12},
                 {"sent", 0},
                 {"punted", 0},
                 {"dropped", 2},
                 {"transmitted", 0}},
                {{"lcore", 1},
                 {"cpu", 1},
                 {"role", "worker"},
                 {"worker", 0},
                 {"queues", {"edge0/0", "edge1/0", "fabric0/0"}},
                 {"busy_percent", 37.25},
                 {"loops", 98'765'432},
                 {"received", 1'238'664},
                 {"resubmitted", 2},
                 {"copied", 0},
                 {"injected", 12},
                 {"sent", 1'234'096},
                 {"punted", 240},
                 {"dropped", 4'330},
                 {"transmitted", 1'234'000}}};
}

Outcome FakeOperations::show_stages() {
    ++calls;
    return Json{{{"stage", "receive"},
                 {"calls", 98'765},
                 {"frames", 1'238'664},
                 {"frames_per_call", 12.5},
                 {"cycles_per_frame", 41.25}},
                {{"stage", "answer"},
                 {"calls", 0},
                 {"frames", 0},
                 {"frames_per_call", nullptr},
                 {"cycles_per_frame", nullptr}}};
}

Outcome FakeOperations::show_drops(bool all) {
    ++calls;
    Json rows = Json::array();
    std::uint64_t sum = 0;
    for (const std::string& port : port_names()) {
        for (std::size_t i = 1; i < routing::kDropCount; ++i) {
            const auto reason = static_cast<routing::Drop>(i);
            const std::uint64_t frames = drops_of(port, reason);
            sum += frames;
            if (all || frames > 0) {
                rows.push_back(drop_row(port, reason, frames));
            }
        }
    }
    return Json{{"drops", std::move(rows)}, {"frames", sum}};
}

Json FakeOperations::describe(const AgentId& id, const Agent& agent) const {
    const bool leased = agent.origin == "registered";
    return {{"agent", id.to_text()},
            {"name", agent.name.empty() ? Json() : Json(agent.name)},
            {"state", agent.state},
            {"origin", agent.origin},
            {"port", agent.port},
            {"address", agent.address},
            {"udp_port", agent.udp_port},
            {"mac", agent.mac.empty() ? Json() : Json(agent.mac)},
            {"expires_in_ms", leased ? Json(27'500) : Json()},
            {"moves", leased ? 1 : 0}};
}

Outcome FakeOperations::show_agents(const Page& page) {
    ++calls;
    return page_of(agents_, page, "agents", [this](const AgentId& id, const Agent& agent) {
        Json row = describe(id, agent);
        row["capability_count"] = agent.capabilities.size();
        return row;
    });
}

Outcome FakeOperations::show_agent(const AgentId& agent) {
    ++calls;
    const auto found = agents_.find(agent);
    if (found == agents_.end()) {
        return no_agent(agent);
    }
    const bool leased = found->second.origin == "registered";
    Json all = describe(agent, found->second);
    all["stability"] = leased ? "stable" : "normal";
    all["used_ms"] = leased ? Json(5) : Json();
    all["frames_estimated"] = leased ? 1024 : 0;
    all["epoch"] = leased ? 7 : 0;
    all["multi"] = leased;
    all["lease_ms"] = leased ? Json(30'000) : Json();
    all["last_heard_ms"] = leased ? Json(2'500) : Json();
    all["registered_ms"] = 3'725'000;
    all["capabilities"] = found->second.capabilities;
    all["patterns"] = Json::array({"glob vision/*"});
    all["load_per_mille"] = 250;
    all["queue_depth"] = 3;
    return all;
}

Outcome FakeOperations::show_routes(const Page& page) {
    ++calls;
    return page_of(routes_, page, "routes", [this](const AgentId& id, const std::string& router) {
        return Json{{"agent", id.to_text()},
                    {"router", router},
                    {"origin", "configured"},
                    {"in_use", agents_.find(id) == agents_.end()},
                    {"resolved", router == "r2"},
                    {"expires_in_ms", router == "r2" ? Json(9'000) : Json()}};
    });
}

Outcome FakeOperations::show_routers() {
    ++calls;
    return Json{{{"router", "r2"},
                 {"address", "192.168.7.2"},
                 {"port", "fabric0"},
                 {"udp_port", 4'747},
                 {"next_hop", "192.168.7.2"},
                 {"mac", "02:00:00:00:07:02"},
                 {"resolved", true},
                 {"withdrawn", false},
                 {"out", false},
                 {"member", false},
                 {"routes", 1}},
                {{"router", "r3"},
                 {"address", "192.168.9.2"},
                 {"port", "fabric0"},
                 {"udp_port", 4'747},
                 {"next_hop", "192.168.7.2"},
                 {"mac", nullptr},
                 {"resolved", false},
                 {"withdrawn", true},
                 {"out", false},
                 {"member", true},
                 {"routes", 1}}};
}

Outcome FakeOperations::show_neighbours(const Page& page) {
    ++calls;
    const Json all{
        neighbour("edge0", "10.0.0.10", "02:00:00:00:0a:01", "reachable", 1'200),
        neighbour("edge0", "10.0.0.99", nullptr, "incomplete", nullptr),
        neighbour("fabric0", "192.168.7.2", "02:00:00:00:07:02", "stale", 61'000),
    };
    // The cursor has as many signs as there are rows before it.
    std::size_t position = page.after.size();
    if (position > all.size() || page.after != std::string(position, '+')) {
        return refuse(code::stale_cursor, "'" + page.after + "' is not from an answer here");
    }
    Json rows = Json::array();
    for (; position < all.size() && rows.size() < page.limit; ++position) {
        if (page.port.empty() || all[position]["port"] == page.port) {
            rows.push_back(all[position]);
        }
    }
    return Json{{"neighbours", std::move(rows)},
                {"total", all.size()},
                {"next", position == all.size() ? Json() : Json(std::string(position, '+'))}};
}

Outcome FakeOperations::show_memory() {
    ++calls;
    return fake_memory();
}

Outcome FakeOperations::show_lookup() {
    ++calls;
    return fake_lookup(++lookups_asked_ % 2 == 0);
}

Outcome FakeOperations::withdraw_router(const std::string& router, bool withdrawn) {
    ++calls;
    if (router != "r2" && router != "r3") {
        return refuse(code::not_found, "no router " + router);
    }
    return Json{{"router", router}, {"outcome", withdrawn ? "withdrawn" : "restored"}};
}

Outcome FakeOperations::show_config() {
    ++calls;
    return Json{{"path", "/etc/posthaste/posthaste.ini"},
                {"text", "[system]\nname = posthaste\n\n[port edge0]\nrole = edge\n"}};
}

Outcome FakeOperations::show_version() {
    ++calls;
    return Json{{"name", "posthaste"},
                {"version", "0.1.0"},
                {"dpdk", "DPDK 22.11.11"},
                {"wire_version", 1},
                {"pid", 4'242},
                {"state", "running"},
                {"uptime_ms", 93'784'000},
                {"routing_table_version", 17}};
}

Outcome FakeOperations::lookup(const AgentId& agent) {
    ++calls;
    const auto local = agents_.find(agent);
    const auto route = routes_.find(agent);
    Json steps = Json::array();
    const auto step = [&steps](const char* name, const char* result, const std::string& detail) {
        steps.push_back({{"step", name}, {"result", result}, {"detail", detail}});
    };
    const char* answer = "unknown";
    if (local != agents_.end()) {
        answer = "local";
        step("fib", answer, "The agent is attached to this box.");
        step("endpoint", "learnt", local->second.address + " on port " + local->second.port + ".");
    } else if (route != routes_.end()) {
        answer = "remote";
        step("fib", answer, "A route leads to router " + route->second + ".");
        step("adjacency", "resolved", "Its link address is known.");
    } else {
        step("fib", answer, "Neither attached here nor routed.");
    }
    const bool known = !steps[0]["result"].get_ref<const std::string&>().starts_with("unknown");
    return Json{{"agent", agent.to_text()},
                {"answer", answer},
                {"forwarded", known},
                {"drop", known ? Json() : Json("unknown_agent")},
                {"error", known ? Json() : Json("unknown-agent")},
                {"steps", std::move(steps)}};
}

controlplane::Reply FakeOperations::add_agent(const controlplane::AgentAddition& addition) {
    ++calls;
    last_addition = addition;
    Agent agent;
    agent.name = addition.name;
    agent.origin = "operator";
    agent.port = addition.port;
    agent.address = addition.address.to_text();
    agent.udp_port = addition.udp_port.value_or(routing::kUdpPortDefault);
    agent.mac = addition.mac ? addition.mac->to_text() : "";
    agent.capabilities = addition.capabilities;
    const bool added = agents_.insert_or_assign(addition.agent, std::move(agent)).second;
    return {Json{{"agent", addition.agent.to_text()}, {"outcome", added ? "added" : "changed"}}};
}

controlplane::Reply FakeOperations::remove_agent(const AgentId& agent) {
    ++calls;
    const auto found = agents_.find(agent);
    if (found == agents_.end()) {
        return {no_agent(agent)};
    }
    if (found->second.origin == "configured") {
        return {refuse(code::conflict,
                       "agent " + agent.to_text() + " stands in the ini file; remove it there",
                       {"/etc/posthaste/posthaste.ini:12: [agent " + agent.to_text() + "]"})};
    }
    agents_.erase(found);
    return {Json{{"agent", agent.to_text()}, {"outcome", "removed"}}};
}

controlplane::Reply FakeOperations::drain_agent(const AgentId& agent) {
    ++calls;
    const auto found = agents_.find(agent);
    if (found == agents_.end()) {
        return {no_agent(agent)};
    }
    found->second.state = "draining";
    return {Json{{"agent", agent.to_text()}, {"outcome", "draining"}}};
}

Outcome FakeOperations::add_route(const AgentId& agent,
                                  const std::string& router,
                                  unsigned seconds) {
    ++calls;
    const bool added = routes_.insert_or_assign(agent, router).second;
    return Json{{"agent", agent.to_text()},
                {"router", router},
                {"seconds", seconds == 0 ? Json() : Json(seconds)},
                {"outcome", added ? "added" : "changed"}};
}

Outcome FakeOperations::remove_route(const AgentId& agent) {
    ++calls;
    if (routes_.erase(agent) == 0) {
        return refuse(code::not_found, "no route to agent " + agent.to_text());
    }
    return Json{{"agent", agent.to_text()}, {"outcome", "removed"}};
}

Outcome FakeOperations::reload() {
    ++calls;
    return Json{{"path", "/etc/posthaste/posthaste.ini"},
                {"changes", {"[port edge0] error_rate: 1000 to 500"}}};
}

}  // namespace posthaste::test
