// SPDX-License-Identifier: BSD-3-Clause
// What the lookup benchmark measures, and which tables are in memory at once. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/benchmark/contender.h"

namespace posthaste::tools {

struct LookupOptions {
    std::vector<std::uint32_t> agents;  // empty: as the default groups have it
    std::vector<std::string> streams = {"hits", "zipf", "misses", "churn"};
    std::vector<unsigned> batches;    // empty: the same
    std::vector<std::string> rivals;  // empty: all
    std::string subject;              // empty: the first
    unsigned repeat = 7;
    double seconds = 0.2;
    unsigned core = 0;
    std::optional<unsigned> writer_core;  // none: one that is not `core`
    unsigned changes_per_second = 100'000;
    std::uint64_t seed = 1;
    bool hugepages = false;
    bool json = false;
    std::string save;  // a file for the JSON object; empty: none
};

// One stream of ids to a table of so many agents, asked in batches of so many.
struct Case {
    std::string stream;
    std::uint32_t agents = 0;
    unsigned batch = 0;

    friend bool operator==(const Case&, const Case&) = default;
};

// By number of agents, so that each table is built once. Neither agents nor batches named: tables
// of 1 k to 10 M with batches of 64, hits in batches of 10 to 10 k of 100 k agents, churn in one
// of 1 M. Either named: every combination, with 100 k agents or batches of 64 for the other.
[[nodiscard]] std::vector<Case> cases_of(const LookupOptions& options);

using Kinds = std::vector<const ContenderKind*>;

// The subject first, then the rivals chosen, each once. Names are of `all`, which is not empty.
[[nodiscard]] Kinds chosen_kinds(const LookupOptions& options,
                                 const std::vector<ContenderKind>& all);

struct Memory {
    double heap_bytes = 0;
    double dpdk_bytes = 0;
};

// What these take together with so many agents, roughly and at most.
[[nodiscard]] Memory memory_of(const Kinds& kinds, std::uint32_t agents);

// The kinds in groups that fit into memory, each with the subject, which is the first of `kinds`.
// `apart`: EAL's memory is reserved hugepages, otherwise both come from `free.heap_bytes`.
[[nodiscard]] std::vector<Kinds> groups_of(const Kinds& kinds,
                                           std::uint32_t agents,
                                           const Memory& free,
                                           bool apart);

}  // namespace posthaste::tools
