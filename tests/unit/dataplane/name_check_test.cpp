// SPDX-License-Identifier: BSD-3-Clause
// Names that frames carry, and the ids they are to have.
#include "dataplane/name_check.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "routing/mix.h"

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

// So many names that fall into one set.
std::vector<std::string> names_of_a_set(std::size_t count) {
    const auto set = [](std::string_view name) {
        const routing::AgentId id = routing::capability_id(name);
        std::uint64_t half;
        std::memcpy(&half, id.bytes.data(), sizeof half);
        return routing::mix(half) % NameCheck::kSets;
    };
    std::vector<std::string> names = {"vision/ocr"};
    for (int i = 0; names.size() < count; ++i) {
        std::string other = "name-" + std::to_string(i);
        if (set(other) == set(names.front())) {
            names.push_back(std::move(other));
        }
    }
    return names;
}

TEST(name_check, a_set_remembers_as_many_names_as_it_has_ways) {
    NameCheck check;
    const std::vector<std::string> names = names_of_a_set(NameCheck::kWays);
    for (int i = 0; i < 3; ++i) {
        for (const std::string& name : names) {
            EXPECT_TRUE(holds(check, routing::capability_id(name), name));
        }
    }
    EXPECT_EQ(check.hashed(), names.size());
}

TEST(name_check, more_names_of_a_set_than_it_has_ways_take_turns) {
    NameCheck check;
    const std::vector<std::string> names = names_of_a_set(NameCheck::kWays + 1);
    for (int i = 0; i < 10; ++i) {
        for (const std::string& name : names) {
            EXPECT_TRUE(holds(check, routing::capability_id(name), name));
        }
        EXPECT_FALSE(holds(check, routing::capability_id(names.front()), names.back()));
    }
    EXPECT_GT(check.hashed(), names.size() + 10);
    const std::uint64_t before = check.hashed();
    EXPECT_TRUE(holds(check, routing::capability_id(names.back()), names.back()));
    EXPECT_EQ(check.hashed(), before);  // the last one to come is in
}

// A few of them are too many for their sets.
TEST(name_check, of_as_many_names_as_half_its_lines_nearly_all_are_remembered) {
    NameCheck check;
    constexpr std::size_t kNames = NameCheck::kLines / 2;
    for (int i = 0; i < 2; ++i) {
        for (std::size_t name = 0; name < kNames; ++name) {
            const std::string text = "name-" + std::to_string(name);
            EXPECT_TRUE(holds(check, routing::capability_id(text), text));
        }
    }
    EXPECT_GE(check.hashed(), kNames);
    EXPECT_LT(check.hashed(), kNames + kNames / 5);
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
