// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench forward as a process, with tiny numbers: what it prints and its exit status.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/bench_program.h"

namespace posthaste {
namespace {

using Json = nlohmann::json;
using test::Finished;

Finished bench(const std::vector<std::string>& words) {
    return test::run_bench({"forward"}, words);
}

Finished tiny(std::vector<std::string> words) {
    const std::vector<std::string> small = {
        "--agents", "1000", "--seconds", "0.01", "--repeat", "1", "--testpmd", "off"};
    words.insert(words.begin(), small.begin(), small.end());
    return bench(words);
}

// The figures of a run that must succeed.
Json figures(std::vector<std::string> words) {
    words.emplace_back("--json");
    const Finished run = tiny(std::move(words));
    if (run.status != 0) {
        throw std::runtime_error(run.err);
    }
    return Json::parse(run.out);
}

Json figures_to_any(std::vector<std::string> words) {
    const std::vector<std::string> any = {
        "--address", "any", "--capabilities", "20", "--providers", "30"};
    words.insert(words.begin(), any.begin(), any.end());
    return figures(std::move(words));
}

TEST(bench_forward, prints_json_with_rows_ratios_options_and_machine) {
    const Json report = figures({});
    for (const char* const row : {"router", "router_by_hash", "pipeline", "io", "generator"}) {
        ASSERT_TRUE(report["rows"].contains(row)) << row;
        EXPECT_GT(report["rows"][row]["ns_per_frame"].get<double>(), 0) << row;
        EXPECT_GT(report["rows"][row]["mframes_per_s"].get<double>(), 0) << row;
    }
    for (const char* const ratio : {"router_to_pipeline", "rate_to_hash", "rate_to_hardware"}) {
        ASSERT_TRUE(report["ratios"].contains(ratio)) << ratio;
        EXPECT_GT(report["ratios"][ratio]["value"].get<double>(), 0) << ratio;
        EXPECT_TRUE(report["ratios"][ratio]["reached"].is_boolean());
    }
    EXPECT_EQ(report["options"]["agents"], 1'000);
    EXPECT_GT(report["machine"]["processors"].get<int>(), 0);
    EXPECT_EQ(report["frames"]["received"], report["frames"]["sent"]);
    EXPECT_TRUE(report["dropped"].empty());
    EXPECT_TRUE(report["stages_ns"].contains("lookup"));
}

TEST(bench_forward, counts_what_was_malformed_or_unknown) {
    const Json report = figures({"--malformed", "8", "--unknown", "4"});
    std::uint64_t dropped = 0;
    for (const char* const why :
         {"bad_magic", "bad_checksum", "bad_agent_id", "bad_version", "unknown_agent"}) {
        ASSERT_TRUE(report["dropped"].contains(why)) << why;
        dropped += report["dropped"][why].get<std::uint64_t>();
    }
    EXPECT_EQ(report["frames"]["dropped"], dropped);
    EXPECT_EQ(report["frames"]["received"].get<std::uint64_t>(),
              report["frames"]["sent"].get<std::uint64_t>() + dropped);
}

// That nothing was dropped, and every mbuf is back, the program checks before it ends with 0.
TEST(bench_forward, delivers_frames_to_names_offered_and_to_names_that_patterns_matched) {
    const Json report = figures_to_any({});
    for (const char* const row : {"capability",
                                  "capability_anew",
                                  "capability_matched",
                                  "capability_said",
                                  "capability_matched_said"}) {
        ASSERT_TRUE(report["rows"].contains(row)) << row;
    }
    for (const char* const ratio : {"rate_to_agents",
                                    "new_conversations_to_agents",
                                    "matched_to_offered",
                                    "matched_to_offered_said"}) {
        ASSERT_TRUE(report["ratios"].contains(ratio)) << ratio;
        EXPECT_GT(report["ratios"][ratio]["value"].get<double>(), 0) << ratio;
    }
    EXPECT_GT(report["matched_said_to_offered"].get<double>(), 0);
    ASSERT_EQ(report["capability_frames"].size(), 5U);
    for (const auto& [naming, frames] : report["capability_frames"].items()) {
        EXPECT_GT(frames["received"].get<std::uint64_t>(), 0U) << naming;
        EXPECT_EQ(frames["sent"], frames["received"]) << naming;
        EXPECT_EQ(frames["punted"], 0) << naming;
    }
}

// That they are dropped as unknown, and nothing else is, the program checks as well.
TEST(bench_forward, some_frames_may_go_to_capabilities_that_nobody_has) {
    // Named: items() of a temporary would outlive it (C++20 extends only the range itself).
    const Json report = figures_to_any({"--unknown", "20"});
    ASSERT_EQ(report["capability_frames"].size(), 5U);
    for (const auto& [naming, frames] : report["capability_frames"].items()) {
        EXPECT_GT(frames["dropped"].get<std::uint64_t>(), 0U) << naming;
        EXPECT_GT(frames["sent"].get<std::uint64_t>(), frames["dropped"].get<std::uint64_t>());
        EXPECT_EQ(frames["punted"], 0) << naming;
    }
}

TEST(bench_forward, has_no_matched_names_beside_frames_to_all) {
    const Finished run = tiny({"--address", "all", "--capabilities", "20", "--providers", "4"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out.find("to all, per copy"), std::string::npos) << run.out;
    EXPECT_EQ(run.out.find("matched"), std::string::npos) << run.out;
}

TEST(bench_forward, changes_routes_beside) {
    // Long enough that the writer gets a processor on a busy machine.
    const Finished run = bench({"--agents",
                                "1000",
                                "--seconds",
                                "0.5",
                                "--repeat",
                                "1",
                                "--testpmd",
                                "off",
                                "--json",
                                "--churn",
                                "20000",
                                "--stream",
                                "zipf"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    EXPECT_TRUE(report["rows"].contains("churn"));
    EXPECT_TRUE(report["ratios"].contains("churn_to_router"));
    EXPECT_GT(report["churn_per_s"].get<double>(), 0);
}

// Room for a quarter of the agents: whatever the switch says, its trials filled it.
TEST(bench_forward, measures_the_router_with_a_route_cache_beside) {
    const Json report = figures({"--cache", "250"});
    EXPECT_EQ(report["options"]["cache_agents"], 250);
    EXPECT_EQ(report["caches"]["room"], 256);
    for (const char* const row : {"cached", "cached_by_hash"}) {
        ASSERT_TRUE(report["rows"].contains(row)) << row;
        EXPECT_GT(report["rows"][row]["ns_per_frame"].get<double>(), 0) << row;
    }
    for (const char* const ratio : {"cached_to_router", "cached_to_router_by_hash"}) {
        EXPECT_EQ(report["ratios"][ratio]["goal"], 1.05) << ratio;
    }
    for (const char* const whose : {"table", "hash"}) {
        const Json& cache = report["caches"][whose];
        EXPECT_TRUE(cache["on"].is_boolean());
        EXPECT_GT(cache["hits"].get<std::uint64_t>(), 0U) << whose;
        EXPECT_LT(cache["hits"].get<std::uint64_t>(), cache["lookups"].get<std::uint64_t>());
    }
    EXPECT_FALSE(figures({})["rows"].contains("cached"));
}

TEST(bench_forward, prints_a_table_for_people) {
    const Finished run = tiny({"--ingress", "fabric", "--checksum", "off", "--payload", "100"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out.find("whole router"), std::string::npos) << run.out;
    EXPECT_NE(run.out.find("goal: at most 1.60"), std::string::npos) << run.out;
    EXPECT_NE(run.err.find("repetition 1 of 1"), std::string::npos) << run.err;
}

TEST(bench_forward, leaves_testpmd_out_where_there_is_none) {
    const Finished run = bench({"--agents",
                                "1000",
                                "--seconds",
                                "0.01",
                                "--repeat",
                                "1",
                                "--testpmd",
                                "no-such-testpmd",
                                "--json"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    EXPECT_FALSE(report["rows"].contains("testpmd_io"));
    EXPECT_NE(report["notes"].dump().find("no no-such-testpmd here"), std::string::npos);
}

// With what the machine has: one repetition, which runs each mode once.
TEST(bench_forward, measures_testpmd_beside_where_there_is_one) {
    const Finished run = bench({"--agents", "1000", "--seconds", "0.2", "--repeat", "1", "--json"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    if (report["notes"].dump().find("no dpdk-testpmd here") != std::string::npos) {
        EXPECT_FALSE(report["rows"].contains("testpmd_io"));
        GTEST_SKIP() << "needs dpdk-testpmd (Debian: dpdk-dev)";
    }
    for (const char* const row :
         {"testpmd_io", "testpmd_macswap", "testpmd_5tswap", "testpmd_csum"}) {
        ASSERT_TRUE(report["rows"].contains(row)) << row;
        EXPECT_GT(report["rows"][row]["mframes_per_s"].get<double>(), 0) << row;
    }
    EXPECT_GT(report["ratios"]["rate_to_csum"]["value"].get<double>(), 0);
}

TEST(bench_forward, refuses_what_it_does_not_know) {
    EXPECT_EQ(tiny({"--stream", "random"}).status, 2);
    EXPECT_EQ(tiny({"--malformed", "101"}).status, 2);
    EXPECT_EQ(bench({"--no-such-option"}).status, 2);
    EXPECT_EQ(bench({"--help"}).status, 0);
}

}  // namespace
}  // namespace posthaste
