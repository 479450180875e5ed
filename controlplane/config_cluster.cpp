// SPDX-License-Identifier: BSD-3-Clause
// Checks of [cluster], and what follows from it and the ports together.
#include <algorithm>

#include "controlplane/config_findings.h"
#include "controlplane/config_values.h"
#include "controlplane/endpoint_text.h"

namespace posthaste::controlplane {

namespace {

using dataplane::Role;

bool is_fabric_address(const Config& config, const routing::IpAddress& address) {
    return std::ranges::any_of(config.ports, [&](const PortConfig& port) {
        return port.role == Role::fabric &&
               std::ranges::find(port.addresses, address, &routing::Prefix::address) !=
                   port.addresses.end();
    });
}

void check_seeds(const ClusterConfig& cluster, Findings& findings) {
    for (const std::string& text : cluster.seeds) {
        const auto seed = host_endpoint_from_text(text);
        if (seed && seed->address.family != cluster.address->family) {
            findings.add(SectionKind::cluster,
                         "seeds",
                         "'" + text + "' is of another family than the address",
                         "addresses of the family of [cluster] address");
            return;
        }
    }
}

void check_fabric(const Config& config, Findings& findings) {
    const auto& wanted = config.cluster.fabric_address;
    if (wanted && !is_fabric_address(config, *wanted)) {
        findings.add(SectionKind::cluster,
                     "fabric_address",
                     "no fabric port has it",
                     "one of the addresses of a port with role = fabric");
    } else if (!wanted && !cluster_fabric_address(config)) {
        findings.add(findings.line_of(SectionKind::cluster),
                     "cluster",
                     "no fabric port has an address: other routers could not send frames here");
    }
}

// Agents that register can be refused; those of the file are there.
void check_claims(const Config& config, Findings& findings) {
    const std::size_t fixed = config.static_agents.size();
    if (fixed > config.cluster.claims_max) {
        findings.add(SectionKind::cluster,
                     "claims_max",
                     "there are " + std::to_string(fixed) + " [agent] sections to tell of",
                     "at least " + std::to_string(fixed));
    }
}

}  // namespace

std::string cluster_node(const Config& config) {
    return config.cluster.node.empty() ? config.system.name : config.cluster.node;
}

std::optional<routing::IpAddress> cluster_fabric_address(const Config& config) {
    if (config.cluster.fabric_address) {
        return config.cluster.fabric_address;
    }
    for (const PortConfig& port : config.ports) {
        if (port.role == Role::fabric && !port.addresses.empty()) {
            return port.addresses.front().address;
        }
    }
    return std::nullopt;
}

void check_cluster(const Config& config, Findings& findings) {
    const ClusterConfig& cluster = config.cluster;
    const int line = findings.line_of(SectionKind::cluster);
    if (line == 0 || findings.is_broken(SectionKind::cluster)) {
        return;
    }
    if (!cluster.address) {
        if (!cluster.seeds.empty() || !cluster.keyring.empty() || !cluster.label.empty() ||
            !cluster.node.empty() || cluster.fabric_address) {
            findings.add(
                line, "cluster", "no address; allowed: address = a management address of this box");
        }
        return;
    }
    if (cluster.port == cluster.route_port) {
        findings.add(SectionKind::cluster,
                     "route_port",
                     "the port of membership",
                     "another one than port, " + std::to_string(cluster.port));
    }
    if (!is_node_name(cluster_node(config))) {
        findings.add(line,
                     "cluster",
                     "[system] name '" + config.system.name +
                         "' cannot be the name of a node; allowed: node = A-Z, a-z, 0-9, '.' "
                         "and '-'");
    }
    check_seeds(cluster, findings);
    check_fabric(config, findings);
    check_claims(config, findings);
}

}  // namespace posthaste::controlplane
