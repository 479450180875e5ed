// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/serf_filter.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace posthaste::gossip::membership {
namespace {

using support::text_from_hex;

const Tags kTags = {{"role", "web-server"}, {"dc", "east"}};

FilterVerdict judge(const std::vector<std::string>& filters) {
    return judge_filters(filters, "n1", kTags);
}

TEST(serf_filter, without_filters_everybody_is_meant) {
    EXPECT_EQ(judge({}), FilterVerdict::meant);
}

TEST(serf_filter, names_mean_those_that_are_named) {
    EXPECT_EQ(judge({filter_of_names({"n2", "n1"})}), FilterVerdict::meant);
    EXPECT_EQ(judge({filter_of_names({"n2", "n10", "n"})}), FilterVerdict::not_meant);
    EXPECT_EQ(judge({filter_of_names({})}), FilterVerdict::not_meant);
    EXPECT_EQ(judge({text_from_hex("0092a26e31a26e32")}), FilterVerdict::meant);
}

TEST(serf_filter, an_expression_is_found_anywhere_in_the_tag) {
    EXPECT_EQ(judge({filter_of_tag("role", "web")}), FilterVerdict::meant);
    EXPECT_EQ(judge({filter_of_tag("role", "^web-[a-z]+$")}), FilterVerdict::meant);
    EXPECT_EQ(judge({filter_of_tag("role", "^server")}), FilterVerdict::not_meant);
    // As serf sends it: {Tag, Expr}.
    EXPECT_EQ(judge({text_from_hex("0182a3546167a4726f6c65a445787072a3776562")}),
              FilterVerdict::meant);
}

TEST(serf_filter, a_tag_that_is_not_there_is_empty) {
    EXPECT_EQ(judge({filter_of_tag("none", "x")}), FilterVerdict::not_meant);
    EXPECT_EQ(judge({filter_of_tag("none", "^$")}), FilterVerdict::meant);
}

TEST(serf_filter, all_filters_must_hold) {
    EXPECT_EQ(judge({filter_of_names({"n1"}), filter_of_tag("dc", "east")}), FilterVerdict::meant);
    EXPECT_EQ(judge({filter_of_names({"n1"}), filter_of_tag("dc", "west")}),
              FilterVerdict::not_meant);
    EXPECT_EQ(judge({filter_of_names({"n2"}), filter_of_tag("dc", "east")}),
              FilterVerdict::not_meant);
}

TEST(serf_filter, what_is_no_filter_is_malformed) {
    for (const std::string& filter : {std::string(),
                                      std::string("\x02\x90", 2),
                                      std::string("\0", 1),
                                      std::string("\0\x91\xa2n", 4),
                                      std::string("\0\x91\x01", 3),
                                      std::string("\x01\x90", 2),
                                      filter_of_tag("role", "("),
                                      filter_of_tag("role", std::string(1'025, 'a'))}) {
        EXPECT_EQ(judge({filter}), FilterVerdict::malformed);
    }
}

TEST(serf_filter, an_expression_that_takes_too_long_is_malformed) {
    const Tags tags = {{"t", std::string(400, 'a') + "c"}};
    const auto search = [&](const char* expression) {
        return judge_filters({filter_of_tag("t", expression)}, "n1", tags);
    };
    EXPECT_EQ(search("^(a+)+$"), FilterVerdict::malformed);
    EXPECT_EQ(search("^(a+)+c$"), FilterVerdict::meant);
    EXPECT_EQ(search("^a+$"), FilterVerdict::not_meant);
}

}  // namespace
}  // namespace posthaste::gossip::membership
