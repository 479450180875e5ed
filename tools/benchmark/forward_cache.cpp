// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/forward_cache.h"

#include <array>
#include <cstdio>

#include "routing/route_cache.h"

namespace posthaste::tools {

namespace {

constexpr double kDearest = 1.05;  // to without: a cache need not pay, and may not cost

void add_state(Report& report,
               const std::string& key,
               const std::string& whose,
               const routing::LookupCounters& lookups) {
    const std::uint64_t all = lookups.lookups.read();
    const std::uint64_t hits = lookups.hit_positive.read() + lookups.hit_negative.read();
    const bool on = lookups.cache_on.read() != 0;
    const std::uint64_t turns = lookups.cache_turns.read();
    report.more["caches"][key] = {{"on", on}, {"turns", turns}, {"lookups", all}, {"hits", hits}};
    std::array<char, 160> text;
    std::snprintf(text.data(),
                  text.size(),
                  "route cache %s: %s at the end, switched %llu times, answered %.1f %% of all",
                  whose.c_str(),
                  on ? "on" : "off",
                  static_cast<unsigned long long>(turns),
                  100 * static_cast<double>(hits) / static_cast<double>(all));
    report.notes.emplace_back(text.data());
}

}  // namespace

void add_cache(Report& report, const ForwardOptions& options, const Rig& rig) {
    report.ratios.push_back({"cached_to_router",
                             "with the route cache to without, ns per frame",
                             median_ratio(*report.row("cached"), *report.row("router")),
                             kDearest,
                             true});
    report.ratios.push_back(
        {"cached_to_router_by_hash",
         "the same of the routers by rte_hash",
         median_ratio(*report.row("cached_by_hash"), *report.row("router_by_hash")),
         kDearest,
         true});
    report.more["caches"]["room"] = cache_lines_for(options.cache) * routing::RouteCache::kPositive;
    add_state(report, "table", "of the whole router", rig.cached().lookups());
    add_state(report, "hash", "of that by rte_hash", rig.cached_by_hash().lookups());
}

}  // namespace posthaste::tools
