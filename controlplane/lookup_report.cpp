// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookup_report.h"

#include <numeric>
#include <string>

namespace posthaste::controlplane {

namespace {

using routing::Counter;
using routing::LookupCounters;

struct Named {
    const char* name;
    Counter LookupCounters::*cell;
};

constexpr std::array<Named, LookupSample::kCounters> kNamed = {{
    {"lookups", &LookupCounters::lookups},
    {"batches", &LookupCounters::batches},
    {"hit_positive", &LookupCounters::hit_positive},
    {"hit_negative", &LookupCounters::hit_negative},
    {"found", &LookupCounters::found},
    {"unknown", &LookupCounters::unknown},
    {"local", &LookupCounters::local},
    {"remote", &LookupCounters::remote},
    {"stale", &LookupCounters::stale},
    {"discovery_wanted", &LookupCounters::discovery_wanted},
    {"discovery_dropped", &LookupCounters::discovery_dropped},
    {"misrouted", &LookupCounters::misrouted},
    {"misrouted_told", &LookupCounters::misrouted_told},
    {"misrouted_repeated", &LookupCounters::misrouted_repeated},
    {"misrouted_limited", &LookupCounters::misrouted_limited},
    {"misrouted_dropped", &LookupCounters::misrouted_dropped},
    {"cache_inserted_positive", &LookupCounters::cache_inserted_positive},
    {"cache_inserted_negative", &LookupCounters::cache_inserted_negative},
    {"cache_replaced", &LookupCounters::cache_replaced},
    {"cache_invalidated", &LookupCounters::cache_invalidated},
    {"cache_expired", &LookupCounters::cache_expired},
    {"cache_cleared", &LookupCounters::cache_cleared},
    {"cache_warmed", &LookupCounters::cache_warmed},
    {"cache_on", &LookupCounters::cache_on},
    {"cache_turns", &LookupCounters::cache_turns},
}};

// A counter that is not in the list would never be seen.
static_assert(sizeof(LookupCounters) ==
              sizeof(Counter) *
                  (LookupSample::kCounters + LookupSample::kSizes + LookupSample::kCycles));

// batch_cycles counts sixteenths of a cycle.
constexpr double kSixteenth = 1.0 / 16;

double rounded(double value) {
    return static_cast<double>(static_cast<std::int64_t>(value * 100 + 0.5)) / 100;
}

Json nanoseconds(const LookupSample& sample, double share, std::uint64_t cycles_per_second) {
    const auto cycles = sample.cycles_at(share);
    if (!cycles || cycles_per_second == 0) {
        return nullptr;
    }
    return rounded(*cycles * 1e9 / static_cast<double>(cycles_per_second));
}

std::string range_text(std::size_t bucket) {
    if (bucket <= 1) {
        return std::to_string(bucket);
    }
    const std::uint64_t first = std::uint64_t{1} << (bucket - 1);
    return bucket + 1 == LookupSample::kSizes
               ? std::to_string(first) + " and more"
               : std::to_string(first) + "-" + std::to_string(2 * first - 1);
}

}  // namespace

void LookupSample::add(const LookupCounters& counters) noexcept {
    for (std::size_t i = 0; i < kCounters; ++i) {
        counters_[i] += (counters.*kNamed[i].cell).read();
    }
    for (std::size_t i = 0; i < kSizes; ++i) {
        sizes_[i] += counters.batch_sizes.bucket[i].read();
    }
    for (std::size_t i = 0; i < kCycles; ++i) {
        cycles_[i] += counters.batch_cycles.bucket[i].read();
    }
}

std::uint64_t LookupSample::of(Counter LookupCounters::*which) const noexcept {
    for (std::size_t i = 0; i < kCounters; ++i) {
        if (kNamed[i].cell == which) {
            return counters_[i];
        }
    }
    return 0;
}

std::optional<double> LookupSample::cycles_at(double share) const noexcept {
    const auto all =
        static_cast<double>(std::accumulate(cycles_.begin(), cycles_.end(), std::uint64_t{0}));
    if (all == 0) {
        return std::nullopt;
    }
    double below = 0;
    std::size_t bucket = 0;
    while (bucket + 1 < kCycles && below + static_cast<double>(cycles_[bucket]) < share * all) {
        below += static_cast<double>(cycles_[bucket]);
        ++bucket;
    }
    // Bucket i holds 2^(i-1) to 2^i.
    const double first = bucket == 0 ? 0 : static_cast<double>(std::uint64_t{1} << (bucket - 1));
    const double end = static_cast<double>(std::uint64_t{1} << bucket);
    const auto here = static_cast<double>(cycles_[bucket]);
    const double part = here == 0 ? 0 : (share * all - below) / here;
    return (first + (end - first) * part) * kSixteenth;
}

Json LookupSample::counters() const {
    Json row = Json::object();
    for (std::size_t i = 0; i < kCounters; ++i) {
        row[kNamed[i].name] = counters_[i];
    }
    return row;
}

Json percent_of(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) {
        return nullptr;
    }
    return rounded(static_cast<double>(part) * 100 / static_cast<double>(whole));
}

Json lookup_row(const LookupSample& sample, std::uint64_t cycles_per_second) {
    const std::uint64_t lookups = sample.of(&LookupCounters::lookups);
    const std::uint64_t batches = sample.of(&LookupCounters::batches);
    const std::uint64_t hits =
        sample.of(&LookupCounters::hit_positive) + sample.of(&LookupCounters::hit_negative);
    Json row;
    row["hit_percent"] = percent_of(hits, lookups);
    row["ids_per_batch"] =
        batches == 0 ? Json(nullptr)
                     : Json(rounded(static_cast<double>(lookups) / static_cast<double>(batches)));
    row["p50_ns"] = nanoseconds(sample, 0.5, cycles_per_second);
    row["p90_ns"] = nanoseconds(sample, 0.9, cycles_per_second);
    row["p99_ns"] = nanoseconds(sample, 0.99, cycles_per_second);
    row["p999_ns"] = nanoseconds(sample, 0.999, cycles_per_second);
    row.update(sample.counters());
    return row;
}

Json outcome_rows(const LookupSample& sample) {
    const std::uint64_t lookups = sample.of(&LookupCounters::lookups);
    constexpr std::array<Named, 4> outcomes = {{
        {"hit positive", &LookupCounters::hit_positive},
        {"hit negative", &LookupCounters::hit_negative},
        {"found", &LookupCounters::found},
        {"unknown", &LookupCounters::unknown},
    }};
    Json rows = Json::array();
    for (const Named& outcome : outcomes) {
        const std::uint64_t count = sample.of(outcome.cell);
        rows.push_back({{"outcome", outcome.name},
                        {"count", count},
                        {"share_percent", percent_of(count, lookups)}});
    }
    return rows;
}

Json batch_rows(const LookupSample& sample) {
    const auto& sizes = sample.batch_sizes();
    const std::uint64_t batches = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    Json rows = Json::array();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (sizes[i] > 0) {
            rows.push_back({{"ids", range_text(i)},
                            {"calls", sizes[i]},
                            {"share_percent", percent_of(sizes[i], batches)}});
        }
    }
    return rows;
}

}  // namespace posthaste::controlplane
