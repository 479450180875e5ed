// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench forward --latency and --search, with tiny numbers, on whatever machine.
#include <gtest/gtest.h>
#include <sched.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/bench_program.h"

namespace posthaste {
namespace {

using Json = nlohmann::json;
using test::Finished;

Finished tiny(const std::vector<std::string>& words) {
    return test::run_bench(
        {"forward", "--agents", "1000", "--seconds", "0.05", "--repeat", "2", "--json"}, words);
}

bool one_processor() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) < 2;
}

class bench_paced : public testing::Test {
  protected:
    void SetUp() override {
        if (one_processor()) {
            GTEST_SKIP() << "needs two processors";
        }
    }
};

TEST_F(bench_paced, latency_has_quantiles_in_order_and_loses_no_count) {
    const Finished run =
        tiny({"--latency", "--rate", "100000", "--malformed", "4", "--unknown", "4"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    EXPECT_EQ(report["offered"], 10'000);
    EXPECT_LE(report["received"].get<int>() + report["lost"].get<int>(), 10'000);
    for (const char* const which : {"all", "not_stolen"}) {
        const Json& latency = report["latency_us"][which];
        double last = 0;
        for (const char* const quantile : {"p50", "p90", "p99", "p99_9", "p99_99", "max"}) {
            ASSERT_TRUE(latency.contains(quantile)) << which << quantile;
            EXPECT_GE(latency[quantile].get<double>(), last);
            last = latency[quantile].get<double>();
        }
    }
    EXPECT_EQ(report["latency_us"]["all"]["samples"], report["received"]);
    EXPECT_GT(report["latency_us"]["all"]["p50"].get<double>(), 0);
    EXPECT_LE(report["latency_us"]["not_stolen"]["samples"].get<int>(),
              report["received"].get<int>());
    EXPECT_TRUE(report["stolen"]["router"].contains("longest_us"));
    EXPECT_TRUE(report["stolen"]["generator"].contains("gaps"));
}

TEST_F(bench_paced, the_rate_may_be_a_share_of_what_the_router_takes) {
    const Finished run = tiny({"--latency", "--load", "0.1"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    EXPECT_NEAR(report["rate_per_s"].get<double>(), report["most_per_s"].get<double>() / 10, 1);
}

TEST_F(bench_paced, routes_change_meanwhile_where_that_was_asked_for) {
    const Finished run = tiny({"--latency", "--rate", "100000", "--churn", "20000"});
    ASSERT_EQ(run.status, 0) << run.err;
    const Json report = Json::parse(run.out);
    EXPECT_EQ(report["options"]["churn_per_s"], 20'000);
    EXPECT_GT(report["churn_per_s"].get<double>(), 10'000);
    EXPECT_LT(report["churn_per_s"].get<double>(), 21'000);
    EXPECT_FALSE(Json::parse(tiny({"--latency", "--rate", "100000"}).out).contains("churn_per_s"));
}

TEST_F(bench_paced, a_search_tells_a_rate_or_that_it_cannot) {
    const Finished run = tiny({"--search", "--loss", "1000", "--churn", "10000"});
    if (run.status != 0) {
        EXPECT_EQ(run.status, 1);
        EXPECT_TRUE(run.err.find("too much time is stolen") != std::string::npos ||
                    run.err.find("cannot offer that rate") != std::string::npos)
            << run.err;
        return;
    }
    const Json report = Json::parse(run.out);
    EXPECT_EQ(report["trials"].size(), 10U);
    EXPECT_LE(report["throughput_per_s"].get<double>(), report["most_per_s"].get<double>() * 1.1);
    for (const Json& trial : report["trials"]) {
        EXPECT_GT(trial["churn_per_s"].get<double>(), 0);
        EXPECT_EQ(trial["passed"].get<bool>(), trial["loss_ppm"].get<double>() <= 1'000);
        EXPECT_EQ(trial["passed"].get<bool>(),
                  trial["rate_per_s"].get<double>() <= report["throughput_per_s"].get<double>());
    }
    EXPECT_NE(run.err.find("trial 10 of 10"), std::string::npos) << run.err;
}

TEST(bench_options, one_way_at_a_time_and_each_its_own_options) {
    EXPECT_EQ(tiny({"--latency", "--search"}).status, 2);
    EXPECT_EQ(tiny({"--rate", "100"}).status, 2);
    EXPECT_EQ(tiny({"--loss", "100"}).status, 2);
    for (const char* const way : {"--latency", "--search"}) {
        const Finished run = tiny({way, "--address", "any"});
        EXPECT_EQ(run.status, 2);
        EXPECT_NE(run.err.find("--address"), std::string::npos) << run.err;
    }
    EXPECT_EQ(tiny({"--latency", "--core", "0", "--other-core", "0"}).status, 1);
}

}  // namespace
}  // namespace posthaste
