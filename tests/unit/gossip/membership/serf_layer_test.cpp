// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/serf_layer.h"

#include <gtest/gtest.h>

#include "gossip/membership/stream.h"
#include "tests/support/hex.h"
#include "tests/support/membership_vectors.h"
#include "tests/support/serf_scene.h"

namespace posthaste::gossip::membership {
namespace {

using support::SerfScene;

UserEvent event(LamportTime time, const std::string& name, const std::string& payload = "p") {
    return {.time = time, .name = name, .payload = payload};
}

TEST(serf_layer, an_event_is_told_once_and_relayed_once_as_it_came) {
    SerfScene scene;
    const std::string payload = support::text_from_hex(support::kSerfEvent.substr(12));
    scene.layer.on_user(payload, scene.now_ms);
    scene.layer.on_user(payload, scene.now_ms);
    EXPECT_EQ(scene.take_broadcasts(), std::vector<std::string>{payload});
    ASSERT_EQ(scene.host.events.size(), 1U);
    EXPECT_EQ(scene.host.events[0].kind, MemberEventKind::user_event);
    EXPECT_EQ(scene.host.events[0].text, "e1");
    EXPECT_EQ(scene.host.events[0].payload, "pay");
}

TEST(serf_layer, events_of_one_time_differ_by_name_and_payload) {
    SerfScene scene;
    scene.hear(event(5, "e"));
    scene.hear(event(5, "f"));
    scene.hear(event(5, "e", "q"));
    scene.hear(event(5, "e"));
    scene.hear(event(6, "e"));
    EXPECT_EQ(scene.host.events.size(), 4U);
    EXPECT_EQ(scene.host.broadcasts.size(), 4U);
}

TEST(serf_layer, an_event_older_than_512_times_is_dropped) {
    SerfScene scene;
    scene.hear(event(1'000, "now"));
    scene.hear(event(1'001 - 512, "last"));
    EXPECT_EQ(scene.host.events.size(), 2U);
    scene.hear(event(1'000 - 512, "old"));
    EXPECT_EQ(scene.host.events.size(), 2U);
    EXPECT_EQ(scene.host.broadcasts.size(), 2U);
}

TEST(serf_layer, too_many_events_of_one_time_are_refused) {
    SerfScene scene;
    for (std::size_t i = 0; i <= EventBuffer::kEventsOfATime; ++i) {
        scene.hear(event(5, std::to_string(i)));
    }
    EXPECT_EQ(scene.host.events.size(), EventBuffer::kEventsOfATime);
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>{Refusal::queue_full});
}

TEST(serf_layer, events_hold_no_more_than_4_MiB_and_are_not_told_twice_for_it) {
    EventBuffer buffer;
    const std::string payload(8'000, 'x');
    std::size_t fresh = 0;
    for (int round = 0; round < 2; ++round) {
        for (LamportTime time = 1; time <= 500; ++time) {
            for (const char* name : {"a", "b", "c"}) {
                fresh += buffer.add(event(time, name, payload), 501) == Novelty::fresh ? 1 : 0;
                EXPECT_LE(buffer.bytes(), EventBuffer::kBytesMax);
            }
        }
    }
    EXPECT_EQ(fresh, 1'500U);
}

TEST(serf_layer, no_more_events_are_kept_than_a_peer_takes) {
    SerfScene scene;
    for (LamportTime time = 1; time <= kPushEventsMax / EventBuffer::kEventsOfATime + 2; ++time) {
        for (std::size_t i = 0; i < EventBuffer::kEventsOfATime; ++i) {
            scene.hear(event(time, std::to_string(i), ""));
        }
    }
    EXPECT_TRUE(scene.host.refused.empty());
    SerfScene peer;
    peer.merge(scene.pushed());
    EXPECT_EQ(peer.host.events.size(), kPushEventsMax);
    EXPECT_TRUE(peer.host.refused.empty());
}

TEST(serf_layer, our_events_are_told_to_all_and_to_us) {
    SerfScene scene;
    scene.hear(event(9, "before"));
    static_cast<void>(scene.take_broadcasts());
    EXPECT_TRUE(scene.layer.send_event("deploy", "v2"));
    ASSERT_EQ(scene.host.broadcasts.size(), 1U);
    const auto sent = scene.last_broadcast<UserEvent>();
    EXPECT_EQ(sent.time, 10U);
    EXPECT_EQ(sent.name, "deploy");
    EXPECT_EQ(scene.host.events.back().text, "deploy");
    // It comes back, and is known.
    scene.hear(sent);
    EXPECT_EQ(scene.host.broadcasts.size(), 1U);
    EXPECT_EQ(scene.host.events.size(), 2U);
}

TEST(serf_layer, our_events_have_at_most_512_bytes) {
    SerfScene scene;
    EXPECT_TRUE(scene.layer.send_event("n", std::string(511, 'p')));
    EXPECT_FALSE(scene.layer.send_event("n", std::string(512, 'p')));
    EXPECT_FALSE(scene.layer.send_event("", "p"));
    EXPECT_EQ(scene.host.broadcasts.size(), 1U);
}

TEST(serf_layer, a_push_pull_says_what_is_known) {
    SerfScene scene;
    scene.hear(JoinIntent{.time = 4, .node = "a"});
    scene.hear(LeaveIntent{.time = 6, .node = "b"});
    scene.goes("b", NodeState::left);
    scene.hear(event(8, "e"));
    const SerfPushPull push = scene.pushed();
    EXPECT_EQ(push.time, 7U);
    EXPECT_EQ(push.event_time, 9U);
    EXPECT_EQ(push.status_times.at("a"), 4U);
    EXPECT_EQ(push.status_times.at("b"), 6U);
    EXPECT_EQ(push.status_times.size(), 4U);
    EXPECT_EQ(push.left_members, std::vector<std::string>{"b"});
    ASSERT_EQ(push.events.size(), 1U);
    EXPECT_EQ(push.events[0].second[0].name, "e");
}

TEST(serf_layer, a_push_pull_is_believed_and_nothing_of_it_relayed) {
    SerfScene scene;
    scene.goes("b", NodeState::dead);
    SerfPushPull push{.time = 50,
                      .status_times = {{"a", 20}, {"b", 30}},
                      .left_members = {"b"},
                      .event_time = 70,
                      .query_time = 90};
    push.events = {{69, {event(69, "missed")}}};
    scene.merge(push);
    EXPECT_EQ(scene.layer.status("b"), MemberStatus::left);
    EXPECT_EQ(scene.pushed().status_times.at("a"), 20U);
    EXPECT_EQ(scene.pushed().status_times.at("b"), 31U);
    EXPECT_EQ(scene.pushed().time, 50U);
    EXPECT_EQ(scene.pushed().event_time, 70U);
    EXPECT_EQ(scene.pushed().query_time, 90U);
    EXPECT_EQ(scene.host.events.back().text, "missed");
    EXPECT_TRUE(scene.host.broadcasts.empty());
}

TEST(serf_layer, who_is_said_to_have_left_and_is_here_says_so) {
    SerfScene scene;
    scene.merge({.time = 50, .status_times = {{"self", 30}}, .left_members = {"self"}});
    EXPECT_EQ(scene.layer.status("self"), MemberStatus::alive);
    EXPECT_GT(scene.last_broadcast<JoinIntent>().time, 31U);
}

TEST(serf_layer, what_happened_before_we_joined_is_not_told) {
    SerfScene scene;
    SerfPushPull push{.time = 5, .event_time = 70};
    push.events = {{69, {event(69, "before")}}};
    scene.merge(push, true);
    EXPECT_TRUE(scene.host.events.empty());
    scene.hear(event(70, "after"));
    EXPECT_EQ(scene.host.events.size(), 1U);
    // A later join is somebody else's, or heals a partition.
    push.event_time = 80;
    push.events = {{75, {event(75, "missed")}}};
    scene.merge(push, true);
    EXPECT_EQ(scene.host.events.size(), 2U);
}

TEST(serf_layer, what_serf_pushed_is_believed) {
    const std::string bytes = support::text_from_hex(support::kSerfPushPull);
    StreamReader reader(Sealing{}, StreamLimits{}, StreamPart::reply);
    reader.add(octets_of(bytes));
    const auto message = reader.next();
    ASSERT_TRUE(message.has_value() && message->has_value());
    const auto& push = std::get<PushPull>(**message);
    SerfScene scene;
    scene.layer.merge_user_state(push.user_state, false, scene.now_ms);
    EXPECT_TRUE(scene.host.refused.empty());
    ASSERT_EQ(scene.host.events.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(scene.host.events[i].text, "deploy" + std::to_string(i));
        EXPECT_EQ(scene.host.events[i].payload, "payload-" + std::to_string(i));
    }
    EXPECT_EQ(scene.pushed().event_time, scene.pushed().events.back().first + 1);
    EXPECT_TRUE(scene.host.broadcasts.empty());
}

TEST(serf_layer, two_whose_clocks_are_far_apart_meet_again) {
    SerfScene scene;
    const LamportTime far = 3 * kLamportStep;
    const SerfPushPull push{.time = far, .status_times = {{"a", far - 1}}, .event_time = 9};
    for (int round = 0; round < 2; ++round) {
        scene.merge(push);
        EXPECT_EQ(scene.pushed().status_times.at("a"), 0U);
    }
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>(2, Refusal::bad_intent));
    scene.merge(push);
    EXPECT_EQ(scene.pushed().time, far);
    EXPECT_EQ(scene.pushed().status_times.at("a"), far - 1);
    EXPECT_EQ(scene.host.refused.size(), 2U);
}

TEST(serf_layer, one_clock_out_of_reach_takes_nothing_but_what_it_orders) {
    SerfScene scene;
    SerfPushPull push{.time = 9, .status_times = {{"a", 8}}, .event_time = 9};
    push.query_time = 3 * kLamportStep;
    scene.merge(push);
    EXPECT_EQ(scene.pushed().status_times.at("a"), 8U);
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>(1, Refusal::bad_intent));
    push.query_time = 0;
    push.event_time = 3 * kLamportStep;
    push.status_times["a"] = 10;
    push.time = 11;
    scene.merge(push);
    EXPECT_EQ(scene.pushed().status_times.at("a"), 10U);
    EXPECT_EQ(scene.host.refused.size(), 2U);
}

TEST(serf_layer, a_user_state_that_is_none_is_refused_and_changes_nothing) {
    SerfScene scene;
    const std::string before = scene.layer.user_state();
    scene.layer.merge_user_state("foreign", false, scene.now_ms);
    scene.layer.merge_user_state(encode_serf(JoinIntent{.time = 9, .node = "a"}), false, 1'000);
    scene.layer.merge_user_state(encode_serf(SerfPushPull{}).substr(0, 20), false, 1'000);
    scene.merge({.time = UINT64_MAX});
    scene.merge({.status_times = {{"a", 9}, {"b", UINT64_MAX}}});
    scene.merge({.event_time = UINT64_MAX});
    EXPECT_EQ(scene.host.refused.size(), 6U);
    EXPECT_EQ(scene.layer.user_state(), before);
}

TEST(serf_layer, private_and_unexpected_messages_are_refused_and_not_relayed) {
    SerfScene scene;
    scene.layer.on_user("\xe7private", scene.now_ms);
    scene.layer.on_user("", scene.now_ms);
    scene.hear(SerfPushPull{});
    scene.hear(KeyRequest{std::string(16, 'k')});
    scene.hear(KeyResponse{});
    scene.hear(ConflictResponse{});
    EXPECT_EQ(scene.host.refused,
              (std::vector<Refusal>{Refusal::unknown_type,
                                    Refusal::truncated,
                                    Refusal::unexpected_message,
                                    Refusal::unexpected_message,
                                    Refusal::unexpected_message,
                                    Refusal::unexpected_message}));
    EXPECT_TRUE(scene.host.broadcasts.empty());
    EXPECT_TRUE(scene.host.sent.empty());
}

TEST(serf_layer, an_event_far_ahead_of_our_clock_is_refused) {
    SerfScene scene;
    scene.hear(event(UINT64_MAX, "e"));
    scene.hear(event(kLamportStep + 2, "e"));
    EXPECT_EQ(scene.host.refused, std::vector<Refusal>(2, Refusal::malformed));
    EXPECT_EQ(scene.pushed().event_time, 1U);
    EXPECT_TRUE(scene.host.events.empty());
}

TEST(serf_layer, messages_are_counted_by_their_type) {
    SerfScene scene;
    scene.hear(event(5, "e"));
    scene.hear(event(5, "e"));
    const auto& counters = scene.host.counters();
    EXPECT_EQ(counters.serf_received[3], 2U);
    EXPECT_EQ(counters.serf_sent[3], 1U);
}

}  // namespace
}  // namespace posthaste::gossip::membership
