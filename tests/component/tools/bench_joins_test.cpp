// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench joins as a process, with small numbers: what it prints and its exit status. That
// every joiner is seen, and a batch by one publication, it checks itself.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/bench_program.h"

namespace posthaste {
namespace {

using Json = nlohmann::json;
using test::Finished;

constexpr unsigned kAgents = 4'000;
constexpr unsigned kLarge = 400;

Finished tiny(const std::vector<std::string>& words) {
    return test::run_bench({"joins",
                            "--agents",
                            std::to_string(kAgents),
                            "--small",
                            "40",
                            "--large",
                            std::to_string(kLarge),
                            "--batch",
                            "10",
                            "--repeat",
                            "2"},
                           words);
}

TEST(bench_joins, prints_json_with_every_figure) {
    const Finished run = tiny({"--json"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    for (const std::string row : {"join_small", "join_large", "join_large_batch"}) {
        EXPECT_GT(report["rows"][row]["ns_per_join"].get<double>(), 0) << row;
        EXPECT_GT(report["visible_us"][row].get<double>(), 0) << row;
    }
    for (const std::string ratio :
         {"join_small_us", "join_small_visible_ms", "join_large_batch_us"}) {
        EXPECT_GT(report["ratios"][ratio]["value"].get<double>(), 0) << ratio;
    }
    // Nine draws of 100 names, and one of 90 and the large one's.
    EXPECT_EQ(report["capabilities"], 9 * 100 + 90 + 1);
    constexpr unsigned kTurns = 3;  // the first warms up
    EXPECT_EQ(report["offers"], 10 * kAgents + kTurns * (10 + 1 + 1 + 10));
    EXPECT_EQ(report["providers_of_large"], kLarge + kTurns * (1 + 1 + 10));
    EXPECT_GT(report["bytes"]["sets"].get<double>(), 100.0 * 10 * kAgents);
}

TEST(bench_joins, prints_a_table_for_people) {
    const Finished run = tiny({"--each", "1"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out.find("one joins 40 "), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("each of 10 that join 400"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("the longest of "), std::string::npos) << run.out;
}

TEST(bench_joins, refuses_what_it_cannot_do) {
    EXPECT_EQ(tiny({"--no-such-option"}).status, 2);
    EXPECT_EQ(test::run_bench({"joins", "--agents", "100", "--large", "99"}, {}).status, 1);
    EXPECT_EQ(tiny({"--help"}).status, 0);
}

}  // namespace
}  // namespace posthaste
