// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/verdict.h"

#include <gtest/gtest.h>

#include <vector>

#include "tools/ctl/settings.h"

namespace {

using namespace posthaste::tools;
using Words = std::vector<std::string>;

TEST(verdict, the_exit_code_is_what_the_answer_says) {
    EXPECT_EQ(exit_code_of_answer({{"result", "equal"}}), kExitOk);
    EXPECT_EQ(exit_code_of_answer({{"result", "done"}}), kExitOk);
    EXPECT_EQ(exit_code_of_answer({{"result", "different"}}), 1);
    EXPECT_EQ(exit_code_of_answer({{"result", "partial"}}), 1);
    EXPECT_EQ(exit_code_of_answer({{"result", "unanswered"}}), 2);
    EXPECT_EQ(exit_code_of_answer({{"name", "box"}}), kExitOk);
    EXPECT_EQ(exit_code_of_answer(posthaste::controlplane::Json::array()), kExitOk);
}

TEST(verdict, commands_that_ask_the_cluster_are_waited_for_longer) {
    EXPECT_EQ(patience_ms(Words{"show", "ports"}, 5'000), 5'000);
    EXPECT_GT(patience_ms(Words{"cluster", "keys", "list"}, 5'000), 30'000);
    EXPECT_EQ(patience_ms(Words{"cluster", "check"}, 90'000), 90'000);
    EXPECT_TRUE(is_check(Words{"cluster", "check"}));
    EXPECT_FALSE(is_check(Words{"cluster", "leave"}));
}

TEST(verdict, events_end_only_after_a_count) {
    EXPECT_TRUE(is_endless(Words{"events"}));
    EXPECT_TRUE(is_endless(Words{"events", "--topic", "ports"}));
    EXPECT_FALSE(is_endless(Words{"events", "--count", "3"}));
    EXPECT_FALSE(is_endless(Words{"events", "--count=3"}));
    EXPECT_FALSE(is_endless(Words{"show", "ports"}));
}

}  // namespace
