// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_names.h"

#include <gtest/gtest.h>

#include "tests/support/numbered_id.h"

using namespace posthaste::routing;
using posthaste::support::numbered_id;

namespace {

using Numbers = std::vector<std::uint32_t>;
using Ids = std::vector<AgentId>;

void put(PatternNames& names, std::uint32_t id, const Numbers& patterns, std::uint64_t now = 0) {
    names.put(numbered_id(id), "n" + std::to_string(id), patterns, now);
}

bool knows(const PatternNames& names, std::uint32_t id, std::uint64_t now = 0) {
    return names.find(numbered_id(id), now).known;
}

Numbers patterns_of(const PatternNames& names, std::uint32_t id) {
    const auto found = names.find(numbered_id(id), 0);
    return {found.patterns.begin(), found.patterns.end()};
}

}  // namespace

TEST(pattern_names, remember_which_patterns_match) {
    PatternNames names({.unmatched_ttl_ms = 50}, {});
    EXPECT_FALSE(knows(names, 1));
    put(names, 1, {3, 5}, 100);
    put(names, 2, {3, 5}, 100);
    put(names, 3, {}, 100);
    EXPECT_EQ(patterns_of(names, 1), (Numbers{3, 5}));
    EXPECT_EQ(names.combinations(), 1U);
    EXPECT_EQ(names.matched(), 2U);
    EXPECT_EQ(names.unmatched(), 1U);
    EXPECT_TRUE(knows(names, 3, 149));
    EXPECT_EQ(names.find(numbered_id(3), 149).until_ms, 150U);
    EXPECT_FALSE(knows(names, 3, 150));
    EXPECT_TRUE(knows(names, 1, 1'000'000));
    put(names, 1, {}, 100);
    EXPECT_EQ(patterns_of(names, 1), Numbers{});
    EXPECT_EQ(names.matched(), 1U);
    EXPECT_EQ(names.combinations(), 1U);
    EXPECT_EQ(names.take_forgotten(), Ids{});
}

TEST(pattern_names, a_flood_of_strange_names_drives_out_strange_names_only) {
    PatternNames names({.matched_max = 4, .unmatched_max = 8}, {});
    for (std::uint32_t id = 0; id < 4; ++id) {
        put(names, id, {7});
    }
    for (std::uint32_t id = 100; id < 10'000; ++id) {
        put(names, id, {});
    }
    for (std::uint32_t id = 0; id < 4; ++id) {
        EXPECT_TRUE(knows(names, id));
    }
    EXPECT_EQ(names.unmatched(), 8U);
    EXPECT_FALSE(knows(names, 9'991));
    EXPECT_TRUE(knows(names, 9'992));
    EXPECT_EQ(names.take_forgotten().size(), 9'892U);
    put(names, 4, {7});
    EXPECT_EQ(names.take_forgotten(), Ids{numbered_id(0)});
}

TEST(pattern_names, a_pattern_that_goes_takes_exactly_its_names) {
    PatternNames names({}, {});
    put(names, 1, {1});
    put(names, 2, {1, 2});
    put(names, 3, {2});
    put(names, 4, {});
    put(names, 5, {1, 2, 3});
    names.pattern_gone(1);
    EXPECT_EQ(names.take_forgotten(), (Ids{numbered_id(1), numbered_id(2), numbered_id(5)}));
    EXPECT_TRUE(knows(names, 3) && knows(names, 4));
    EXPECT_EQ(names.combinations(), 1U);
    names.pattern_gone(1);
    EXPECT_EQ(names.take_forgotten(), Ids{});
}

TEST(pattern_names, who_was_put_again_is_not_said_to_be_forgotten) {
    PatternNames names({}, {});
    put(names, 1, {1});
    put(names, 2, {1});
    names.pattern_gone(1);
    put(names, 1, {2});
    EXPECT_EQ(names.take_forgotten(), Ids{numbered_id(2)});
    EXPECT_TRUE(names.forget(numbered_id(1)));
    EXPECT_FALSE(names.forget(numbered_id(1)));
    EXPECT_EQ(names.take_forgotten(), Ids{numbered_id(1)});
}

TEST(pattern_names, expire_takes_what_is_over_the_oldest_first) {
    PatternNames names({.unmatched_ttl_ms = 10}, {});
    for (std::uint32_t id = 0; id < 6; ++id) {
        put(names, id, {}, id);
    }
    names.expire(12, 2);
    EXPECT_EQ(names.take_forgotten(), (Ids{numbered_id(0), numbered_id(1)}));
    names.expire(12, 100);
    EXPECT_EQ(names.take_forgotten(), Ids{numbered_id(2)});
}

TEST(pattern_names, a_batch_has_all_names_and_what_came_after_it_is_known) {
    PatternNames names({}, {});
    put(names, 1, {1});
    put(names, 22, {});
    const NameBatch batch = names.names();
    EXPECT_EQ(batch.ids, (Ids{numbered_id(1), numbered_id(22)}));
    EXPECT_EQ(batch.text, "n1n22");
    EXPECT_EQ(batch.lengths, (std::vector<std::uint8_t>{2, 3}));
    put(names, 3, {});
    put(names, 1, {2});
    Ids since;
    names.visit_since(batch.sequence,
                      [&](const AgentId& id, std::string_view /*name*/) { since.push_back(id); });
    EXPECT_EQ(since, (Ids{numbered_id(1), numbered_id(3)}));
}

TEST(pattern_names, smaller_maxima_take_effect_at_once) {
    PatternNames names({}, {});
    for (std::uint32_t id = 0; id < 20; ++id) {
        put(names, id, id % 2 == 0 ? Numbers{1} : Numbers{});
    }
    names.set_options({.matched_max = 3, .unmatched_max = 4});
    EXPECT_EQ(names.matched(), 3U);
    EXPECT_EQ(names.unmatched(), 4U);
    EXPECT_TRUE(knows(names, 18) && knows(names, 19));
}
