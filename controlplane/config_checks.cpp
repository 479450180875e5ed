// SPDX-License-Identifier: BSD-3-Clause
// Checks over several values of a configuration: check_together() and fabric_port_of().
//
// Linear in routes and agents; ports are few.
#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "controlplane/config_findings.h"
#include "controlplane/near_word.h"

namespace posthaste::controlplane {

namespace {

using dataplane::Role;
using routing::Family;
using routing::IpAddress;
using routing::Prefix;

constexpr std::uint16_t kMtuIpv6Min = 1'280;

std::string in_quotes(std::string_view name) {
    return "'" + std::string(name) + "'";
}

bool is_link_local(const IpAddress& address) {
    return address.family == Family::ipv6 && address.bytes[0] == 0xfe &&
           (address.bytes[1] & 0xc0) == 0x80;
}

bool has_family(const PortConfig& port, Family family) {
    return std::ranges::any_of(port.addresses,
                               [&](const Prefix& own) { return own.address.family == family; });
}

bool is_on_link(const PortConfig& port, const IpAddress& address) {
    return std::ranges::any_of(port.addresses,
                               [&](const Prefix& own) { return own.contains(address); });
}

bool is_own(const PortConfig& port, const IpAddress& address) {
    return std::ranges::any_of(port.addresses,
                               [&](const Prefix& own) { return own.address == address; });
}

const std::optional<IpAddress>& gateway_of(const PortConfig& port, Family family) {
    return family == Family::ipv4 ? port.gateway : port.gateway6;
}

// All host bits zero or all one: the IPv4 network itself, or everybody in it.
bool is_network_or_broadcast(const Prefix& prefix, const IpAddress& address) {
    if (address.family != Family::ipv4 || prefix.length >= 31 || !prefix.contains(address)) {
        return false;
    }
    bool zeros = true;
    bool ones = true;
    for (unsigned bit = prefix.length; bit < 32; ++bit) {
        const bool set = (address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
        zeros = zeros && !set;
        ones = ones && set;
    }
    return zeros || ones;
}

std::string prefixes_text(const PortConfig& port) {
    std::string text;
    for (const Prefix& prefix : port.addresses) {
        text += (text.empty() ? "" : ", ") + prefix.to_text();
    }
    return text;
}

// The fabric ports that lead to an address: by prefix, else by gateway.
std::vector<std::size_t> fabric_ports_to(const Config& config, const IpAddress& address) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        if (config.ports[i].role == Role::fabric && is_on_link(config.ports[i], address)) {
            found.push_back(i);
        }
    }
    for (std::size_t i = 0; found.empty() && !is_link_local(address) && i < config.ports.size();
         ++i) {
        if (config.ports[i].role == Role::fabric &&
            gateway_of(config.ports[i], address.family).has_value()) {
            found.push_back(i);
            for (std::size_t j = i + 1; j < config.ports.size(); ++j) {
                if (config.ports[j].role == Role::fabric &&
                    gateway_of(config.ports[j], address.family).has_value()) {
                    found.push_back(j);
                }
            }
        }
    }
    return found;
}

class Checker {
  public:
    Checker(const Config& config, Findings& findings) : config_(config), findings_(findings) {
        for (std::size_t i = 0; i < config.ports.size(); ++i) {
            port_names_.push_back(config.ports[i].name);
            ports_complete_ = ports_complete_ && !broken(config.ports[i]);
        }
        for (const RouterConfig& router : config.routers) {
            router_names_.push_back(router.name);
        }
    }

    void run() {
        check_cores();
        check_agents_section();
        check_neighbours();
        if (config_.ports.empty()) {
            findings_.add(
                0, "", "no [port NAME] section; allowed: 1 to " + std::to_string(kPortsMax));
        }
        for (std::size_t i = 0; i < config_.ports.size(); ++i) {
            if (!broken(config_.ports[i])) {
                check_port(i);
            }
        }
        check_pool();
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

    void fail(const PortConfig& port,
              std::string_view key,
              std::string_view why,
              std::string_view allowed) {
        fail(SectionKind::port, port.line, key, why, allowed);
    }

    void check_cores() {
        const std::vector<unsigned>& cores = config_.eal.cores;
        if (cores.empty() || findings_.is_broken(SectionKind::eal) ||
            findings_.is_broken(SectionKind::dataplane)) {
            return;
        }
        const std::unordered_set<unsigned> distinct(cores.begin(), cores.end());
        if (distinct.size() != cores.size()) {
            findings_.add(SectionKind::eal,
                          "cores",
                          "a core is there twice",
                          "every core once; share_cores = yes puts several threads on one");
        }
        const std::size_t wanted = std::size_t{config_.dataplane.workers} + 1;
        if (!config_.eal.share_cores && distinct.size() != wanted) {
            findings_.add(SectionKind::eal,
                          "cores",
                          std::to_string(distinct.size()) + " cores for the control thread and " +
                              std::to_string(wanted - 1) + " workers",
                          std::to_string(wanted) + " cores, or share_cores = yes");
        }
    }

    void check_agents_section() {
        const AgentsConfig& agents = config_.agents;
        if (findings_.is_broken(SectionKind::agents)) {
            return;
        }
        const std::string range = std::to_string(agents.lease_min_ms) + " (lease_min_ms) to " +
                                  std::to_string(agents.lease_max_ms) + " (lease_max_ms)";
        if (agents.lease_min_ms > agents.lease_max_ms) {
            findings_.add(SectionKind::agents,
                          "lease_min_ms",
                          "above lease_max_ms",
                          "up to " + std::to_string(agents.lease_max_ms));
        } else if (agents.lease_default_ms < agents.lease_min_ms ||
                   agents.lease_default_ms > agents.lease_max_ms) {
            findings_.add(
                SectionKind::agents, "lease_default_ms", "outside of the other two", range);
        }
        if (agents.agents_per_port_max > agents.agents_max) {
            findings_.add(SectionKind::agents,
                          "agents_per_port_max",
                          "above agents_max",
                          "up to " + std::to_string(agents.agents_max));
        }
        const std::size_t fixed = config_.static_agents.size() + config_.routes.size();
        if (fixed > agents.agents_max) {
            findings_.add(
                SectionKind::agents,
                "agents_max",
                "there are " + std::to_string(fixed) + " [agent] and [route] sections already",
                "at least " + std::to_string(fixed));
        }
    }

    void check_neighbours() {
        const NeighboursConfig& neighbours = config_.neighbours;
        if (!findings_.is_broken(SectionKind::neighbours) &&
            neighbours.held_per_neighbour > neighbours.held_max) {
            findings_.add(SectionKind::neighbours,
                          "held_per_neighbour",
                          "above held_max",
                          "up to " + std::to_string(neighbours.held_max));
        }
    }

    void check_pool() {
        std::uint64_t receiving = 0;
        for (const PortConfig& port : config_.ports) {
            receiving += std::uint64_t{port.queues} * config_.dataplane.rx_descriptors;
        }
        if (config_.dataplane.mbufs != 0 && config_.dataplane.mbufs <= receiving &&
            ports_complete_ && !findings_.is_broken(SectionKind::dataplane)) {
            findings_.add(SectionKind::dataplane,
                          "mbufs",
                          "the receive queues alone take " + std::to_string(receiving),
                          "0 (computed), or more than that");
        }
    }

    void check_port(std::size_t index) {
        const PortConfig& port = config_.ports[index];
        const std::string_view device =
            std::string_view(port.device).substr(0, std::string_view(port.device).find(','));
        const auto [user, first] = device_users_.emplace(device, port.name);
        if (!first) {
            fail(port,
                 "device",
                 "the device belongs to [port " + std::string(user->second) + "] already",
                 "every device once");
        }
        if (port.mtu < kMtuIpv6Min && has_family(port, Family::ipv6)) {
            fail(port,
                 "mtu",
                 "too small for IPv6",
                 std::to_string(kMtuIpv6Min) + " to 9000 bytes, or only IPv4 addresses");
        }
        check_port_workers(port);
        check_addresses(port, index);
        check_gateway(port, "gateway", port.gateway);
        check_gateway(port, "gateway6", port.gateway6);
    }

    void check_port_workers(const PortConfig& port) {
        const unsigned workers = config_.dataplane.workers;
        if (findings_.is_broken(SectionKind::dataplane)) {
            return;
        }
        std::unordered_set<unsigned> seen;
        for (const unsigned worker : port.workers) {
            if (worker >= workers) {
                fail(port,
                     "workers",
                     "there is no worker " + std::to_string(worker),
                     "0 to " + std::to_string(workers - 1) +
                         ", as [dataplane] workers = " + std::to_string(workers));
                return;
            }
            if (!seen.insert(worker).second) {
                fail(port,
                     "workers",
                     "worker " + std::to_string(worker) + " is there twice",
                     "every worker once");
                return;
            }
        }
    }

    // Two prefixes that overlap would leave open which link a host is on. Within a port that is
    // harmless, and every link has the same link-local prefix.
    void check_addresses(const PortConfig& port, std::size_t index) {
        for (std::size_t i = 0; i < port.addresses.size(); ++i) {
            const Prefix& own = port.addresses[i];
            if (is_network_or_broadcast(own, own.address)) {
                fail(port,
                     "addresses",
                     own.to_text() + " is the network's or its broadcast address",
                     "the address of a host in it");
            }
            for (std::size_t j = 0; j < i; ++j) {
                if (port.addresses[j].address == own.address) {
                    fail(port,
                         "addresses",
                         own.address.to_text() + " is there twice",
                         "every address once");
                }
            }
            for (std::size_t other = 0; other < index; ++other) {
                check_overlap(port, own, config_.ports[other]);
            }
        }
    }

    void check_overlap(const PortConfig& port, const Prefix& own, const PortConfig& other) {
        if (broken(other)) {
            return;
        }
        for (const Prefix& theirs : other.addresses) {
            const bool same_host = theirs.address == own.address;
            const bool overlap = own.contains(theirs.address) || theirs.contains(own.address);
            if (same_host || (overlap && !is_link_local(own.address))) {
                fail(port,
                     "addresses",
                     own.to_text() + " overlaps " + theirs.to_text() + " of [port " + other.name +
                         "]",
                     "a network of its own for every port");
                return;
            }
        }
    }

    void check_gateway(const PortConfig& port,
                       std::string_view key,
                       const std::optional<IpAddress>& gateway) {
        if (!gateway) {
            return;
        }
        if (!is_on_link(port, *gateway)) {
            fail(port, key, "not on the link of this port", "a host in " + prefixes_text(port));
        } else if (is_own(port, *gateway)) {
            fail(port, key, "the port's own address", "another host in " + prefixes_text(port));
        }
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
                 in_quotes(name) + (edge ? " is a fabric port" : " is an edge port"),
                 std::string(edge ? "edge" : "fabric") + " ports: " + names_of(role));
            return false;
        }
        return true;
    }

    void check_route(const RouteConfig& route) {
        if (router_set_.empty()) {
            router_set_.insert(router_names_.begin(), router_names_.end());
        }
        if (!router_set_.contains(route.router)) {
            std::string allowed;
            for (const std::string_view name : router_names_) {
                if (allowed.size() > 200) {
                    allowed += ", ...";
                    break;
                }
                allowed += (allowed.empty() ? "" : ", ") + std::string(name);
            }
            fail(SectionKind::route,
                 route.line,
                 "router",
                 unknown_name("router", route.router, router_names_),
                 allowed.empty() ? "none, there is no [router NAME]" : allowed);
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
    std::unordered_map<std::string_view, std::string_view> device_users_;
    std::map<IpAddress, std::string_view> router_addresses_;
    std::unordered_map<routing::AgentId, int, routing::AgentIdHash> routed_;
};

}  // namespace

void check_together(const Config& config, Findings& findings) {
    Checker(config, findings).run();
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
