// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench hash as a process, with tiny numbers: what it prints and its exit status.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/bench_program.h"

namespace posthaste {
namespace {

using Json = nlohmann::json;
using test::Finished;

Finished tiny(const std::vector<std::string>& words) {
    return test::run_bench({"hash", "--seconds", "0.001", "--repeat", "2"}, words);
}

TEST(bench_hash, prints_json_with_rows_in_both_layouts_and_ratios) {
    const Finished run = tiny({"--json"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    for (const std::string layout : {"_addresses", "_row"}) {
        for (const std::string row : {"crc", "jhash", "siphash", "keyed", "keyed_scalar"}) {
            ASSERT_TRUE(report["rows"].contains(row + layout)) << row << layout;
            EXPECT_GT(report["rows"][row + layout]["ns_per_id"].get<double>(), 0) << row;
        }
        for (const std::string ratio : {"keyed_to_crc", "siphash_to_keyed"}) {
            ASSERT_TRUE(report["ratios"].contains(ratio + layout)) << ratio << layout;
            EXPECT_GT(report["ratios"][ratio + layout]["value"].get<double>(), 0) << ratio;
        }
    }
    EXPECT_EQ(report["options"]["repeat"], 2);
    EXPECT_FALSE(report["rows"].contains("lookup_colliding"));
}

TEST(bench_hash, counts_who_takes_ids_that_collide_by_crc) {
    const Finished run = tiny({"--json", "--crc-colliding"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    EXPECT_EQ(report["colliding_taken"]["router"], 10'000);
    EXPECT_EQ(report["colliding_taken"]["rte_hash"], 16);
    EXPECT_TRUE(report["rows"].contains("lookup_random"));
    EXPECT_TRUE(report["ratios"].contains("colliding_to_random"));
}

TEST(bench_hash, prints_a_table_for_people) {
    const Finished run = tiny({});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out.find("rte_hash_crc, by addresses"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("goal: at most 1.20"), std::string::npos) << run.out;
}

TEST(bench_hash, refuses_what_it_does_not_know) {
    EXPECT_EQ(tiny({"--no-such-option"}).status, 2);
    EXPECT_EQ(tiny({"--repeat", "0"}).status, 2);
    EXPECT_EQ(tiny({"--help"}).status, 0);
}

}  // namespace
}  // namespace posthaste
