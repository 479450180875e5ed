// SPDX-License-Identifier: BSD-3-Clause
// Equal positions with different content: found, told, repaired, and never looked for at once.
#include <gtest/gtest.h>

#include "tests/support/plane_pair.h"
#include "tests/support/store_damage.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::support::numbered_id;
using posthaste::support::PlaneGroup;

constexpr std::uint32_t kAgents = 600;

PlaneOptions slow_checks() {
    PlaneOptions options = PlaneGroup::small_options();
    options.work_budget = 64;  // a few hundred records take many turns
    return options;
}

void attach_all(PlaneGroup& group, std::size_t router) {
    for (std::uint32_t agent = 1; agent <= kAgents; ++agent) {
        ASSERT_TRUE(group[router].own().attach(numbered_id(agent), {}, group.now_ms));
    }
}

std::size_t count(const std::vector<Event>& events, EventKind kind) {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(), [kind](const Event& event) { return event.kind == kind; }));
}

// Agents whose records were told to be damaged.
std::vector<posthaste::routing::AgentId> named(const std::vector<Event>& events) {
    std::vector<posthaste::routing::AgentId> agents;
    for (const Event& event : events) {
        if (event.kind == EventKind::damaged_records) {
            agents.push_back(event.agent);
        }
    }
    return agents;
}

// Damage alone changes no digest: somebody's fingerprint must differ.
void damage(PlaneGroup& group, std::size_t at, std::size_t whose, std::uint32_t agent) {
    StoreDamage::change_epoch(group[at], PlaneGroup::id(whose), numbered_id(agent));
    StoreDamage::change_fingerprint(group[at], PlaneGroup::id(whose));
}

TEST(session_checks, a_damaged_copy_is_found_named_and_read_anew_from_its_router) {
    PlaneGroup group(2, slow_checks());
    attach_all(group, 1);
    group.connect(1, 2);
    group.pass(1'000);
    ASSERT_TRUE(group.agree());
    damage(group, 2, 1, 7);
    group.pass(3'000);
    EXPECT_TRUE(group.agree());
    EXPECT_TRUE(StoreDamage::is_whole(group[2].store(), RouterId{1}));
    EXPECT_EQ(group[2].store().best(numbered_id(7))->body.epoch, 0U);
    const auto events = group[2].take_events();
    EXPECT_EQ(count(events, EventKind::inconsistent), 1U);
    EXPECT_EQ(count(events, EventKind::repaired), 1U);
    EXPECT_EQ(named(events), std::vector{numbered_id(7)});
}

TEST(session_checks, a_damaged_copy_is_repaired_though_its_keyspace_changes_all_the_time) {
    PlaneGroup group(2, slow_checks());
    attach_all(group, 1);
    group.connect(1, 2);
    group.pass(1'000);
    ASSERT_TRUE(group.agree());
    damage(group, 2, 1, 7);
    for (std::uint32_t agent = 1; agent < 400; ++agent) {
        ASSERT_TRUE(group[1].own().attach(numbered_id(kAgents + agent), {}, group.now_ms));
        group.pass(10);
    }
    EXPECT_TRUE(StoreDamage::is_whole(group[2].store(), RouterId{1}));
    EXPECT_EQ(group[2].store().best(numbered_id(7))->body.epoch, 0U);
    group.pass(1'000);
    EXPECT_TRUE(group.agree());
}

TEST(session_checks, a_record_of_a_bucket_that_differs_is_named) {
    PlaneGroup group(2, slow_checks());
    attach_all(group, 1);
    group.connect(1, 2);
    group.pass(1'000);
    // One record taken for another: the bucket's sum and the fingerprint show it.
    StoreDamage::rewrite(group[2], RouterId{1}, numbered_id(7));
    group.pass(3'000);
    const auto events = group[2].take_events();
    EXPECT_EQ(named(events), std::vector{numbered_id(7)});
    EXPECT_TRUE(group.agree());
}

TEST(session_checks, our_own_damaged_records_begin_a_new_life_that_all_read) {
    PlaneGroup group(2, slow_checks());
    attach_all(group, 1);
    group.connect(1, 2);
    group.pass(1'000);
    damage(group, 1, 1, 7);
    // Changes go on meanwhile.
    for (std::uint32_t agent = 1; agent < 200; ++agent) {
        ASSERT_TRUE(group[1].own().detach(numbered_id(agent + 100), group.now_ms));
        group.pass(10);
    }
    group.pass(3'000);
    EXPECT_TRUE(StoreDamage::is_whole(group[1].store(), RouterId{1}));
    EXPECT_GT(group[1].store().row(RouterId{1})->at.generation.counter, 1U);
    EXPECT_TRUE(group.agree());
    EXPECT_EQ(group[2].store().best(numbered_id(7))->body.epoch, 1U) << "whatever is ours holds";
}

TEST(session_checks, a_check_goes_on_while_its_keyspace_changes_and_finds_nothing_amiss) {
    PlaneGroup group(2, slow_checks());
    attach_all(group, 1);
    group.connect(1, 2);
    group.pass(1'000);
    // A peer that claims other content at our position.
    const auto claim = [&] {
        DigestRow row = *group[1].store().row(RouterId{1});
        ++row.fingerprint;
        const auto bytes = encode(DigestRows{.all = false, .answer = true, .rows = {row}},
                                  cluster_hash("posthaste"));
        group[1].receive(1, bytes, group.now_ms);
    };
    const auto before = group[1].store().row(RouterId{1})->at.generation;
    for (std::uint32_t agent = 1; agent < 300; ++agent) {
        claim();
        ASSERT_TRUE(group[1].own().detach(numbered_id(kAgents + 1 - agent), group.now_ms));
        ASSERT_TRUE(group[1].own().attach(numbered_id(agent), {.epoch = 9}, group.now_ms));
        group[1].on_timer(group.now_ms);
        ++group.now_ms;
    }
    group.pass(1'000);
    EXPECT_EQ(group[1].store().row(RouterId{1})->at.generation, before);
    EXPECT_EQ(group[1].counters().refused[static_cast<std::size_t>(Refusal::rate_limited)], 0U);
    EXPECT_TRUE(group.agree());
}

}  // namespace
