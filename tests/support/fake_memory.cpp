// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/fake_memory.h"

#include <array>

#include "controlplane/lookup_report.h"

namespace posthaste::test {

using controlplane::Json;

Json fake_memory() {
    return {{"routes",
             {{"used", 5},
              {"capacity", 100'000},
              {"full", false},
              {"times_full", 0},
              {"retired", 2},
              {"retired_max", 6'250},
              {"spilled", 0},
              {"rekeying", false}}},
            {"tables",
             {{{"table", "fib"},
               {"planned_bytes", 16'777'216},
               {"bytes", 16'760'000},
               {"error_percent", 0.1},
               {"used", 5},
               {"capacity", 100'000}},
              {{"table", "neighbours"},
               {"planned_bytes", nullptr},
               {"bytes", nullptr},
               {"error_percent", nullptr},
               {"used", 3},
               {"capacity", 1'024}}}},
            {"pools",
             {{{"pool", "frames"},
               {"planned_bytes", 19'922'944},
               {"bytes", 20'447'232},
               {"error_percent", -2.5},
               {"size", 8'191},
               {"in_use", 512},
               {"available", 7'679}}}},
            {"rings", {{{"ring", "injected"}, {"used", 3}, {"capacity", 1'022}}}},
            {"process",
             {{"resident_bytes", 73'400'320},
              {"eal_planned_bytes", 60'000'000},
              {"eal_bytes", 41'943'040},
              {"eal_total_bytes", 67'108'864},
              {"hugepages", false},
              {"heap_planned_bytes", 52'428'800},
              {"heap_allocated_bytes", 6'291'456},
              {"heap_resident_bytes", 9'437'184},
              {"capability_share_bytes", 0}}}};
}

Json fake_lookup(bool only_idle) {
    constexpr std::uint64_t kHz = 2'000'000'000;
    routing::LookupCounters busy;
    busy.lookups.add(1'000);
    busy.batches.add(20);
    busy.hit_positive.add(700);
    busy.hit_negative.add(50);
    busy.found.add(240);
    busy.unknown.add(10);
    busy.local.add(900);
    busy.remote.add(40);
    busy.cache_on.set(1);
    for (unsigned i = 0; i < 20; ++i) {
        busy.batch_sizes.add(i < 5 ? 1 : 64);
        busy.batch_cycles.add(i < 19 ? 600 : 5'000);
    }
    const routing::LookupCounters idle;
    controlplane::LookupSample all;
    Json workers = Json::array();
    const std::array<const routing::LookupCounters*, 2> both = {only_idle ? &idle : &busy, &idle};
    for (const routing::LookupCounters* const counters : both) {
        controlplane::LookupSample sample;
        sample.add(*counters);
        all.add(*counters);
        Json row = {{"worker", workers.size()},
                    {"lcore", workers.size() + 1},
                    {"cache", counters == &busy ? "on" : "off"},
                    {"cache_bytes", 1'048'576U}};
        row.update(controlplane::lookup_row(sample, kHz));
        workers.push_back(std::move(row));
    }
    return {{"table", true},
            {"stripes", 16'384},
            {"workers", std::move(workers)},
            {"all", controlplane::lookup_row(all, kHz)},
            {"outcomes", controlplane::outcome_rows(all)},
            {"batches", controlplane::batch_rows(all)}};
}

}  // namespace posthaste::test
