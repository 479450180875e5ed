// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench capability as a process, with tiny numbers: what it prints and its exit status.
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
    return test::run_bench({"capability",
                            "--agents",
                            "10,50",
                            "--providers",
                            "100",
                            "--seconds",
                            "0.0001",
                            "--repeat",
                            "2"},
                           words);
}

TEST(bench_capability, prints_json_with_every_strategy_and_its_rival) {
    const Finished run = tiny({"--json"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    for (const std::string size : {"_of_10", "_of_50"}) {
        for (const std::string strategy : {"sticky", "priority", "weighted", "least-loaded"}) {
            for (const std::string& row : {strategy + size, strategy + "_new" + size}) {
                ASSERT_TRUE(report["rows"].contains(row)) << row;
                EXPECT_GT(report["rows"][row]["ns_per_decision"].get<double>(), 0) << row;
            }
            EXPECT_GT(report["ratios"]["copy_to_" + strategy + size]["value"].get<double>(), 0);
        }
        EXPECT_TRUE(report["rows"].contains("sticky_single" + size));
        EXPECT_TRUE(report["rows"].contains("copy" + size));
    }
    EXPECT_GT(report["ratios"]["growth_sticky"]["value"].get<double>(), 0);
    EXPECT_GT(report["joins"]["50"]["us"].get<double>(), 0);
    EXPECT_EQ(report["options"]["providers"], 100);
}

TEST(bench_capability, prints_a_table_for_people) {
    const Finished run = tiny({});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out.find("sticky, one by one, 50"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("one provider joins 10: "), std::string::npos) << run.out;
}

TEST(bench_capability, forgets_conversations_where_there_is_no_room_and_chooses_right) {
    const Finished run = tiny({"--remembered", "8", "--conversations", "1000"});
    EXPECT_EQ(run.status, 0) << run.err;
}

TEST(bench_capability, refuses_what_it_does_not_know) {
    EXPECT_EQ(tiny({"--no-such-option"}).status, 2);
    EXPECT_EQ(tiny({"--agents", "1"}).status, 2);
    EXPECT_EQ(tiny({"--help"}).status, 0);
}

}  // namespace
}  // namespace posthaste
