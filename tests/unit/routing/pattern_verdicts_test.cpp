// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_verdicts.h"

#include <gtest/gtest.h>

using namespace posthaste::routing;

TEST(pattern_verdicts, are_remembered_and_bounded) {
    PatternVerdicts verdicts(2);
    EXPECT_EQ(verdicts.find("a"), nullptr);
    verdicts.put("a", "");
    verdicts.put("b", "bad");
    verdicts.put("a", "");
    ASSERT_NE(verdicts.find("a"), nullptr);
    EXPECT_EQ(*verdicts.find("a"), "");
    EXPECT_EQ(*verdicts.find("b"), "bad");
    verdicts.put("c", "");
    EXPECT_EQ(verdicts.find("a"), nullptr) << "the oldest goes";
    EXPECT_EQ(verdicts.count(), 2U);
}

TEST(pattern_verdicts, a_pattern_that_compiles_small_is_good) {
    EXPECT_EQ(try_pattern(read_pattern(PatternKind::regex, "(a|aa)+b").value()), "");
}

TEST(pattern_verdicts, one_whose_database_is_large_is_not) {
    const auto read = read_pattern(
        PatternKind::regex,
        "[a-m]*([^a]?a{2,31}|((([a-m]+a{1,47}[^a]{9}.)+[^a]b*|a*(a{4,33}|b{14,}[^a]{12,}[a-m]+"
        "[^a]{26}[^a])+|.{21}).{2})a{9}b+)?b{2,38}b{17}z");
    ASSERT_TRUE(read.has_value()) << read.error();
    const std::string wrong = try_pattern(*read);
    EXPECT_NE(wrong.find("the limit is 131072"), std::string::npos) << wrong;
}
