// SPDX-License-Identifier: BSD-3-Clause
#include "routing/agent_id.h"

#include <gtest/gtest.h>

using posthaste::routing::AgentId;

TEST(agent_id, text_form_round_trips_in_lower_case) {
    const auto id = AgentId::from_text("01234567-89AB-cdef-0123-456789abcdef");
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->to_text(), "01234567-89ab-cdef-0123-456789abcdef");
    EXPECT_EQ(id->bytes[0], 0x01);
    EXPECT_EQ(id->bytes[15], 0xef);
}

TEST(agent_id, anything_but_the_36_character_form_is_refused) {
    for (const char* text : {"",
                             "0123456789abcdef0123456789abcdef",
                             "01234567-89ab-cdef-0123-456789abcde",
                             "01234567-89ab-cdef-0123-456789abcdef0",
                             "01234567-89ab-cdef-0123_456789abcdef",
                             "0123456g-89ab-cdef-0123-456789abcdef",
                             "{1234567-89ab-cdef-0123-456789abcde}"}) {
        EXPECT_FALSE(AgentId::from_text(text).has_value()) << text;
    }
}

TEST(agent_id, only_all_zero_is_nil) {
    AgentId id;
    EXPECT_TRUE(id.is_nil());
    id.bytes[15] = 1;
    EXPECT_FALSE(id.is_nil());
}
