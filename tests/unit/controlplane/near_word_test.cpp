// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/near_word.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace {

using posthaste::controlplane::near_word;

constexpr std::array<std::string_view, 4> kKnown = {"workers", "mbufs", "shed", "udp_port"};

TEST(near_word, one_edit_is_near) {
    EXPECT_EQ(near_word("worker", kKnown), "workers");
    EXPECT_EQ(near_word("workerss", kKnown), "workers");
    EXPECT_EQ(near_word("wurkers", kKnown), "workers");
    EXPECT_EQ(near_word("wrokers", kKnown), "workers");
}

TEST(near_word, more_than_a_third_of_the_word_is_far) {
    EXPECT_EQ(near_word("shack", kKnown), "");
    EXPECT_EQ(near_word("xy", kKnown), "");
    EXPECT_EQ(near_word("", kKnown), "");
}

TEST(near_word, the_nearest_wins_and_then_the_first) {
    constexpr std::array<std::string_view, 3> known = {"edge1", "edge2", "ledge2"};
    EXPECT_EQ(near_word("edge3", known), "edge1");
    EXPECT_EQ(near_word("ledge2x", known), "ledge2");
}

TEST(near_word, words_beyond_its_table_are_near_to_nothing) {
    const std::string longest(64, 'x');
    const std::string longer(65, 'x');
    const std::array<std::string_view, 2> known = {longer, longest};
    EXPECT_EQ(near_word(longest, known), longest);
    EXPECT_EQ(near_word(longer, known), "");
}

}  // namespace
