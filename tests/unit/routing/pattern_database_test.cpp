// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "routing/pattern.h"

using namespace posthaste::routing;

namespace {

constexpr std::size_t kNoLimit = ~std::size_t{0};

// The patterns of a test, numbered 10, 11, ...
struct Patterns {
    std::vector<std::string> expressions;

    Patterns& glob(std::string_view text) {
        expressions.push_back(read_pattern(PatternKind::glob, text).value().expression);
        return *this;
    }

    [[nodiscard]] PatternDatabase::Compiled compile(std::size_t bytes_max = kNoLimit) const {
        std::vector<NumberedExpression> numbered;
        for (std::uint32_t i = 0; i < expressions.size(); ++i) {
            numbered.push_back({10 + i, expressions[i]});
        }
        return PatternDatabase::compile(numbered, bytes_max);
    }
};

std::vector<std::uint32_t> matches(const PatternDatabase& database, std::string_view name) {
    PatternScratch scratch;
    EXPECT_TRUE(scratch.fit(database));
    std::array<std::uint32_t, kPatternMatchesMax> numbers{};
    const auto found = database.match(name, scratch, numbers);
    EXPECT_FALSE(found.overflow);
    std::sort(numbers.begin(), numbers.begin() + found.count);
    return {numbers.begin(), numbers.begin() + found.count};
}

using Numbers = std::vector<std::uint32_t>;

}  // namespace

TEST(pattern_database, tells_all_patterns_that_match_the_whole_name) {
    const auto database =
        Patterns().glob("vision/*").glob("vision/**").glob("**/ocr").glob("speech/?").compile();
    ASSERT_TRUE(database.has_value()) << database.error().reason;
    EXPECT_EQ(matches(**database, "vision/ocr"), (Numbers{10, 11, 12}));
    EXPECT_EQ(matches(**database, "vision/a/b"), (Numbers{11}));
    EXPECT_EQ(matches(**database, "a/vision/x"), (Numbers{}));
    EXPECT_EQ(matches(**database, "speech/de"), (Numbers{}));
    EXPECT_EQ(matches(**database, "speech/d"), (Numbers{13}));
    EXPECT_EQ(matches(**database, ""), (Numbers{}));
    EXPECT_EQ(matches(**database, "vision/" + std::string(93, 'a')), (Numbers{10, 11}));
    EXPECT_EQ(matches(**database, "vision/" + std::string(94, 'a')), (Numbers{}));
    EXPECT_EQ((*database)->patterns(), 4U);
    EXPECT_GT((*database)->bytes(), 100U);
}

TEST(pattern_database, the_edges_of_a_name_cannot_be_written_into_it) {
    const auto database = Patterns().glob("a*").glob("**/b").compile();
    ASSERT_TRUE(database.has_value());
    EXPECT_EQ(matches(**database, "x\na"), (Numbers{10})) << "is_capability_name() refuses it";
    EXPECT_EQ(matches(**database, "xa"), (Numbers{}));
}

TEST(pattern_database, more_matches_than_there_is_room_for_are_said) {
    Patterns patterns;
    for (int i = 0; i < 5; ++i) {
        patterns.glob("a" + std::string(static_cast<std::size_t>(i), '?') + "**");
    }
    const auto database = patterns.compile();
    ASSERT_TRUE(database.has_value());
    PatternScratch scratch;
    ASSERT_TRUE(scratch.fit(**database));
    std::array<std::uint32_t, 5> numbers{};
    const auto enough = (*database)->match("abcdefgh", scratch, numbers);
    EXPECT_EQ(enough.count, 5U);
    EXPECT_FALSE(enough.overflow);
    const auto few = (*database)->match("abcdefgh", scratch, std::span(numbers).first(3));
    EXPECT_EQ(few.count, 3U);
    EXPECT_TRUE(few.overflow);
    EXPECT_EQ((*database)->match("abcdefgh", scratch, numbers).count, 5U) << "as before";
}

TEST(pattern_database, one_above_its_limit_is_not_made) {
    Patterns patterns;
    patterns.glob("a*");
    const std::size_t bytes = patterns.compile().value()->bytes();
    EXPECT_TRUE(patterns.compile(bytes).has_value());
    const auto refused = patterns.compile(bytes - 1);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().number, PatternDatabase::kNoPattern);
    EXPECT_EQ(refused.error().reason,
              "the compiled patterns take " + std::to_string(bytes) + " bytes; the limit is " +
                  std::to_string(bytes - 1));
}

TEST(pattern_database, the_pattern_that_cannot_be_compiled_is_named) {
    Patterns patterns;
    patterns.glob("a*").expressions.emplace_back("(x)\\1");
    const auto refused = patterns.glob("b*").compile();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().number, 11U);
    EXPECT_FALSE(refused.error().reason.empty());
}

TEST(pattern_database, a_scratch_grows_from_database_to_database) {
    const auto small = Patterns().glob("a*").compile();
    Patterns many;
    for (int i = 0; i < 200; ++i) {
        many.glob("w" + std::to_string(i) + "/*/x**");
    }
    const auto large = many.compile();
    ASSERT_TRUE(small.has_value() && large.has_value());
    PatternScratch scratch;
    EXPECT_EQ(scratch.bytes(), 0U);
    ASSERT_TRUE(scratch.fit(**small));
    const std::size_t before = scratch.bytes();
    ASSERT_TRUE(scratch.fit(**large));
    EXPECT_GT(scratch.bytes(), before);
    ASSERT_TRUE(scratch.fit(**small));
    PatternScratch moved = std::move(scratch);
    std::array<std::uint32_t, 4> numbers{};
    EXPECT_EQ((*small)->match("ab", moved, numbers).count, 1U);
    EXPECT_EQ((*large)->match("w17/a/xyz", moved, numbers).count, 1U);
    EXPECT_EQ(numbers[0], 27U);
}
