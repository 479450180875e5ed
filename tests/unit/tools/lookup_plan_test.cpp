// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/lookup_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tools = posthaste::tools;

namespace {

std::vector<tools::ContenderKind> kinds() {
    std::vector<tools::ContenderKind> made;
    for (const char* name : {"ours", "one", "two", "three"}) {
        made.push_back({.name = name, .heap_bytes_per_agent = 100, .dpdk_bytes_per_agent = 50});
    }
    return made;
}

std::vector<std::string> names(const tools::Kinds& chosen) {
    std::vector<std::string> all;
    for (const tools::ContenderKind* kind : chosen) {
        all.emplace_back(kind->name);
    }
    return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST(lookup_plan, by_default_tables_batches_and_churn_are_measured) {
    const auto cases = tools::cases_of({});
    EXPECT_EQ(cases.size(), 3U * 5 + 4 + 1);
    EXPECT_EQ(std::ranges::count(cases, tools::Case{"hits", 10'000'000, 64}), 1);
    EXPECT_EQ(std::ranges::count(cases, tools::Case{"hits", 100'000, 10'000}), 1);
    EXPECT_EQ(std::ranges::count(cases, tools::Case{"churn", 1'000'000, 64}), 1);
    EXPECT_TRUE(std::ranges::is_sorted(cases, {}, &tools::Case::agents));
}

TEST(lookup_plan, what_is_named_is_measured_in_every_combination) {
    tools::LookupOptions options;
    options.agents = {2'000, 1'000};
    options.streams = {"zipf", "churn"};
    EXPECT_EQ(
        tools::cases_of(options),
        (std::vector<tools::Case>{
            {"zipf", 1'000, 64}, {"churn", 1'000, 64}, {"zipf", 2'000, 64}, {"churn", 2'000, 64}}));
    options.agents = {};
    options.batches = {1, 7, 7};
    options.streams = {"misses"};
    EXPECT_EQ(tools::cases_of(options),
              (std::vector<tools::Case>{{"misses", 100'000, 1}, {"misses", 100'000, 7}}));
}

TEST(lookup_plan, the_subject_comes_first_whether_named_or_not) {
    const auto all = kinds();
    tools::LookupOptions options;
    EXPECT_EQ(names(tools::chosen_kinds(options, all)), (Names{"ours", "one", "two", "three"}));
    options.rivals = {"three", "two"};
    EXPECT_EQ(names(tools::chosen_kinds(options, all)), (Names{"ours", "two", "three"}));
    options.subject = "two";
    EXPECT_EQ(names(tools::chosen_kinds(options, all)), (Names{"two", "three"}));
}

TEST(lookup_plan, tables_that_fit_are_in_memory_together) {
    const auto all = kinds();
    const auto chosen = tools::chosen_kinds({}, all);
    EXPECT_EQ(tools::groups_of(chosen, 1'000'000, {1e9, 0}, false).size(), 1U);
    EXPECT_EQ(tools::groups_of(chosen, 1'000'000, {1e9, 1e9}, true).size(), 1U);
}

TEST(lookup_plan, tables_that_do_not_fit_meet_the_subject_one_after_the_other) {
    const auto all = kinds();
    const auto chosen = tools::chosen_kinds({}, all);
    const std::vector<Names> expected = {{"ours", "one", "two"}, {"ours", "three"}};
    for (const bool apart : {false, true}) {  // three tables of 150 MB; or of 50 MB of hugepages
        const tools::Memory free{apart ? 1e9 : 490e6, 170e6};
        std::vector<Names> groups;
        for (const auto& group : tools::groups_of(chosen, 1'000'000, free, apart)) {
            groups.push_back(names(group));
        }
        EXPECT_EQ(groups, expected) << apart;
    }
}

TEST(lookup_plan, a_rival_too_big_for_memory_is_tried_alone) {
    const auto all = kinds();
    const auto groups = tools::groups_of(tools::chosen_kinds({}, all), 1'000'000, {1, 1}, true);
    ASSERT_EQ(groups.size(), 3U);
    EXPECT_EQ(names(groups[2]), (Names{"ours", "three"}));
}

TEST(lookup_plan, a_table_that_is_shared_is_counted_once) {
    auto all = kinds();
    all[1].family = "ours";
    all[0].family = "ours";
    const auto chosen = tools::chosen_kinds({}, all);
    const auto groups = tools::groups_of(chosen, 1'000'000, {330e6, 0}, false);
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(names(groups[0]), (Names{"ours", "one", "two"}));
    EXPECT_EQ(names(groups[1]), (Names{"ours", "three"}));
}
