// SPDX-License-Identifier: BSD-3-Clause
// The operator's view of content policies.
#include <algorithm>
#include <array>

#include "controlplane/list_cursor.h"
#include "controlplane/live_operations.h"
#include "routing/capability_name.h"
#include "routing/policy_set.h"

namespace posthaste::controlplane {

namespace {

using routing::Policy;
using routing::PolicyAction;
using routing::PolicyDirection;
using routing::PolicySet;

static_assert(kPayloadBytesMax == routing::kPolicyDepthMax, "no policy looks deeper");

constexpr std::uint64_t kMegabyte = 1024 * 1024;
constexpr std::array<std::string_view, 4> kActionNames = {"count", "drop", "mirror", "redirect"};
constexpr std::array<std::string_view, 2> kDirectionNames = {"in", "out"};
constexpr std::array<std::string_view, 4> kStateNames = {"none", "ready", "compiling", "failed"};

Json lines_of(const std::string& text) {
    Json lines = Json::array();
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        lines.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return lines;
}

std::string_view name_of(PolicyAction action) noexcept {
    return kActionNames[static_cast<std::size_t>(action)];
}

std::string_view name_of(PolicyDirection direction) noexcept {
    return kDirectionNames[static_cast<std::size_t>(direction)];
}

Json port_names_of(const Policy& policy, const Config& config) {
    Json names = Json::array();
    for (const std::uint16_t port : policy.ports) {
        names.push_back(config.ports[port].name);
    }
    return names;
}

// Where it sends what it does not let be.
Json target_of(const Policy& policy, const Config& config) {
    switch (policy.action) {
        case PolicyAction::mirror:
            return config.ports[policy.mirror_port].name;
        case PolicyAction::redirect:
            return policy.redirect_name;
        default:
            return nullptr;
    }
}

Json capability_of(const Policy& policy) {
    return policy.capability.has_value() ? Json(policy.capability_name) : Json(nullptr);
}

// Of policies that matched, the one that decides about a message that comes or leaves by the port
// and is addressed to the capability; null: to an agent.
Json decisive(const PolicySet& set,
              PolicyDirection direction,
              std::size_t port,
              const routing::AgentId* capability,
              routing::PolicyMask matched) {
    unsigned rank = 0;
    const Policy* const policy =
        set.decisive(matched & set.about(set.at(direction, port), capability), rank);
    return policy == nullptr ? Json(nullptr) : Json(policy->name);
}

// A row for each port, or for the one that is asked for.
Json decisions(const PolicySet* set,
               const std::vector<PortConfig>& ports,
               const PolicyTrial& trial,
               routing::PolicyMask matched) {
    const routing::AgentId id = routing::capability_id(trial.capability);
    const routing::AgentId* const capability = trial.capability.empty() ? nullptr : &id;
    Json rows = Json::array();
    for (std::size_t port = 0; port < ports.size(); ++port) {
        if (!trial.port.empty() && ports[port].name != trial.port) {
            continue;
        }
        const auto decides = [&](PolicyDirection direction) {
            return set == nullptr ? Json(nullptr)
                                  : decisive(*set, direction, port, capability, matched);
        };
        rows.push_back({{"port", ports[port].name},
                        {"in", decides(PolicyDirection::in)},
                        {"out", decides(PolicyDirection::out)}});
    }
    return rows;
}

}  // namespace

std::vector<std::string> LiveOperations::policy_names() const {
    std::vector<std::string> names;
    if (const PolicySet* const set = box_.policies.current().get(); set != nullptr) {
        for (const Policy& policy : set->policies()) {
            names.push_back(policy.name);
        }
    }
    return names;
}

Outcome LiveOperations::show_policies() {
    const Policies& policies = box_.policies;
    const PolicySet* const set = policies.current().get();
    const std::vector<routing::PolicySums> sums = policies.sums();
    Json rows = Json::array();
    for (std::size_t rank = 0; rank < sums.size(); ++rank) {
        const Policy& policy = set->policies()[rank];
        rows.push_back({{"policy", policy.name},
                        {"action", name_of(policy.action)},
                        {"direction", name_of(policy.direction)},
                        {"priority", policy.priority},
                        {"ports", port_names_of(policy, box_.config)},
                        {"capability", capability_of(policy)},
                        {"depth", policy.depth},
                        {"target", target_of(policy, box_.config)},
                        {"rules", policy.rules.size()},
                        {"matched", sums[rank].matched},
                        {"acted", sums[rank].acted},
                        {"lost", sums[rank].lost}});
    }
    std::uint64_t mirrored = 0;
    std::uint64_t scans_failed = 0;
    for (const auto& worker : box_.workers) {
        mirrored += worker->counters().mirrored.read();
        scans_failed += worker->counters().scans_failed.read();
    }
    const routing::PolicyWork work = policies.work();
    const bool any = set != nullptr;
    return Json{{"policies", rows},
                {"state", kStateNames[static_cast<std::size_t>(policies.state())]},
                {"failure", lines_of(policies.failure())},
                {"rules", any ? set->rule_count() : 0},
                {"rules_max", routing::kPolicyRulesMax},
                {"databases", any ? set->databases() : 0},
                {"database_bytes", any ? set->database_bytes() : 0},
                {"database_max_bytes", box_.config.policies.database_mb * kMegabyte},
                {"scratch_bytes", any ? set->scratch_bytes() : 0},
                {"compile_ms", any ? Json(policies.took_ms()) : Json(nullptr)},
                {"scanned_bytes", work.bytes},
                {"rules_reported", work.reports},
                {"mirrored", mirrored},
                {"scans_failed", scans_failed}};
}

Outcome LiveOperations::show_policy(const std::string& name, const Page& page) {
    const auto position = read_position(page.after);
    if (!position) {
        return tl::unexpected(position.error());
    }
    const PolicySet* const set = box_.policies.current().get();
    if (set == nullptr) {
        return refuse(code::not_found, "no policy " + name);
    }
    const auto policy = std::ranges::find(set->policies(), name, &Policy::name);
    if (policy == set->policies().end()) {
        return refuse(code::not_found, "no policy " + name);
    }
    const std::size_t first =
        set->first_rule(static_cast<std::size_t>(policy - set->policies().begin()));
    const std::vector<std::uint64_t> hits = box_.policies.hits();
    Json rows = Json::array();
    std::size_t at = *position;
    for (; at < policy->rules.size() && rows.size() < page.limit; ++at) {
        rows.push_back({{"rule", policy->rules[at].expression.text},
                        {"where", policy->rules[at].where},
                        {"hits", hits[first + at]}});
    }
    return Json{{"rules", rows},
                {"policy", name},
                {"total", policy->rules.size()},
                {"next", next_of(at, policy->rules.size())}};
}

Outcome LiveOperations::test_policies(const PolicyTrial& trial) {
    if (!trial.capability.empty() && !routing::is_capability_name(trial.capability)) {
        return refuse(code::usage, trial.capability + " is not the name of a capability");
    }
    const std::vector<PortConfig>& ports = box_.config.ports;
    if (!trial.port.empty() &&
        std::ranges::find(ports, trial.port, &PortConfig::name) == ports.end()) {
        return refuse(code::not_found, "no port " + trial.port);
    }
    const PolicySet* const set = box_.policies.current().get();
    Json rows = Json::array();
    routing::PolicyMask matched = 0;
    std::vector<std::uint32_t> rules;
    for (const auto direction : {PolicyDirection::in, PolicyDirection::out}) {
        if (set == nullptr) {
            break;
        }
        if (!set->matching_rules(direction, trial.payload, rules)) {
            return refuse(code::failed, "Hyperscan failed");
        }
        for (const std::uint32_t rule : rules) {
            const std::size_t rank = set->policy_of(rule);
            const Policy& policy = set->policies()[rank];
            const routing::PolicyRule& found = policy.rules[rule - set->first_rule(rank)];
            matched |= routing::PolicyMask{1} << rank;
            rows.push_back({{"direction", name_of(direction)},
                            {"policy", policy.name},
                            {"action", name_of(policy.action)},
                            {"priority", policy.priority},
                            {"ports", port_names_of(policy, box_.config)},
                            {"capability", capability_of(policy)},
                            {"rule", found.expression.text},
                            {"where", found.where}});
        }
    }
    return Json{{"matches", rows},
                {"bytes", trial.payload.size()},
                {"decides", decisions(set, ports, trial, matched)}};
}

}  // namespace posthaste::controlplane
