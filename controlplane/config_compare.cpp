// SPDX-License-Identifier: BSD-3-Clause
// compare_configs(): what a reload would change, and what of it needs a restart.
#include <algorithm>
#include <unordered_map>

#include "controlplane/config_table.h"

namespace posthaste::controlplane {

namespace {

std::string shown(const std::string& value) {
    return value.empty() ? "(not set)" : value;
}

void compare_section(SectionKind kind,
                     const std::string& header,
                     Source running,
                     Source next,
                     ConfigDifference& difference) {
    for (const KeyRow& key : config_keys(kind)) {
        const std::string from = key.write(running);
        const std::string to = key.write(next);
        if (from == to) {
            continue;
        }
        const std::string change =
            "[" + header + "] " + std::string(key.name) + ": " + shown(from) + " -> " + shown(to);
        if (key.reloadable) {
            difference.changes.push_back(change);
        } else {
            difference.refused.push_back(change + ": needs a restart");
        }
    }
}

const std::string& name_of(const RouterConfig& router) {
    return router.name;
}

const std::string& name_of(const PolicyConfig& policy) {
    return policy.name;
}

std::string name_of(const RouteConfig& route) {
    return route.agent.to_text();
}

std::string name_of(const AgentConfig& agent) {
    return agent.agent.to_text();
}

// Named sections that may come and go: removals first, then in the order of the new file.
template <typename Section>
void compare_named(SectionKind kind,
                   const std::vector<Section>& running,
                   const std::vector<Section>& next,
                   ConfigDifference& difference) {
    const std::string word(section_row(kind).word);
    std::unordered_map<std::string, const Section*> before;
    std::unordered_map<std::string, const Section*> after;
    for (const Section& section : running) {
        before.emplace(name_of(section), &section);
    }
    for (const Section& section : next) {
        after.emplace(name_of(section), &section);
    }
    for (const Section& section : running) {
        if (!after.contains(name_of(section))) {
            difference.changes.push_back("[" + word + " " + name_of(section) + "] removed");
        }
    }
    for (const Section& section : next) {
        const std::string header = word + " " + name_of(section);
        const auto old = before.find(name_of(section));
        if (old == before.end()) {
            difference.changes.push_back("[" + header + "] added");
        } else if (!(*old->second == section)) {
            compare_section(kind, header, old->second, &section, difference);
        }
    }
}

std::string names_of(const std::vector<PortConfig>& ports) {
    std::string names;
    for (const PortConfig& port : ports) {
        names += (names.empty() ? "" : ", ") + port.name;
    }
    return names;
}

// The place of a port in the file is its index everywhere, so the list stands for a whole run.
void compare_ports(const Config& running, const Config& next, ConfigDifference& difference) {
    if (!std::ranges::equal(running.ports, next.ports, {}, &PortConfig::name, &PortConfig::name)) {
        difference.refused.push_back("ports: " + names_of(running.ports) + " -> " +
                                     names_of(next.ports) + ": needs a restart");
    }
    for (const PortConfig& port : next.ports) {
        const auto old = std::ranges::find(running.ports, port.name, &PortConfig::name);
        if (old != running.ports.end()) {
            compare_section(SectionKind::port, "port " + port.name, &*old, &port, difference);
        }
    }
}

}  // namespace

ConfigDifference compare_configs(const Config& running, const Config& next) {
    ConfigDifference difference;
    const auto before = single_sections(running);
    const auto after = single_sections(next);
    for (std::size_t i = 0; i < before.size(); ++i) {
        const auto kind = static_cast<SectionKind>(i);
        compare_section(kind, std::string(section_row(kind).word), before[i], after[i], difference);
    }
    compare_ports(running, next, difference);
    compare_named(SectionKind::router, running.routers, next.routers, difference);
    compare_named(SectionKind::route, running.routes, next.routes, difference);
    compare_named(SectionKind::agent, running.static_agents, next.static_agents, difference);
    compare_named(SectionKind::policy, running.content_policies, next.content_policies, difference);
    return difference;
}

}  // namespace posthaste::controlplane
