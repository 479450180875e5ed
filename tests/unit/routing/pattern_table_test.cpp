// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_table.h"

#include <gtest/gtest.h>

#include <array>

using namespace posthaste::routing;

namespace {

using Numbers = std::vector<std::uint32_t>;

ReadPattern glob(std::string_view text) {
    return read_pattern(PatternKind::glob, text).value();
}

Numbers matches(PatternTable& table, std::string_view name) {
    std::array<std::uint32_t, kPatternMatchesMax> numbers{};
    const auto found = table.match(name, numbers);
    EXPECT_FALSE(found.overflow);
    return {numbers.begin(), numbers.begin() + found.count};
}

// Builds all there is to build; how many builds that took.
unsigned build_all(PatternTable& table) {
    unsigned builds = 0;
    while (auto build = table.next_build(1'000'000)) {
        EXPECT_LE(build->members.size(), PatternTable::kBuildPatternsMax);
        EXPECT_EQ(table.adopt(build_patterns(std::move(*build))).failure, "");
        ++builds;
    }
    return builds;
}

}  // namespace

TEST(pattern_table, a_pattern_matches_once_it_is_built_and_until_it_goes) {
    PatternTable table({});
    EXPECT_FALSE(table.next_due_ms().has_value());
    EXPECT_EQ(matches(table, "a/b"), Numbers{});
    table.add(7, glob("a/*"), 100);
    EXPECT_TRUE(table.contains(7));
    EXPECT_EQ(table.waiting(), 1U);
    EXPECT_EQ(matches(table, "a/b"), Numbers{});
    EXPECT_EQ(build_all(table), 1U);
    EXPECT_EQ(table.waiting(), 0U);
    EXPECT_EQ(matches(table, "a/b"), Numbers{7});
    EXPECT_TRUE(table.remove(7));
    EXPECT_FALSE(table.remove(7));
    EXPECT_EQ(matches(table, "a/b"), Numbers{});
    EXPECT_EQ(table.databases(), 0U);
    EXPECT_EQ(table.bytes(), 0U);
}

TEST(pattern_table, patterns_that_come_together_are_built_together) {
    PatternTable table({.coalesce_ms = 5});
    table.add(1, glob("a/*"), 100);
    EXPECT_EQ(table.next_due_ms(), 105U);
    EXPECT_FALSE(table.next_build(104).has_value());
    table.add(2, glob("b/*"), 104);
    auto build = table.next_build(105);
    ASSERT_TRUE(build.has_value());
    EXPECT_TRUE(build->adds());
    EXPECT_EQ(build->members.size(), 2U);
    EXPECT_FALSE(table.next_build(200).has_value()) << "one at a time";
    EXPECT_FALSE(table.next_due_ms().has_value());
    const auto adopted = table.adopt(build_patterns(std::move(*build)));
    EXPECT_EQ(adopted.added, (Numbers{1, 2}));
    EXPECT_TRUE(table.added_match(adopted, "b/x"));
    EXPECT_FALSE(table.added_match(adopted, "c/x"));
}

TEST(pattern_table, a_number_that_became_another_patterns_matches_as_that_one) {
    PatternTable table({});
    table.add(1, glob("a/*"), 0);
    table.add(2, glob("**/x"), 0);
    build_all(table);
    table.remove(1);
    table.add(1, glob("b/*"), 0);
    EXPECT_EQ(matches(table, "a/x"), Numbers{2});
    EXPECT_EQ(matches(table, "b/x"), Numbers{2}) << "not built yet";
    auto build = table.next_build(1'000);
    ASSERT_TRUE(build.has_value());
    PatternBuilt built = build_patterns(std::move(*build));
    table.remove(1);
    table.add(1, glob("c/*"), 0);  // while the other one was being built
    EXPECT_EQ(table.adopt(std::move(built)).added, Numbers{});
    EXPECT_EQ(matches(table, "b/x"), Numbers{2});
    EXPECT_EQ(table.waiting(), 1U);
    build_all(table);
    EXPECT_EQ(matches(table, "c/x"), (Numbers{1, 2}));
    EXPECT_EQ(matches(table, "b/x"), Numbers{2});
}

TEST(pattern_table, what_comes_during_a_build_is_built_after_it) {
    PatternTable table({});
    table.add(1, glob("a/*"), 0);
    auto build = table.next_build(1'000);
    table.add(2, glob("a/?"), 1'000);
    EXPECT_EQ(table.waiting(), 2U);
    table.adopt(build_patterns(std::move(*build)));
    EXPECT_EQ(matches(table, "a/b"), Numbers{1});
    EXPECT_EQ(table.next_due_ms(), 5U) << "it has waited enough";
    build_all(table);
    EXPECT_EQ(matches(table, "a/b"), (Numbers{1, 2}));
    EXPECT_EQ(table.databases(), 1U);
}

// The work, not the time: how often a pattern is compiled while 6 000 come one after the other.
TEST(pattern_table, each_pattern_is_compiled_a_few_times_however_many_come) {
    PatternTable table({});
    std::size_t compiled = 0;
    std::size_t largest_with_new = 0;
    for (std::uint32_t number = 1; number <= 6'000; ++number) {
        table.add(number, glob("w" + std::to_string(number) + "/*"), number);
        if (number % 50 != 0) {
            continue;
        }
        while (auto build = table.next_build(number + 1'000)) {
            compiled += build->members.size();
            if (build->adds()) {
                largest_with_new = std::max(largest_with_new, build->members.size());
            }
            // One member says as much about the order of builds as all, and compiles faster.
            const std::string expression = *build->members[0].expression;
            const NumberedExpression one{0, expression};
            table.adopt({std::move(*build), PatternDatabase::compile({&one, 1}, 1U << 20)});
        }
        EXPECT_LE(table.databases(), 16U);
    }
    EXPECT_EQ(table.waiting(), 0U);
    EXPECT_LE(compiled, 12U * 6'000);
    EXPECT_LE(largest_with_new, PatternTable::kQuickPatternsMax);
}

TEST(pattern_table, a_merge_gets_rid_of_patterns_that_are_gone) {
    PatternTable table({});
    for (std::uint32_t number = 1; number <= 40; ++number) {
        table.add(number, glob("w" + std::to_string(number) + "/*"), 0);
    }
    build_all(table);
    for (std::uint32_t number = 1; number <= 35; ++number) {
        table.remove(number);
    }
    auto build = table.next_build(0);
    ASSERT_TRUE(build.has_value());
    EXPECT_FALSE(build->adds());
    EXPECT_EQ(build->members.size(), 5U);
    table.adopt(build_patterns(std::move(*build)));
    EXPECT_EQ(table.databases(), 1U);
    EXPECT_EQ(matches(table, "w36/x"), Numbers{36});
    EXPECT_EQ(matches(table, "w35/x"), Numbers{});
    EXPECT_EQ(build_all(table), 0U);
}

TEST(pattern_table, above_its_bytes_it_refuses_and_keeps_what_it_has) {
    PatternTable table({.bytes_max = 40'000});
    table.add(1, glob("a/*"), 0);
    build_all(table);
    std::uint32_t number = 2;
    while (!table.refuse(expected_bytes(glob("x" + std::to_string(number) + "/*")))) {
        table.add(number, glob("x" + std::to_string(number) + "/*"), 0);
        ASSERT_LT(++number, 100U);
    }
    EXPECT_EQ(*table.refuse(expected_bytes(glob("y/*"))),
              "the compiled patterns would take more than 40000 bytes");
    build_all(table);
    EXPECT_LE(table.bytes(), 40'000U);
    EXPECT_EQ(matches(table, "a/b"), Numbers{1});
    EXPECT_FALSE(table.refuse(expected_bytes(glob("y/*"))).has_value())
        << "built, they take less than expected";
}

TEST(pattern_table, one_that_cannot_be_built_harms_no_other) {
    PatternTable table({});
    table.add(1, glob("a/*"), 0);
    build_all(table);
    for (std::uint32_t number = 2; number <= 9; ++number) {
        ReadPattern pattern = glob("a/**");
        if (number == 5) {
            pattern.expression = "(x)\\1";
        }
        table.add(number, std::move(pattern), 0);
    }
    unsigned failures = 0;
    while (auto build = table.next_build(1'000)) {
        failures += table.adopt(build_patterns(std::move(*build))).failure.empty() ? 0 : 1;
        ASSERT_LT(failures, 5U);
    }
    EXPECT_EQ(failures, 1U);
    EXPECT_EQ(table.counts().failures, 1U);
    EXPECT_EQ(matches(table, "a/b"), (Numbers{1, 2, 3, 4, 6, 7, 8, 9}));
    EXPECT_EQ(table.waiting(), 0U);
    EXPECT_EQ(table.failed(), 1U);
    EXPECT_EQ(table.state(4), PatternState::ready);
    EXPECT_EQ(table.state(5), PatternState::failed);
    EXPECT_EQ(table.failure(4), "");
    EXPECT_NE(table.failure(5), "");
    table.remove(5);
    EXPECT_EQ(table.failed(), 0U);
    EXPECT_EQ(table.failure(5), "");
}

TEST(pattern_table, what_found_no_room_is_tried_again_once_there_is_more) {
    PatternTable table({.bytes_max = 0});
    table.add(1, glob("a/*"), 0);
    EXPECT_EQ(table.state(1), PatternState::waiting);
    table.adopt(build_patterns(*table.next_build(1'000)));
    EXPECT_EQ(table.state(1), PatternState::failed);
    table.set_options({.bytes_max = 0});
    EXPECT_EQ(table.state(1), PatternState::failed);
    table.set_options({});
    EXPECT_EQ(table.state(1), PatternState::waiting);
    build_all(table);
    EXPECT_EQ(matches(table, "a/b"), Numbers{1});
    EXPECT_EQ(table.failed(), 0U);
}

// 300 different patterns that match one name; who is gone takes nobody's place.
TEST(pattern_table, of_more_matches_than_may_be_the_first_numbers_count) {
    constexpr std::uint32_t kPatterns = 300;
    PatternTable table({});
    const std::string name = "abcdefghiz";
    for (std::uint32_t number = 1; number <= kPatterns; ++number) {
        std::string text = name;
        for (unsigned bit = 0; bit < 9; ++bit) {
            text[bit] = (number >> bit & 1U) != 0 ? '?' : text[bit];
        }
        table.add(number, glob(text), 0);
    }
    build_all(table);
    std::array<std::uint32_t, kPatternMatchesMax> numbers{};
    auto found = table.match(name, numbers);
    EXPECT_EQ(found.count, kPatternMatchesMax);
    EXPECT_TRUE(found.overflow);
    EXPECT_EQ(table.counts().overflows, 1U);
    for (std::uint32_t i = 0; i < kPatternMatchesMax; ++i) {
        ASSERT_EQ(numbers[i], i + 1);
    }
    for (std::uint32_t number = 1; number <= 100; ++number) {
        table.remove(number);
    }
    found = table.match(name, numbers);
    EXPECT_EQ(found.count, kPatterns - 100);
    EXPECT_FALSE(found.overflow);
    EXPECT_EQ(table.counts().overflows, 1U);
    EXPECT_EQ(numbers[0], 101U);
    EXPECT_EQ(numbers[kPatterns - 101], kPatterns);
}

TEST(pattern_table, what_found_no_room_is_tried_again_once_another_goes) {
    PatternTable table({});
    table.add(1, glob("a/*"), 0);
    build_all(table);
    const std::uint64_t one = table.bytes();
    table.set_options({.bytes_max = one + one / 2});
    table.add(2, glob("b/*/c/**/d"), 0);
    while (auto build = table.next_build(1'000)) {
        table.adopt(build_patterns(std::move(*build)));
    }
    EXPECT_EQ(matches(table, "a/b"), Numbers{1}) << "the old database stays";
    EXPECT_EQ(table.databases(), 1U);
    table.set_options({});
    table.add(3, glob("c/*"), 0);
    table.remove(3);
    build_all(table);
    EXPECT_EQ(matches(table, "b/x/c/d"), Numbers{});
    EXPECT_EQ(matches(table, "b/x/c/y/d"), Numbers{2});
}

class pattern_counts : public testing::TestWithParam<std::uint32_t> {};

TEST_P(pattern_counts, are_all_found) {
    PatternTable table({.bytes_max = 1U << 30});
    const std::uint32_t count = GetParam();
    for (std::uint32_t number = 1; number <= count; ++number) {
        const std::string word = "w" + std::to_string(number);
        table.add(number, glob(number % 9 != 0 ? word + "/*" : "**/" + word), 0);
    }
    EXPECT_GE(build_all(table), count / PatternTable::kBuildPatternsMax);
    EXPECT_EQ(table.waiting() + table.failed(), 0U);
    for (std::uint32_t number = 1; number <= count; number += 1 + count / 50) {
        const std::string word = "w" + std::to_string(number);
        EXPECT_EQ(matches(table, number % 9 != 0 ? word + "/x" : "x/" + word), Numbers{number});
    }
    EXPECT_EQ(matches(table, "w8/w9"), (Numbers{8, 9})) << "of two databases or one";
}

INSTANTIATE_TEST_SUITE_P(pattern_table, pattern_counts, testing::Values(10, 1'000, 50'000));
