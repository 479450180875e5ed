// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookup_report.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {
namespace {

using routing::LookupCounters;

LookupSample sample_of(const LookupCounters& counters) {
    LookupSample sample;
    sample.add(counters);
    return sample;
}

TEST(lookup_report, every_counter_is_there_under_its_name) {
    LookupCounters counters;
    counters.cache_warmed.add(7);
    counters.discovery_dropped.add(3);
    const Json row = sample_of(counters).counters();
    EXPECT_EQ(row.size(), LookupSample::kCounters);
    EXPECT_EQ(row["cache_warmed"], 7);
    EXPECT_EQ(row["discovery_dropped"], 3);
    EXPECT_EQ(row["lookups"], 0);
}

TEST(lookup_report, hits_of_both_kinds_are_hits) {
    LookupCounters counters;
    counters.lookups.add(400);
    counters.batches.add(16);
    counters.hit_positive.add(101);
    counters.hit_negative.add(200);
    const Json row = lookup_row(sample_of(counters), 1'000'000'000);
    EXPECT_EQ(row["hit_percent"], 75.25);
    EXPECT_EQ(row["ids_per_batch"], 25.0);
}

TEST(lookup_report, nothing_looked_up_has_no_shares_and_no_times) {
    const Json row = lookup_row(LookupSample{}, 1'000'000'000);
    for (const char* key :
         {"hit_percent", "ids_per_batch", "p50_ns", "p90_ns", "p99_ns", "p999_ns"}) {
        EXPECT_TRUE(row[key].is_null()) << key;
    }
    for (const Json& outcome : outcome_rows(LookupSample{})) {
        EXPECT_TRUE(outcome["share_percent"].is_null());
    }
    EXPECT_EQ(batch_rows(LookupSample{}), Json::array());
}

TEST(lookup_report, percentiles_lie_in_the_bucket_of_their_sample) {
    LookupCounters counters;
    for (unsigned i = 0; i < 1'000; ++i) {
        // 40 cycles a lookup, a tenth 100, five in a thousand 1000: times 16
        counters.batch_cycles.add(16 * (i < 895 ? 40 : i < 995 ? 100 : 1'000));
    }
    const LookupSample sample = sample_of(counters);
    const auto within = [&sample](double share, double cycles) {
        const double at = sample.cycles_at(share).value_or(0);
        return at >= cycles / 2 && at <= 2 * cycles;
    };
    EXPECT_TRUE(within(0.5, 40));
    EXPECT_TRUE(within(0.9, 100));
    EXPECT_TRUE(within(0.99, 100));
    EXPECT_TRUE(within(0.999, 1'000));
    EXPECT_LE(*sample.cycles_at(0.5), *sample.cycles_at(0.9));
    const Json row = lookup_row(sample, 2'000'000'000);  // two cycles a nanosecond
    EXPECT_NEAR(row["p50_ns"].get<double>(), *sample.cycles_at(0.5) / 2, 0.01);
}

TEST(lookup_report, the_ends_of_the_histogram_are_times_as_well) {
    LookupCounters counters;
    counters.batch_cycles.add(0);
    EXPECT_LE(sample_of(counters).cycles_at(1.0).value_or(1), 1.0 / 16);
    LookupCounters slow;
    slow.batch_cycles.add(~std::uint64_t{0});
    EXPECT_GE(sample_of(slow).cycles_at(0.5).value_or(0), (1U << 18) / 16);
}

TEST(lookup_report, workers_add_up) {
    LookupCounters one;
    one.lookups.add(3);
    one.found.add(3);
    one.batch_sizes.add(3);
    LookupCounters other;
    other.lookups.add(1);
    other.unknown.add(1);
    other.batch_sizes.add(1);
    LookupSample both;
    both.add(one);
    both.add(other);
    EXPECT_EQ(both.of(&LookupCounters::lookups), 4U);
    EXPECT_EQ(outcome_rows(both)[2], Json::parse(R"({"outcome":"found","count":3,
                                                     "share_percent":75.0})"));
    const Json batches = batch_rows(both);
    ASSERT_EQ(batches.size(), 2U);
    EXPECT_EQ(batches[0]["ids"], "1");
    EXPECT_EQ(batches[1]["ids"], "2-3");
    EXPECT_EQ(batches[1]["share_percent"], 50.0);
}

TEST(lookup_report, the_largest_batches_are_one_row) {
    LookupCounters counters;
    counters.batch_sizes.add(0);
    counters.batch_sizes.add(64);
    counters.batch_sizes.add(1U << 20);
    const Json rows = batch_rows(sample_of(counters));
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0]["ids"], "0");
    EXPECT_EQ(rows[1]["ids"], "64-127");
    EXPECT_EQ(rows[2]["ids"], "16384 and more");
}

}  // namespace
}  // namespace posthaste::controlplane
