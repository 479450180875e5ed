// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/route_plane.h"

#include <gtest/gtest.h>

#include "tests/support/plane_talk.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::support::attach;
using posthaste::support::numbered_id;
using posthaste::support::offering;
using posthaste::support::PlaneGroup;
using posthaste::support::Stranger;
using posthaste::support::winner;

bool has_event(const std::vector<Event>& events, EventKind kind) {
    return std::any_of(
        events.begin(), events.end(), [kind](const Event& event) { return event.kind == kind; });
}

TEST(route_plane, what_is_attached_before_and_after_the_connection_is_known_everywhere) {
    PlaneGroup group(3);
    for (std::uint32_t agent = 1; agent <= 30; ++agent) {
        attach(group, 1, agent);
    }
    group.connect_all();
    group.pass(50);
    attach(group, 2, 40);
    group.pass(50);
    for (const std::size_t at : {1U, 2U, 3U}) {
        EXPECT_EQ(winner(group, at, 7), 1U);
        EXPECT_EQ(winner(group, at, 40), 2U);
    }
    EXPECT_TRUE(group.agree());
    const auto best = group[3].store().best(numbered_id(7));
    const auto offers = offers_of(group[3].store().sets().text(best->set));
    ASSERT_TRUE(offers);
    EXPECT_EQ(offers->at(0).text, "a/b");
    EXPECT_EQ(offers->at(0).priority, 9);
}

TEST(route_plane, a_change_is_pushed_without_a_digest) {
    PlaneGroup group(2);
    attach(group, 1, 1);
    group.connect(1, 2);
    group.pass(200);
    const auto roots = group[1].counters().sent[static_cast<std::size_t>(MessageKind::pull)] +
                       group[2].counters().sent[static_cast<std::size_t>(MessageKind::pull)];
    attach(group, 1, 2);
    group.pass(20);
    EXPECT_EQ(winner(group, 2, 2), 1U);
    EXPECT_EQ(group[2].counters().pushes_applied, 1U);
    EXPECT_EQ(group[1].counters().sent[static_cast<std::size_t>(MessageKind::pull)] +
                  group[2].counters().sent[static_cast<std::size_t>(MessageKind::pull)],
              roots);
}

TEST(route_plane, how_often_it_pushes_and_compares_can_change_while_it_runs) {
    PlaneOptions options = PlaneGroup::small_options();
    options.push_ms = 1'000'000;
    options.digest_ms = 1'000'000;
    PlaneGroup group(2, options);
    group.connect(1, 2);
    group.pass(100);
    attach(group, 1, 1);
    group.pass(5'000);
    ASSERT_EQ(winner(group, 2, 1), 0U) << "neither is due";
    options.push_ms = 10;
    group[1].set_options(options);
    group.pass(20);
    EXPECT_EQ(winner(group, 2, 1), 1U);
    attach(group, 1, 2);
    group.pass(30);
    EXPECT_EQ(winner(group, 2, 2), 1U);
}

TEST(route_plane, what_one_router_knows_of_a_dead_one_reaches_the_others) {
    PlaneGroup group(3);
    group.connect(1, 2);
    attach(group, 1, 1);
    group.pass(300);
    group.cut(1, 2);
    group.connect(2, 3);
    group.pass(300);
    EXPECT_EQ(winner(group, 3, 1), 1U);
}

TEST(route_plane, a_move_wins_and_the_old_session_is_closed_after_a_grace) {
    PlaneGroup group(2);
    group.connect(1, 2);
    attach(group, 1, 1);
    group.pass(200);
    attach(group, 2, 1);
    group.pass(200);
    EXPECT_EQ(winner(group, 1, 1), 2U);
    EXPECT_FALSE(has_event(group[1].take_events(), EventKind::close_session));
    group.pass(2'100);
    EXPECT_TRUE(has_event(group[1].take_events(), EventKind::close_session));
    EXPECT_TRUE(group[1].own().detach(numbered_id(1), group.now_ms));
    group.pass(2'500);
    EXPECT_FALSE(has_event(group[1].take_events(), EventKind::close_session));
    EXPECT_EQ(winner(group, 1, 1), 2U);
}

TEST(route_plane, a_multi_homed_agent_never_moves_and_none_of_its_sessions_is_closed) {
    PlaneGroup group(3);
    group.connect_all();
    const auto agent = numbered_id(1);
    for (std::uint32_t round = 0; round < 4 * MoveLimits{}.moves_max; ++round) {
        OwnClaims& own = group[1 + round % 2].own();
        const Attachment here{.multi = true, .new_session = true, .epoch = round / 2};
        EXPECT_FALSE(own.refusal_of(agent, here, group.now_ms));
        ASSERT_TRUE(own.attach(agent, here, group.now_ms)) << round;
        group.pass(500);
    }
    group.pass(3'000);
    for (const std::size_t at : {1U, 2U}) {
        const OwnCounts& counts = group[at].own().counts();
        EXPECT_EQ(counts.moved_here + counts.refused + counts.superseded, 0U);
        const auto events = group[at].take_events();
        EXPECT_FALSE(has_event(events, EventKind::close_session));
        EXPECT_FALSE(has_event(events, EventKind::frozen));
        EXPECT_EQ(group[at].store().winners(agent).size(), 2U);
    }
    // Where it is not, the best of its claims is; when its router is out, the other.
    const std::uint64_t first = winner(group, 3, 1);
    group[3].set_member(PlaneGroup::id(first), Membership::out);
    EXPECT_EQ(winner(group, 3, 1), 3 - first);
}

TEST(route_plane, an_agent_that_is_multi_homed_no_more_is_where_it_said_so) {
    PlaneGroup group(2);
    group.connect(1, 2);
    for (const std::size_t at : {1U, 2U}) {
        ASSERT_TRUE(group[at].own().attach(numbered_id(1), {.multi = true}, group.now_ms));
        group.pass(200);
    }
    ASSERT_TRUE(group[1].own().attach(numbered_id(1), {}, group.now_ms));
    group.pass(200);
    EXPECT_EQ(winner(group, 1, 1), 1U);
    EXPECT_EQ(winner(group, 2, 1), 1U);
    EXPECT_EQ(group[1].own().counts().moved_here, 1U);
    group.pass(2'100);
    EXPECT_FALSE(has_event(group[1].take_events(), EventKind::close_session));
    EXPECT_TRUE(has_event(group[2].take_events(), EventKind::close_session));
}

TEST(route_plane, a_lower_epoch_wins_by_no_move_and_a_higher_one_wins_without) {
    PlaneGroup group(2);
    group.connect(1, 2);
    ASSERT_TRUE(group[1].own().attach(numbered_id(1), {.epoch = 5}, group.now_ms));
    group.pass(200);
    ASSERT_TRUE(group[2].own().attach(numbered_id(1), {.epoch = 4}, group.now_ms));
    group.pass(200);
    EXPECT_EQ(group[2].store().own(numbered_id(1))->body.mobility, 2U) << "it moved";
    EXPECT_EQ(winner(group, 1, 1), 1U);
    EXPECT_EQ(winner(group, 2, 1), 1U);
    ASSERT_TRUE(group[2].own().attach(numbered_id(1), {.epoch = 6}, group.now_ms));
    group.pass(200);
    EXPECT_EQ(group[2].store().own(numbered_id(1))->body.mobility, 2U) << "it is there already";
    EXPECT_EQ(winner(group, 1, 1), 2U);
    EXPECT_EQ(winner(group, 2, 1), 2U);
}

TEST(route_plane, a_router_that_lost_its_disk_takes_its_keyspace_back) {
    PlaneGroup group(2);
    group.add(1, {7, 7});
    group.connect(1, 2);
    attach(group, 1, 1);
    group[1].own().end_of_rib(group.now_ms);
    group.pass(200);
    group.cut(1, 2);
    group.add(1, {1, 999});  // far behind what the other knows
    attach(group, 1, 2);
    group[1].own().end_of_rib(group.now_ms);
    group.connect(1, 2);
    group.pass(500);
    EXPECT_EQ(winner(group, 2, 1), 0U);
    EXPECT_EQ(winner(group, 2, 2), 1U);
    EXPECT_EQ(group[1].store().row(RouterId{1})->at.generation.counter, 8U);
    EXPECT_TRUE(has_event(group[1].take_events(), EventKind::renewed));
    EXPECT_TRUE(group.agree());
}

TEST(route_plane, a_peer_that_missed_more_than_is_remembered_gets_it_all) {
    PlaneOptions options = PlaneGroup::small_options();
    options.own.withdrawn_ms = 100;
    PlaneGroup group(2, options);
    group.connect(1, 2);
    attach(group, 1, 1);
    attach(group, 1, 2);
    group.pass(200);
    group.cut(1, 2);
    EXPECT_TRUE(group[1].own().detach(numbered_id(1), group.now_ms));
    group.pass(500);
    EXPECT_GT(group[1].store().row(RouterId{1})->floor, 0U);
    group.connect(1, 2);
    const auto before = group[2].counters().snapshots_published;
    group.pass(200);
    EXPECT_EQ(winner(group, 2, 1), 0U);
    EXPECT_EQ(winner(group, 2, 2), 1U);
    EXPECT_EQ(group[2].counters().snapshots_published, before + 1);
}

TEST(route_plane, what_a_router_forgets_its_peers_forget_too_while_nothing_changes) {
    PlaneOptions options = PlaneGroup::small_options();
    options.own.withdrawn_ms = 100;
    options.floor_ms = 300;
    PlaneGroup group(3, options);
    group.connect_all();
    for (std::uint32_t agent = 1; agent <= 20; ++agent) {
        attach(group, 1, agent);
    }
    group.pass(200);
    for (std::uint32_t agent = 1; agent < 20; ++agent) {
        EXPECT_TRUE(group[1].own().detach(numbered_id(agent), group.now_ms));
    }
    group.pass(50);
    ASSERT_EQ(group[2].store().keyspace(RouterId{1})->gone, 19U);
    group.pass(1'000);
    for (const std::size_t at : {1U, 2U, 3U}) {
        EXPECT_EQ(group[at].store().keyspace(RouterId{1})->gone, 0U) << at;
        EXPECT_EQ(group[at].store().keyspace(RouterId{1})->records, 2U) << at;
    }
    EXPECT_TRUE(group.agree());
    // Once is enough.
    const auto rows = group[1].counters().sent[static_cast<std::size_t>(MessageKind::digest_rows)];
    group.pass(1'000);
    EXPECT_EQ(group[1].counters().sent[static_cast<std::size_t>(MessageKind::digest_rows)], rows);
}

TEST(route_plane, routers_that_remember_different_amounts_agree_all_the_same) {
    PlaneOptions options = PlaneGroup::small_options();
    PlaneGroup group(2, options);
    group.connect(1, 2);
    options.store.limits.withdrawn_max = 5;
    group.add(3, {1, 103}, options);
    group.connect(1, 3);
    group.pass(200);
    for (std::uint32_t agent = 1; agent <= 60; ++agent) {
        attach(group, 1, agent);
        EXPECT_TRUE(group[1].own().detach(numbered_id(agent), group.now_ms));
        attach(group, 1, agent + agent % 2);
        group.pass(20);
    }
    EXPECT_EQ(group[3].store().withdrawn(), 5U);
    EXPECT_GT(group[2].store().withdrawn(), 5U);
    EXPECT_TRUE(group.agree());
    // Who missed it reads it from the one that has forgotten most.
    group.cut(1, 2);
    EXPECT_TRUE(group[1].own().detach(numbered_id(20), group.now_ms));
    for (std::uint32_t agent = 100; agent < 120; ++agent) {
        attach(group, 1, agent);
        EXPECT_TRUE(group[1].own().detach(numbered_id(agent), group.now_ms));
    }
    group.pass(200);
    group.cut(1, 3);
    const auto before = group[2].counters().snapshots_published;
    group.connect(2, 3);
    group.pass(500);
    EXPECT_TRUE(group.agree());
    EXPECT_EQ(winner(group, 2, 20), 0U);
    EXPECT_EQ(winner(group, 2, 22), 1U);
    EXPECT_EQ(group[2].counters().snapshots_published, before + 1);
}

TEST(route_plane, a_pull_that_is_cut_off_leaves_nothing_behind) {
    PlaneGroup group(2);
    for (std::uint32_t agent = 1; agent <= 50; ++agent) {
        attach(group, 1, agent);
    }
    group.connect(1, 2);
    for (int i = 0; i < 40 && group[2].store().table().used() < 3; ++i) {
        group.carry(100);
    }
    ASSERT_GE(group[2].store().table().used(), 3U);
    EXPECT_EQ(winner(group, 2, 1), 0U);
    group.cut(1, 2);
    group.pass(20);
    EXPECT_EQ(group[2].store().table().used(), 0U);
    group.connect(1, 2);
    group.pass(20);
    EXPECT_EQ(winner(group, 2, 50), 1U);
}

TEST(route_plane, loads_arrive_together_and_change_no_version) {
    PlaneGroup group(2);
    group.connect(1, 2);
    attach(group, 1, 1);
    group.pass(200);
    const auto before = *group[2].store().row(RouterId{1});
    const auto frames = group[1].counters().sent[static_cast<std::size_t>(MessageKind::load)];
    for (std::uint16_t load = 1; load <= 100; ++load) {
        group[1].own().set_load(numbered_id(1), {load, load});
    }
    group.pass(200);
    EXPECT_EQ(group[2].store().best(numbered_id(1))->load.per_mille, 100);
    EXPECT_EQ(*group[2].store().row(RouterId{1}), before);
    EXPECT_EQ(group[1].counters().sent[static_cast<std::size_t>(MessageKind::load)], frames + 1);
    EXPECT_FALSE(group[2].take_load_changes().empty());
}

TEST(route_plane, a_range_whose_chunks_have_nothing_ends) {
    Stranger stranger;
    stranger.offer(3);
    stranger.say(RangeBegin{.id = 1, .router = RouterId{3}, .generation = {1, 1}});
    EXPECT_EQ(stranger.group[1].session_of(RouterId{2})->pulls(), 1U);
    stranger.say(RangeChunk{.id = 1, .sequence = 0, .entries = {}});
    EXPECT_EQ(stranger.refused(Refusal::malformed), 1U);
    EXPECT_EQ(stranger.group[1].session_of(RouterId{2})->pulls(), 0U);
}

TEST(route_plane, a_push_of_another_life_is_refused_and_asked_about) {
    Stranger stranger;
    stranger.say(Push{.life = 1, .from = 1, .to = 2, .entries = {}});
    EXPECT_EQ(stranger.refused(Refusal::not_from_start), 1U);
    EXPECT_EQ(stranger.group[1].store().origins(), 1U);
}

TEST(route_plane, pushes_of_a_keyspace_that_is_being_pulled_ask_no_more) {
    Stranger stranger;
    const auto roots = [&] {
        return stranger.group[1]
            .counters()
            .sent[static_cast<std::size_t>(MessageKind::digest_root)];
    };
    const auto before = roots();
    stranger.offer(2);
    for (std::uint64_t version = 6; version < 20; ++version) {
        stranger.say(
            Push{.life = tag_of({1, 1}), .from = version - 1, .to = version, .entries = {}});
    }
    EXPECT_EQ(roots(), before) << "it is on its way";
    stranger.say(RangeAbort{1, true, Refusal::unknown_keyspace});
    for (std::uint64_t version = 20; version < 30; ++version) {
        stranger.say(
            Push{.life = tag_of({1, 1}), .from = version - 1, .to = version, .entries = {}});
    }
    EXPECT_EQ(roots(), before + 1) << "once, and then with the digests";
    EXPECT_EQ(stranger.refused(Refusal::not_from_start), 24U);
}

TEST(route_plane, the_drift_that_is_told_is_that_of_the_peer_furthest_away) {
    Stranger stranger;
    stranger.say(DigestRows{
        .all = true, .answer = true, .rows = {{.router = RouterId{7}, .at = {{1, 1}, 5}}}});
    EXPECT_EQ(stranger.group[1].counters().drift_max, 5U);
    EXPECT_TRUE(stranger.group[1].connect(10, false, std::nullopt, stranger.group.now_ms));
    const auto hello = encode(Hello{RouterId{3}}, cluster_hash("posthaste"));
    stranger.group[1].receive(10, hello, stranger.group.now_ms);
    const auto same =
        encode(DigestRoot{stranger.group[1].store().root()}, cluster_hash("posthaste"));
    stranger.group[1].receive(10, same, stranger.group.now_ms);
    EXPECT_EQ(stranger.group[1].counters().drift_max, 5U) << "a peer that is alike hides nobody";
    stranger.group[1].disconnect(9, stranger.group.now_ms);
    EXPECT_EQ(stranger.group[1].counters().drift_max, 0U);
}

TEST(route_plane, two_connections_between_two_routers_become_one) {
    PlaneGroup group(2);
    group.connect(2, 1);
    group.connect(1, 2);
    group.pass(50);
    ASSERT_NE(group[1].session_of(RouterId{2}), nullptr);
    EXPECT_EQ(group[1].session_of(RouterId{2})->connection(), 2U);
    EXPECT_EQ(group[2].session_of(RouterId{1})->connection(), 2U);
    EXPECT_EQ(group[1].closed(1), Refusal::duplicate_session);
}

TEST(route_plane, connections_that_say_nothing_or_say_it_wrong_are_ended) {
    PlaneGroup group(1);
    const auto bytes_of = [](const Message& message, const char* cluster) {
        return encode(message, cluster_hash(cluster));
    };
    const auto other = [&](std::vector<std::uint8_t> bytes) {
        static ConnectionId id = 100;
        ++id;
        EXPECT_TRUE(group[1].connect(id, false, std::nullopt, group.now_ms));
        group[1].receive(id, bytes, group.now_ms);
        group.pass(6'000, 1'000);
        const auto why = group[1].closed(id);
        group[1].disconnect(id, group.now_ms);
        return why;
    };
    auto later = bytes_of(Hello{RouterId{2}}, "posthaste");
    later[5] = 9;
    auto huge = later;
    huge[0] = 1;
    EXPECT_EQ(other({}), Refusal::no_hello);
    EXPECT_EQ(other(bytes_of(Hello{RouterId{2}}, "elsewhere")), Refusal::wrong_cluster);
    EXPECT_EQ(other(bytes_of(Hello{RouterId{1}}, "posthaste")), Refusal::own_router_id);
    EXPECT_EQ(other(bytes_of(DigestRoot{1}, "posthaste")), Refusal::no_hello);
    EXPECT_EQ(other(later), Refusal::other_version);
    EXPECT_EQ(other(huge), Refusal::oversize);
    EXPECT_EQ(other(bytes_of(Hello{RouterId{2}}, "posthaste")), std::nullopt);
}

TEST(route_plane, a_message_of_more_records_than_a_call_may_take_is_refused) {
    const auto decoded = [](std::uint32_t entries) {
        Push push{.life = 1, .from = 1, .to = 1 + entries, .fingerprint = 0, .entries = {}};
        for (std::uint32_t i = 0; i < entries; ++i) {
            Entry& entry = push.entries.emplace_back();
            entry.key = posthaste::support::numbered_id(i);
            entry.version = 2 + i;
            entry.body.state = posthaste::routing::AgentState::running;
        }
        const auto frame = encode(push, cluster_hash("posthaste"));
        return decode(static_cast<std::uint8_t>(MessageKind::push),
                      std::span(frame).subspan(kFrameHeaderBytes));
    };
    EXPECT_TRUE(decoded(kEntriesMax).has_value());
    EXPECT_EQ(decoded(kEntriesMax + 1).error(), Refusal::oversize);
}

}  // namespace
