// SPDX-License-Identifier: BSD-3-Clause
// Times the contenders in turn: in each round every table in memory answers the stream for one
// repetition, so that all meet the same noise. EAL runs. One thread; churn adds one.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tools/benchmark/lookup_plan.h"

namespace posthaste::tools {

// Of one contender in one case: nanoseconds per lookup in each round, and the subject's of the
// same rounds.
struct LookupRow {
    Case what;
    std::string contender;
    std::vector<double> ns;
    std::vector<double> subject_ns;
};

// Of one contender while its routes change: nanoseconds per lookup, in turn with and without.
struct ChurnRow {
    Case what;
    std::string contender;
    std::vector<double> quiet_ns;
    std::vector<double> churn_ns;
    double changes_per_second = 0;   // that were made
    std::vector<double> visible_us;  // from before a change until a reader saw it
};

struct LookupFigures {
    std::vector<LookupRow> lookups;
    std::vector<ChurnRow> churn;
    std::uint64_t transparent_kib = 0;  // most memory in transparent hugepages at a time
};

// The first of `kinds` is the subject. The error names the table that gave a wrong answer, or could
// not be built.
[[nodiscard]] tl::expected<LookupFigures, std::string> measure_lookups(
    const LookupOptions& options,
    const Kinds& kinds,
    const std::vector<Case>& cases,
    const Memory& free);

}  // namespace posthaste::tools
