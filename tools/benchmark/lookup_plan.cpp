// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/lookup_plan.h"

#include <algorithm>

namespace posthaste::tools {

namespace {

constexpr unsigned kUsualBatch = 64;
constexpr std::uint32_t kUsualAgents = 100'000;
constexpr std::uint32_t kChurnAgents = 1'000'000;
constexpr double kFixedBytes = 4 << 20;  // of one table, however small

bool chosen(const LookupOptions& options, const std::string& stream) {
    return std::ranges::find(options.streams, stream) != options.streams.end();
}

std::vector<Case> default_cases(const LookupOptions& options) {
    std::vector<Case> cases;
    for (const std::uint32_t agents : {1'000U, 10'000U, 100'000U, 1'000'000U, 10'000'000U}) {
        for (const char* stream : {"hits", "zipf", "misses"}) {
            if (chosen(options, stream)) {
                cases.push_back({stream, agents, kUsualBatch});
            }
        }
        if (agents == kUsualAgents && chosen(options, "hits")) {
            for (const unsigned batch : {10U, 100U, 1'000U, 10'000U}) {
                cases.push_back({"hits", agents, batch});
            }
        }
        if (agents == kChurnAgents && chosen(options, "churn")) {
            cases.push_back({"churn", agents, kUsualBatch});
        }
    }
    return cases;
}

}  // namespace

std::vector<Case> cases_of(const LookupOptions& options) {
    if (options.agents.empty() && options.batches.empty()) {
        return default_cases(options);
    }
    const auto agent_counts =
        options.agents.empty() ? std::vector<std::uint32_t>{kUsualAgents} : options.agents;
    const auto batches =
        options.batches.empty() ? std::vector<unsigned>{kUsualBatch} : options.batches;
    std::vector<Case> cases;
    for (const std::uint32_t agents : agent_counts) {
        for (const std::string& stream : options.streams) {
            for (const unsigned batch : batches) {
                const Case next{stream, agents, batch};
                if (std::ranges::find(cases, next) == cases.end()) {
                    cases.push_back(next);
                }
            }
        }
    }
    std::ranges::stable_sort(cases, {}, &Case::agents);
    return cases;
}

Kinds chosen_kinds(const LookupOptions& options, const std::vector<ContenderKind>& all) {
    const std::string subject =
        options.subject.empty() ? std::string(all.front().name) : options.subject;
    Kinds kinds;
    for (const ContenderKind& kind : all) {
        if (kind.name == subject) {
            kinds.insert(kinds.begin(), &kind);
        } else if (options.rivals.empty() ||
                   std::ranges::find(options.rivals, kind.name) != options.rivals.end()) {
            kinds.push_back(&kind);
        }
    }
    return kinds;
}

Memory memory_of(const Kinds& kinds, std::uint32_t agents) {
    Memory all;
    for (auto kind = kinds.begin(); kind != kinds.end(); ++kind) {
        const auto shares = [kind](const ContenderKind* other) {
            return !(*kind)->family.empty() && other->family == (*kind)->family;
        };
        if (std::find_if(kinds.begin(), kind, shares) == kind) {
            all.heap_bytes += kFixedBytes + (*kind)->heap_bytes_per_agent * agents;
            all.dpdk_bytes += kFixedBytes + (*kind)->dpdk_bytes_per_agent * agents;
        }
    }
    return all;
}

std::vector<Kinds> groups_of(const Kinds& kinds,
                             std::uint32_t agents,
                             const Memory& free,
                             bool apart) {
    const auto fits = [&](const Kinds& group) {
        const Memory used = memory_of(group, agents);
        return apart ? used.heap_bytes <= free.heap_bytes && used.dpdk_bytes <= free.dpdk_bytes
                     : used.heap_bytes + used.dpdk_bytes <= free.heap_bytes;
    };
    std::vector<Kinds> groups = {{kinds.front()}};
    for (std::size_t i = 1; i < kinds.size(); ++i) {
        groups.back().push_back(kinds[i]);
        if (groups.back().size() > 2 && !fits(groups.back())) {
            groups.back().pop_back();
            groups.push_back({kinds.front(), kinds[i]});
        }
    }
    return groups;
}

}  // namespace posthaste::tools
