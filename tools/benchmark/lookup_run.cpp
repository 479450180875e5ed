// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/lookup_run.h"

#include <algorithm>
#include <cstdio>

#include "tools/benchmark/lookup_churn.h"
#include "tools/benchmark/lookup_time.h"
#include "tools/benchmark/pages.h"

namespace posthaste::tools {

namespace {

constexpr std::uint32_t kChecksMax = 1'000'000;

struct Built {
    const ContenderKind* kind;
    std::unique_ptr<Contender> table;
};

using Outcome = tl::expected<void, std::string>;

// Before anything is timed: agents are where they belong, strangers are not.
Outcome check(const Built& built, std::uint32_t agents) {
    if (!built.kind->answers) {
        return {};
    }
    const std::uint32_t step = std::max(agents / kChecksMax, 1U);
    for (std::uint32_t number = 0; number < agents; number += step) {
        if (built.table->find(member_id(number)) != std::uint64_t{number} ||
            built.table->find(stranger_id(number)).has_value()) {
            return tl::unexpected(wrong_answer(*built.kind, agents));
        }
    }
    return {};
}

tl::expected<std::vector<Built>, std::string> build(const Kinds& kinds, std::uint32_t agents) {
    std::vector<Built> built;
    for (const ContenderKind* kind : kinds) {
        std::fprintf(stderr,
                     "lookup: %u agents: building %.*s\n",
                     agents,
                     static_cast<int>(kind->name.size()),
                     kind->name.data());
        auto table = kind->make({.agents = agents, .changing = false});
        if (!table.has_value()) {
            return tl::unexpected(std::string(kind->name) + ": " + table.error());
        }
        built.push_back({kind, std::move(*table)});
        built.back().table->start_reading();
        if (auto checked = check(built.back(), agents); !checked.has_value()) {
            return tl::unexpected(checked.error());
        }
    }
    return built;
}

tl::expected<std::vector<LookupRow>, std::string> measure_case(const LookupOptions& options,
                                                               const Case& what,
                                                               std::vector<Built>& built) {
    KeyStream stream(stream_kind(what.stream), what.agents, options.seed);
    std::vector<LookupRow> rows;
    for (const Built& each : built) {
        rows.push_back({what, std::string(each.kind->name), {}, {}});
    }
    for (unsigned round = 0; round < options.repeat; ++round) {
        std::fprintf(stderr,
                     "lookup: %u agents, %s, batches of %u: round %u of %u\n",
                     what.agents,
                     what.stream.c_str(),
                     what.batch,
                     round + 1,
                     options.repeat);
        for (std::size_t i = 0; i < built.size(); ++i) {
            const auto right = [&](const KeyStream::Slice& slice, const Answers& answers) {
                return !built[i].kind->answers || answers == slice.expected;
            };
            const auto ns =
                timed_lookups(*built[i].table, stream, what.batch, options.seconds, right);
            if (!ns.has_value()) {
                return tl::unexpected(wrong_answer(*built[i].kind, what.agents));
            }
            rows[i].ns.push_back(*ns);
        }
    }
    for (LookupRow& row : rows) {
        row.subject_ns = rows.front().ns;
    }
    return rows;
}

// The subject's row of a further group is measured for its neighbours' ratios only.
void append(std::vector<LookupRow>& all, std::vector<LookupRow>& rows, bool first_group) {
    all.insert(all.end(),
               std::make_move_iterator(rows.begin() + (first_group ? 0 : 1)),
               std::make_move_iterator(rows.end()));
}

Outcome measure_tables(const LookupOptions& options,
                       const std::vector<Case>& cases,
                       const std::vector<Kinds>& groups,
                       LookupFigures& figures) {
    for (std::size_t group = 0; group < groups.size(); ++group) {
        auto built = build(groups[group], cases.front().agents);
        if (!built.has_value()) {
            return tl::unexpected(built.error());
        }
        figures.transparent_kib = std::max(figures.transparent_kib, pages_now().mine_kib);
        for (const Case& what : cases) {
            auto rows = measure_case(options, what, *built);
            if (!rows.has_value()) {
                return tl::unexpected(rows.error());
            }
            append(figures.lookups, *rows, group == 0);
        }
        for (const Built& each : *built) {
            each.table->stop_reading();
        }
    }
    // By case, in the contenders' order within it.
    const auto place = [&cases](const LookupRow& row) {
        return std::ranges::find(cases, row.what) - cases.begin();
    };
    const auto of_these = std::ranges::find(figures.lookups,
                                            cases.front().agents,
                                            [](const LookupRow& row) { return row.what.agents; });
    std::ranges::stable_sort(of_these, figures.lookups.end(), {}, place);
    return {};
}

}  // namespace

tl::expected<LookupFigures, std::string> measure_lookups(const LookupOptions& options,
                                                         const Kinds& kinds,
                                                         const std::vector<Case>& cases,
                                                         const Memory& free) {
    LookupFigures figures;
    for (auto first = cases.begin(); first != cases.end();) {
        const auto last = std::find_if(
            first, cases.end(), [&](const Case& what) { return what.agents != first->agents; });
        std::vector<Case> quiet;
        std::copy_if(first, last, std::back_inserter(quiet), [](const Case& what) {
            return what.stream != "churn";
        });
        if (!quiet.empty()) {
            const auto groups = groups_of(kinds, first->agents, free, options.hugepages);
            if (auto done = measure_tables(options, quiet, groups, figures); !done.has_value()) {
                return tl::unexpected(done.error());
            }
        }
        for (; first != last; ++first) {
            for (const ContenderKind* kind : kinds) {
                if (first->stream != "churn" || !kind->concurrent) {
                    continue;
                }
                auto row = measure_churn(options, *first, *kind);
                if (!row.has_value()) {
                    return tl::unexpected(row.error());
                }
                figures.churn.push_back(std::move(*row));
            }
        }
    }
    return figures;
}

}  // namespace posthaste::tools
