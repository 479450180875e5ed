// SPDX-License-Identifier: BSD-3-Clause
// Checks of what routers, routes and agents refer to, and fabric_port_of().
//
// Linear in routes and agents: ports are few, and once enough is wrong the texts are not made.
#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "controlplane/config_findings.h"
#include "controlplane/near_word.h"
#include "controlplane/port_addresses.h"

namespace posthaste::controlplane {

namespace {

using dataplane::Role;
using routing::Family;
using routing::IpAddress;

// The fabric ports that lead to an address: by prefix, else by gateway.
std::vector<std::size_t> fabric_ports_to(const Config& config, const IpAddress& address) {
    std::vector<std::size_t> linked;
    std::vector<std::size_t> routed;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        const PortConfig& port = config.ports[i];
        if (port.role != Role::fabric) {
            continue;
        }
        if (is_on_link(port, address)) {
            linked.push_back(i);
        } else if (gateway_of(port, address.family) && !is_link_local(address)) {
            routed.push_back(i);
        }
    }
    return linked.empty() ? routed : linked;
}

class References {
  public:
    References(const Config& config, Findings& findings) : config_(config), findings_(findings) {
        for (const PortConfig& port : config.ports) {
            port_names_.push_back(port.name);
            ports_complete_ = ports_complete_ && !broken(port);
        }
        for (const RouterConfig& router : config.routers) {
            router_names_.push_back(router.name);
            router_set_.insert(router.name);
        }
    }

    void run() {
        for (const RouterConfig& router : config_.routers) {
            if (!broken(router)) {
                check_router(router);
            }
        }
        for (const RouteConfig& route : config_.routes) {
            if (!broken(route)) {
                check_route(route);
            }
        }
        for (const AgentConfig& agent : config_.static_agents) {
            if (!broken(agent)) {
                check_agent(agent);
            }
        }
    }

  private:
    template <typename Section>
    [[nodiscard]] bool broken(const Section& section) const {
        return findings_.is_broken(section.line.number);
    }

    void fail(SectionKind kind,
              FileLine line,
              std::string_view key,
              std::string_view why,
              std::string_view allowed) {
        findings_.add(line.number, *find_key(kind, key), why, allowed);
    }

    [[nodiscard]] const PortConfig* find_port(std::string_view name) const {
        const auto found = std::ranges::find(config_.ports, name, &PortConfig::name);
        return found == config_.ports.end() ? nullptr : &*found;
    }

    static std::string unknown_name(std::string_view kind,
                                    std::string_view name,
                                    const std::vector<std::string_view>& known) {
        const std::string_view near = near_word(name, known);
        return "there is no [" + std::string(kind) + " " + std::string(name) + "]" +
               (near.empty() ? "" : ", did you mean " + std::string(near) + "?");
    }

    [[nodiscard]] std::string names_of(Role role) const {
        std::string text;
        for (const PortConfig& port : config_.ports) {
            if (port.role == role) {
                text += (text.empty() ? "" : ", ") + port.name;
            }
        }
        return text.empty() ? "none, there is no port of this role" : text;
    }

    [[nodiscard]] std::string router_names_text() const {
        constexpr std::size_t kBytesMax = 200;
        std::string text;
        for (const std::string_view name : router_names_) {
            if (text.size() > kBytesMax) {
                return text + ", ...";
            }
            text += (text.empty() ? "" : ", ") + std::string(name);
        }
        return text.empty() ? "none, there is no [router NAME]" : text;
    }

    void check_router(const RouterConfig& router) {
        const auto fail_at =
            [&](std::string_view key, std::string_view why, std::string_view allowed) {
                fail(SectionKind::router, router.line, key, why, allowed);
            };
        const auto [first, added] =
            router_addresses_.emplace(router.address, std::string_view(router.name));
        if (!added) {
            fail_at("address",
                    "the address of [router " + std::string(first->second) + "] too",
                    "every router once");
        }
        if (!router.port.empty() &&
            !check_port_name(SectionKind::router, router.line, router.port, Role::fabric)) {
            return;
        }
        if (!ports_complete_) {
            return;
        }
        if (std::ranges::any_of(config_.ports, [&](const PortConfig& port) {
                return is_own(port, router.address);
            })) {
            fail_at("address", "an address of this box", "the address of another router");
            return;
        }
        check_reach(router);
    }

    void check_reach(const RouterConfig& router) {
        if (!router.port.empty()) {
            const PortConfig& port = *find_port(router.port);
            if (!is_on_link(port, router.address) &&
                !gateway_of(port, router.address.family).has_value()) {
                fail(SectionKind::router,
                     router.line,
                     "address",
                     "neither on the link of [port " + port.name + "] nor behind its gateway",
                     "a host in " + prefixes_text(port));
            }
            return;
        }
        const std::vector<std::size_t> ports = fabric_ports_to(config_, router.address);
        if (ports.empty()) {
            fail(SectionKind::router,
                 router.line,
                 "address",
                 "no fabric port leads to it",
                 "a host on the link of a fabric port, or behind its gateway; fabric ports: " +
                     names_of(Role::fabric));
        } else if (ports.size() > 1) {
            fail(SectionKind::router,
                 router.line,
                 "address",
                 std::to_string(ports.size()) + " fabric ports lead to it",
                 "port = NAME tells which; fabric ports: " + names_of(Role::fabric));
        }
    }

    // False: reported.
    bool check_port_name(SectionKind kind, FileLine line, const std::string& name, Role role) {
        const PortConfig* port = find_port(name);
        if (port == nullptr) {
            fail(kind,
                 line,
                 "port",
                 unknown_name("port", name, port_names_),
                 std::string(role == Role::edge ? "edge" : "fabric") + " ports: " + names_of(role));
            return false;
        }
        if (broken(*port)) {
            return false;  // its own errors come first
        }
        if (port->role != role) {
            const bool edge = role == Role::edge;
            fail(kind,
                 line,
                 "port",
                 name + (edge ? " is a fabric port" : " is an edge port"),
                 std::string(edge ? "edge" : "fabric") + " ports: " + names_of(role));
            return false;
        }
        return true;
    }

    void check_route(const RouteConfig& route) {
        if (!router_set_.contains(route.router)) {
            const bool told = !findings_.is_full();
            fail(SectionKind::route,
                 route.line,
                 "router",
                 told ? unknown_name("router", route.router, router_names_) : "",
                 told ? router_names_text() : "");
        }
        routed_.emplace(route.agent, route.line.number);
    }

    void check_agent(const AgentConfig& agent) {
        const auto fail_at =
            [&](std::string_view key, std::string_view why, std::string_view allowed) {
                fail(SectionKind::agent, agent.line, key, why, allowed);
            };
        if (const auto route = routed_.find(agent.agent); route != routed_.end()) {
            findings_.add(agent.line.number,
                          "agent " + agent.agent.to_text(),
                          "the agent is attached here, and in line " +
                              std::to_string(route->second) +
                              " routed to another router; allowed: one of the two");
        }
        if (!findings_.is_broken(SectionKind::agents) &&
            agent.capabilities.size() > config_.agents.capabilities_max) {
            fail_at("capabilities",
                    "it has " + std::to_string(agent.capabilities.size()) + " of them",
                    "up to " + std::to_string(config_.agents.capabilities_max) +
                        " ([agents] capabilities_max)");
        }
        if (!check_port_name(SectionKind::agent, agent.line, agent.port, Role::edge)) {
            return;
        }
        const PortConfig& port = *find_port(agent.port);
        if (!has_family(port, agent.address.family)) {
            fail_at("address",
                    "[port " + port.name + "] has no address of this family",
                    "a host in " + prefixes_text(port));
        } else if (is_own(port, agent.address)) {
            fail_at("address", "the port's own address", "a host in " + prefixes_text(port));
        } else if (!is_on_link(port, agent.address) && !agent.mac &&
                   !gateway_of(port, agent.address.family)) {
            fail_at("address",
                    "not on the link of [port " + port.name + "]",
                    "a host in " + prefixes_text(port) + ", or with mac, or with a gateway");
        }
    }

    const Config& config_;
    Findings& findings_;
    bool ports_complete_ = true;
    std::vector<std::string_view> port_names_;
    std::vector<std::string_view> router_names_;
    std::unordered_set<std::string_view> router_set_;
    std::map<IpAddress, std::string_view> router_addresses_;
    std::unordered_map<routing::AgentId, int, routing::AgentIdHash> routed_;
};

}  // namespace

void check_references(const Config& config, Findings& findings) {
    References(config, findings).run();
    check_policies(config, findings);
}

std::optional<std::size_t> fabric_port_of(const Config& config, const RouterConfig& router) {
    if (!router.port.empty()) {
        const auto port = std::ranges::find(config.ports, router.port, &PortConfig::name);
        if (port == config.ports.end() || port->role != Role::fabric) {
            return std::nullopt;
        }
        return static_cast<std::size_t>(port - config.ports.begin());
    }
    const std::vector<std::size_t> ports = fabric_ports_to(config, router.address);
    if (ports.size() != 1) {
        return std::nullopt;
    }
    return ports.front();
}

}  // namespace posthaste::controlplane
