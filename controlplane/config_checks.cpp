// SPDX-License-Identifier: BSD-3-Clause
// Checks over several values of single sections and of ports. Ports are few.
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "controlplane/config_findings.h"
#include "controlplane/memory_plan.h"
#include "controlplane/port_addresses.h"
#include "routing/route_cache.h"

namespace posthaste::controlplane {

namespace {

using dataplane::Role;
using routing::Family;
using routing::IpAddress;
using routing::Prefix;
using routing::RouteCache;

constexpr std::uint16_t kMtuIpv6Min = 1'280;

class Checker {
  public:
    Checker(const Config& config, Findings& findings) : config_(config), findings_(findings) {}

    void run() {
        check_cores();
        check_agents_section();
        check_lookup();
        check_neighbours();
        if (findings_.line_of(SectionKind::port) == 0) {
            findings_.add(
                0, "", "no [port NAME] section; allowed: 1 to " + std::to_string(kPortsMax));
        }
        for (std::size_t i = 0; i < config_.ports.size(); ++i) {
            if (!broken(config_.ports[i])) {
                check_port(i);
            }
        }
    }

  private:
    template <typename Section>
    [[nodiscard]] bool broken(const Section& section) const {
        return findings_.is_broken(section.line.number);
    }

    void fail(const PortConfig& port,
              std::string_view key,
              std::string_view why,
              std::string_view allowed) {
        findings_.add(port.line.number, *find_key(SectionKind::port, key), why, allowed);
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

    void check_lookup() {
        const LookupConfig& lookup = config_.lookup;
        if (findings_.is_broken(SectionKind::lookup)) {
            return;
        }
        check_ttl("local_ttl_ms", lookup.local_ttl_ms);
        check_ttl("remote_ttl_ms", lookup.remote_ttl_ms);
        if (!lookup.cache_kb && config_.eal.memory_mb == 0 &&
            !findings_.is_broken(SectionKind::eal)) {
            findings_.add(SectionKind::lookup,
                          "cache_kb",
                          "auto divides what [eal] memory_mb leaves, which is itself computed",
                          "a number, or auto with memory_mb set");
        }
    }

    void check_ttl(std::string_view key, std::uint32_t ttl_ms) {
        if (ttl_ms != 0 && ttl_ms < RouteCache::kTickMs) {
            findings_.add(SectionKind::lookup,
                          key,
                          "shorter than a cache can count",
                          "0 (no copies), or " + std::to_string(RouteCache::kTickMs) + " to " +
                              std::to_string(RouteCache::kTtlMaxMs / 2));
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

    const Config& config_;
    Findings& findings_;
    std::unordered_map<std::string_view, std::string_view> device_users_;
};

// Last, of a configuration that is right otherwise: whether its memory suffices.
void check_memory(const Config& config, Findings& findings) {
    const auto fits = check_plan(config, plan_memory(config));
    if (!fits) {
        const bool mbufs = fits.error().starts_with("[dataplane] mbufs");
        findings.add(mbufs ? findings.line_of(SectionKind::dataplane, "mbufs")
                           : findings.line_of(SectionKind::eal, "memory_mb"),
                     "",
                     fits.error());
    }
}

}  // namespace

void check_together(const Config& config, Findings& findings) {
    Checker(config, findings).run();
    check_references(config, findings);
    check_cluster(config, findings);
    if (findings.empty()) {
        check_memory(config, findings);
    }
}

}  // namespace posthaste::controlplane
