// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "gossip/membership/serf_layer.h"
#include "tests/support/serf_scene.h"

namespace posthaste::gossip::membership {
namespace {

using support::SerfScene;

LeaveIntent leave(LamportTime time, const char* name, bool prune = false) {
    return {.time = time, .node = name, .prune = prune};
}

JoinIntent join(LamportTime time, const char* name) {
    return {.time = time, .node = name};
}

TEST(serf_intents, a_member_that_leaves_is_leaving_and_then_left) {
    SerfScene scene;
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::alive);
    scene.hear(leave(5, "a"));
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::leaving);
    scene.goes("a", NodeState::left);
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::left);
    scene.hear(leave(5, "b"));
    scene.goes("b", NodeState::dead);
    EXPECT_EQ(scene.layer.status("b"), MemberStatus::left);
}

TEST(serf_intents, a_member_that_is_gone_without_a_word_has_failed) {
    SerfScene scene;
    scene.goes("a", NodeState::dead);
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::failed);
    // Its own word is enough, though the intent was lost.
    scene.goes("b", NodeState::left);
    EXPECT_EQ(scene.layer.status("b"), MemberStatus::left);
}

TEST(serf_intents, a_member_that_is_back_is_alive) {
    SerfScene scene;
    scene.hear(leave(5, "a"));
    scene.goes("a", NodeState::left);
    scene.layer.on_alive("a", scene.now_ms);
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::alive);
}

TEST(serf_intents, an_intent_is_relayed_once_as_it_came) {
    SerfScene scene;
    const std::string payload = encode_serf(leave(5, "a"));
    scene.layer.on_user(payload, scene.now_ms);
    scene.layer.on_user(payload, scene.now_ms);
    EXPECT_EQ(scene.take_broadcasts(), std::vector<std::string>{payload});
}

TEST(serf_intents, two_leaves_do_not_chase_each_other) {
    SerfScene scene;
    for (int round = 0; round < 100; ++round) {
        scene.hear(leave(5, "a"));
        scene.hear(leave(6, "a"));
    }
    EXPECT_EQ(scene.take_broadcasts().size(), 2U);
    // Nor for a member nobody knows.
    for (int round = 0; round < 100; ++round) {
        scene.hear(leave(7, "z"));
        scene.hear(leave(8, "z"));
    }
    EXPECT_EQ(scene.take_broadcasts().size(), 2U);
}

TEST(serf_intents, an_older_intent_changes_nothing_and_is_not_relayed) {
    SerfScene scene;
    scene.hear(join(8, "a"));
    EXPECT_EQ(scene.take_broadcasts().size(), 1U);
    scene.hear(leave(8, "a"));
    scene.hear(leave(3, "a"));
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::alive);
    EXPECT_TRUE(scene.take_broadcasts().empty());
}

TEST(serf_intents, a_newer_join_takes_a_leave_back) {
    SerfScene scene;
    scene.hear(leave(5, "a"));
    scene.hear(join(6, "a"));
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::alive);
    EXPECT_EQ(scene.take_broadcasts().size(), 2U);
}

TEST(serf_intents, what_was_said_of_an_unknown_member_counts_when_it_comes) {
    SerfScene scene;
    scene.hear(leave(5, "new"));
    scene.hear(join(9, "other"));
    scene.layer.on_alive("new", scene.now_ms);
    scene.layer.on_alive("other", scene.now_ms);
    EXPECT_EQ(scene.layer.status("new"), MemberStatus::leaving);
    EXPECT_EQ(scene.pushed().status_times.at("new"), 5U);
    EXPECT_EQ(scene.pushed().status_times.at("other"), 9U);
    scene.hear(leave(9, "other"));
    EXPECT_EQ(scene.layer.status("other"), MemberStatus::alive);
}

TEST(serf_intents, what_was_said_of_an_unknown_member_is_forgotten_after_five_minutes) {
    SerfScene scene;
    scene.hear(leave(5, "late"));
    scene.now_ms += IntentBuffer::kKeepMs;
    scene.layer.on_alive("late", scene.now_ms);
    EXPECT_EQ(scene.layer.status("late"), MemberStatus::alive);
}

TEST(serf_intents, no_more_names_are_kept_than_the_maximum) {
    SerfScene scene;
    for (std::size_t i = 0; i < IntentBuffer::kNamesMax; ++i) {
        scene.hear(join(5, ("n" + std::to_string(i)).c_str()));
    }
    EXPECT_TRUE(scene.host.refused.empty());
    EXPECT_EQ(scene.take_broadcasts().size(), IntentBuffer::kNamesMax);
    scene.hear(join(5, "more"));
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>{Refusal::queue_full});
    EXPECT_TRUE(scene.take_broadcasts().empty());
    scene.now_ms += IntentBuffer::kKeepMs;
    scene.hear(join(5, "more"));
    EXPECT_EQ(scene.take_broadcasts().size(), 1U);
}

TEST(serf_intents, a_leave_of_ours_that_is_none_is_taken_back) {
    SerfScene scene;
    scene.hear(leave(40, "self"));
    EXPECT_EQ(scene.layer.status("self"), MemberStatus::alive);
    ASSERT_EQ(scene.host.broadcasts.size(), 1U);
    const auto intent = scene.last_broadcast<JoinIntent>();
    EXPECT_EQ(intent.node, "self");
    EXPECT_GT(intent.time, 40U);
    // The same again is old by now.
    scene.hear(leave(40, "self"));
    EXPECT_EQ(scene.host.broadcasts.size(), 1U);
}

TEST(serf_intents, our_own_leave_is_not_taken_back) {
    SerfScene scene;
    scene.layer.begin_leave(scene.now_ms);
    EXPECT_EQ(scene.layer.status("self"), MemberStatus::leaving);
    ASSERT_EQ(scene.host.broadcasts.size(), 1U);
    const auto intent = scene.last_broadcast<LeaveIntent>();
    scene.hear(intent);
    scene.hear(leave(intent.time + 5, "self"));
    scene.hear(join(intent.time + 9, "self"));
    scene.layer.announce_join();
    EXPECT_EQ(scene.layer.status("self"), MemberStatus::leaving);
    for (const std::string& payload : scene.host.broadcasts) {
        EXPECT_EQ(payload[0], '\0');  // leaves only
    }
    scene.layer.on_gone("self", NodeState::left);
    EXPECT_EQ(scene.layer.status("self"), MemberStatus::left);
}

TEST(serf_intents, our_leave_is_heard_when_it_was_told_as_often_as_it_will_be) {
    SerfScene scene;
    EXPECT_FALSE(scene.layer.leave_heard());
    scene.layer.begin_leave(scene.now_ms);
    EXPECT_FALSE(scene.layer.leave_heard());
    scene.host.told = 1;
    EXPECT_TRUE(scene.layer.leave_heard());
}

TEST(serf_intents, a_leave_that_nobody_could_hear_is_heard_at_once) {
    SerfScene scene;
    for (const char* name : {"a", "b", "c"}) {
        scene.goes(name, NodeState::dead);
    }
    scene.layer.begin_leave(scene.now_ms);
    EXPECT_TRUE(scene.host.broadcasts.empty());
    EXPECT_TRUE(scene.layer.leave_heard());
}

TEST(serf_intents, a_join_is_told_with_the_time_of_all_that_was_seen) {
    SerfScene scene;
    scene.hear(join(70, "a"));
    scene.layer.announce_join();
    EXPECT_EQ(scene.last_broadcast<JoinIntent>().time, 71U);
    EXPECT_EQ(scene.pushed().status_times.at("self"), 71U);
}

TEST(serf_intents, a_failed_member_can_be_made_to_leave) {
    SerfScene scene;
    scene.goes("a", NodeState::dead);
    EXPECT_TRUE(scene.layer.force_leave("a", false, scene.now_ms));
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::left);
    EXPECT_EQ(scene.last_broadcast<LeaveIntent>().node, "a");
    ASSERT_EQ(scene.host.events.size(), 1U);
    EXPECT_EQ(scene.host.events[0].kind, MemberEventKind::left);
    EXPECT_EQ(scene.host.events[0].member.name, "a");
    EXPECT_TRUE(scene.host.forgotten.empty());
}

TEST(serf_intents, a_failed_member_can_be_forgotten_at_once) {
    SerfScene scene;
    scene.goes("a", NodeState::dead);
    EXPECT_TRUE(scene.layer.force_leave("a", true, scene.now_ms));
    EXPECT_TRUE(scene.last_broadcast<LeaveIntent>().prune);
    EXPECT_EQ(scene.layer.next_due_ms(), 0U);
    scene.layer.on_timer(scene.now_ms);
    EXPECT_EQ(scene.host.forgotten, std::vector<std::string>{"a"});
    scene.layer.on_forgotten("a");
    EXPECT_EQ(scene.pushed().status_times.count("a"), 0U);
    EXPECT_EQ(scene.layer.next_due_ms(), UINT64_MAX);
}

TEST(serf_intents, a_member_to_be_forgotten_is_so_when_it_is_gone) {
    SerfScene scene;
    scene.hear(leave(5, "a", true));
    scene.layer.on_timer(scene.now_ms);
    EXPECT_TRUE(scene.host.forgotten.empty());
    scene.goes("a", NodeState::left);
    scene.layer.on_timer(scene.now_ms);
    EXPECT_EQ(scene.host.forgotten, std::vector<std::string>{"a"});
    // Unless it is back before.
    scene.hear(leave(5, "b", true));
    scene.hear(join(6, "b"));
    scene.goes("b", NodeState::dead);
    scene.layer.on_timer(scene.now_ms);
    EXPECT_EQ(scene.host.forgotten.size(), 1U);
}

TEST(serf_intents, only_a_failed_member_can_be_made_to_leave) {
    SerfScene scene;
    EXPECT_FALSE(scene.layer.force_leave("a", false, scene.now_ms));
    EXPECT_FALSE(scene.layer.force_leave("self", false, scene.now_ms));
    EXPECT_FALSE(scene.layer.force_leave("nobody", false, scene.now_ms));
    EXPECT_TRUE(scene.host.broadcasts.empty());
}

TEST(serf_intents, a_time_far_ahead_of_ours_is_refused) {
    SerfScene scene;
    const LamportTime before = scene.pushed().time;
    scene.hear(leave(UINT64_MAX, "a"));
    scene.hear(join(before + kLamportStep + 1, "a"));
    scene.hear(leave(5, ""));
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>(3, Refusal::bad_intent));
    EXPECT_EQ(scene.pushed().time, before);
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::alive);
    EXPECT_TRUE(scene.host.broadcasts.empty());
}

TEST(serf_intents, a_time_as_far_ahead_as_may_be_leaves_room_for_ours) {
    SerfScene scene;
    SerfScene other;
    const LamportTime made_up = scene.pushed().time + kLamportStep;
    scene.hear(leave(made_up, "a"));
    other.hear(leave(made_up, "a"));
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::leaving);
    scene.layer.announce_join();
    other.hear(scene.last_broadcast<JoinIntent>());
    other.hear(join(made_up + 9, "a"));
    EXPECT_EQ(other.layer.status("a"), MemberStatus::alive);
    EXPECT_TRUE(scene.host.refused.empty() && other.host.refused.empty());
}

TEST(serf_intents, names_said_again_stay_five_minutes_from_then_on) {
    SerfScene scene;
    for (std::size_t i = 0; i < IntentBuffer::kNamesMax; ++i) {
        scene.hear(join(5, ("n" + std::to_string(i)).c_str()));
    }
    scene.now_ms += IntentBuffer::kKeepMs - 1;
    scene.hear(leave(6, "n0"));
    scene.now_ms += 1;
    scene.hear(join(5, "more"));
    EXPECT_TRUE(scene.host.refused.empty());
    scene.layer.on_alive("n0", scene.now_ms);
    EXPECT_EQ(scene.layer.status("n0"), MemberStatus::leaving);
    scene.layer.on_alive("n1", scene.now_ms);
    EXPECT_EQ(scene.pushed().status_times.at("n1"), 0U);
}

TEST(serf_intents, a_later_word_of_us_from_an_earlier_life_is_answered) {
    SerfScene scene;
    scene.merge({.time = 50, .status_times = {{"self", 40}}});
    EXPECT_EQ(scene.last_broadcast<JoinIntent>().node, "self");
    EXPECT_GT(scene.last_broadcast<JoinIntent>().time, 40U);
    // That was the last word, so nothing goes round.
    scene.hear(scene.last_broadcast<JoinIntent>());
    EXPECT_EQ(scene.take_broadcasts().size(), 1U);
}

TEST(serf_intents, who_came_back_is_not_leaving_because_somebody_still_has_it_left) {
    SerfScene scene;
    scene.hear(leave(5, "a"));
    scene.goes("a", NodeState::left);
    scene.layer.on_alive("a", scene.now_ms);
    for (int round = 0; round < 3; ++round) {
        scene.merge(
            {.time = 9, .status_times = {{"a", 5}, {"new", 5}}, .left_members = {"a", "new"}});
    }
    EXPECT_EQ(scene.layer.status("a"), MemberStatus::alive);
    EXPECT_EQ(scene.pushed().status_times.at("a"), 5U);
    scene.layer.on_alive("new", scene.now_ms);
    EXPECT_EQ(scene.layer.status("new"), MemberStatus::alive);
}

}  // namespace
}  // namespace posthaste::gossip::membership
