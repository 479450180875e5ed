// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench policy as a process, with tiny numbers: what it prints and its exit status. It
// fails by itself where the router, Hyperscan and PCRE2 do not find the same rules.
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
    return test::run_bench({"policy", "--seconds", "0.001", "--repeat", "2", "--payload", "200"},
                           words);
}

TEST(bench_policy, prints_json_with_rows_for_each_number_of_rules) {
    const Finished run = tiny({"--json", "--rules", "3,70"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    for (const std::string count : {"3", "70"}) {
        for (const std::string row : {"ours_", "hyperscan_", "pcre2_", "std_", "slow_"}) {
            ASSERT_TRUE(report["rows"].contains(row + count)) << row << count;
            EXPECT_GT(report["rows"][row + count]["ns_per_payload"].get<double>(), 0) << row;
        }
        EXPECT_GT(report["bytes_per_cycle"][count]["ours"].get<double>(), 0);
    }
    EXPECT_EQ(report["options"]["payload"], 200);
    EXPECT_TRUE(report["ratios"].empty());
}

TEST(bench_policy, has_a_goal_where_rules_are_many) {
    const Finished run = tiny({"--rules", "1000"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out.find("goal: at most 1.10"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("bytes per cycle"), std::string::npos) << run.out;
}

TEST(bench_policy, refuses_what_it_does_not_know) {
    EXPECT_EQ(tiny({"--rules", "0"}).status, 2);
    EXPECT_EQ(tiny({"--payload", "9001"}).status, 2);
    EXPECT_EQ(tiny({"--help"}).status, 0);
}

}  // namespace
}  // namespace posthaste
