// SPDX-License-Identifier: BSD-3-Clause
// Names that frames carry, and the ids they are to have.
#include "dataplane/name_check.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

namespace posthaste::dataplane {
namespace {

bool holds(NameCheck& check, const routing::AgentId& id, std::string_view name) {
    return check.holds(id, {reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
}

TEST(name_check, a_name_holds_for_its_own_id_alone) {
    NameCheck check;
    EXPECT_TRUE(holds(check, routing::capability_id("vision/ocr"), "vision/ocr"));
    EXPECT_FALSE(holds(check, routing::capability_id("vision/ocr"), "vision/faces"));
    EXPECT_FALSE(holds(check, routing::AgentId{}, "vision/ocr"));
}

TEST(name_check, what_was_right_lately_is_not_hashed_again) {
    NameCheck check;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(holds(check, routing::capability_id("vision/ocr"), "vision/ocr"));
    }
    EXPECT_EQ(check.hashed(), 1U);
}

TEST(name_check, what_is_remembered_lets_no_other_name_pass) {
    NameCheck check;
    const routing::AgentId id = routing::capability_id("vision/ocr");
    ASSERT_TRUE(holds(check, id, "vision/ocr"));
    for (const std::string_view other : {"vision/ocx", "vision/oc", "vision/ocrs", "Vision/ocr"}) {
        EXPECT_FALSE(holds(check, id, other)) << other;
    }
    EXPECT_TRUE(holds(check, id, "vision/ocr"));
    EXPECT_EQ(check.hashed(), 5U);  // those four, and the right one once
}

TEST(name_check, what_was_wrong_is_not_remembered) {
    NameCheck check;
    const routing::AgentId id = routing::capability_id("vision/ocr");
    EXPECT_FALSE(holds(check, id, "vision/faces"));
    EXPECT_FALSE(holds(check, id, "vision/faces"));
    EXPECT_EQ(check.hashed(), 2U);
}

// Ids of a line differ in what the line is not chosen by.
TEST(name_check, names_of_one_line_take_turns) {
    NameCheck check;
    const auto line = [](std::string_view name) {
        const routing::AgentId id = routing::capability_id(name);
        return (id.bytes[0] | id.bytes[1] << 8) % NameCheck::kLines;
    };
    std::string other;
    for (int i = 0; other.empty() || line(other) != line("vision/ocr"); ++i) {
        other = "name-" + std::to_string(i);
    }
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(holds(check, routing::capability_id("vision/ocr"), "vision/ocr"));
        EXPECT_TRUE(holds(check, routing::capability_id(other), other));
    }
    EXPECT_EQ(check.hashed(), 4U);
}

TEST(name_check, what_is_no_name_is_refused_without_hashing_it_where_it_is_too_long) {
    NameCheck check;
    EXPECT_FALSE(holds(check, {}, ""));
    EXPECT_FALSE(holds(check, {}, std::string(routing::kCapabilityNameMax + 1, 'a')));
    EXPECT_EQ(check.hashed(), 0U);
    const std::string longest(routing::kCapabilityNameMax, 'a');
    EXPECT_TRUE(holds(check, routing::capability_id(longest), longest));
}

}  // namespace
}  // namespace posthaste::dataplane
