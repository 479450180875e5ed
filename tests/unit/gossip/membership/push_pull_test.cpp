// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>

#include "gossip/membership/address.h"
#include "gossip/membership/stream.h"
#include "tests/support/member_world.h"

namespace posthaste::gossip::membership {

namespace {

using test::MemberWorld;

PushNode row_of(MemberWorld::Number number, std::uint32_t incarnation, NodeState state) {
    const SocketAddress address = MemberWorld::address_of(number);
    return {.name = MemberWorld::name_of(number),
            .address = address_bytes_of(address),
            .port = address.port,
            .incarnation = incarnation,
            .state = state,
            .versions = MemberWorld::versions()};
}

std::optional<StreamMessage> call(MemberWorld& world,
                                  MemberWorld::Number to,
                                  const StreamMessage& message) {
    const auto answer = world.call(to, encode_stream(message, Sealing{}, {}, StreamPart::request));
    StreamReader reader(Sealing{}, StreamLimits{}, StreamPart::reply);
    reader.add(answer);
    return reader.next().value_or(std::nullopt);
}

TEST(push_pull, the_answer_is_all_that_we_know_in_the_same_shape) {
    MemberWorld world;
    world.add_joined(3);
    const auto answer = call(world, 0, PushPull{.join = true, .user_state = "theirs"});
    ASSERT_TRUE(answer.has_value());
    const auto& state = std::get<PushPull>(*answer);
    EXPECT_TRUE(state.join);
    EXPECT_EQ(state.user_state, "state of " + MemberWorld::name_of(0));
    ASSERT_EQ(state.nodes.size(), 3U);
    for (const PushNode& row : state.nodes) {
        EXPECT_EQ(row.versions, MemberWorld::versions());
        EXPECT_EQ(row.address.size(), 4U);
    }
    EXPECT_EQ(world.node(0).layer->states.back(), "theirs");
}

TEST(push_pull, an_empty_user_state_never_reaches_the_layer) {
    MemberWorld world;
    world.add_joined(1);
    static_cast<void>(call(world, 0, PushPull{}));
    EXPECT_TRUE(world.node(0).layer->states.empty());
}

TEST(push_pull, rows_are_merged_by_the_rules_and_a_death_is_only_a_suspicion) {
    MemberWorld world;
    world.add_joined(4);
    world.passes_datagram = [](auto, auto) { return false; };
    world.passes_stream = world.passes_datagram;
    PushPull remote;
    remote.nodes = {row_of(1, world.incarnation(0, 1), NodeState::dead),
                    row_of(2, world.incarnation(0, 2), NodeState::left),
                    row_of(7, 4, NodeState::alive),
                    row_of(8, 4, NodeState::dead),
                    row_of(0, world.incarnation(0, 0) + 3, NodeState::suspect)};
    const std::uint32_t mine = world.incarnation(0, 0);
    static_cast<void>(call(world, 0, remote));
    EXPECT_EQ(world.status(0, 1), "suspect");
    EXPECT_EQ(world.at(0).find(MemberWorld::name_of(2)).state, NodeState::left);
    EXPECT_EQ(world.status(0, 7), "alive");
    EXPECT_EQ(world.status(0, 8), "") << "the dead are nobody's news";
    EXPECT_EQ(world.incarnation(0, 0), mine + 4) << "refuted";
}

TEST(push_pull, a_row_that_does_not_fit_stops_neither_the_others_nor_the_user_state) {
    MemberWorld world;
    world.add_joined(2);
    PushPull remote{.user_state = "good"};
    remote.nodes = {row_of(7, 1, NodeState::alive), row_of(8, 1, NodeState::alive)};
    remote.nodes[0].versions = std::string(6, '\0');
    static_cast<void>(call(world, 0, remote));
    EXPECT_EQ(world.status(0, 7), "");
    EXPECT_EQ(world.status(0, 8), "alive");
    EXPECT_EQ(world.node(0).layer->states.back(), "good");
    EXPECT_EQ(world.refused(0, Refusal::bad_versions), 1U);
}

TEST(push_pull, of_a_peer_of_another_protocol_nothing_is_believed) {
    MemberWorld world;
    world.add_joined(2);
    const std::size_t states = world.node(0).layer->states.size();
    PushPull remote{.user_state = "foreign"};
    remote.nodes = {row_of(7, 1, NodeState::alive)};
    remote.nodes[0].versions = std::string("\x01\x05\x02\x06\x07\x06", 6);
    static_cast<void>(call(world, 0, remote));
    EXPECT_EQ(world.node(0).layer->states.size(), states);
}

TEST(push_pull, a_poisoned_datagram_stops_no_join_and_no_exchange) {
    MemberWorld world;
    world.add_joined(3);
    const SocketAddress address = MemberWorld::address_of(99);
    for (MemberWorld::Number i = 0; i < 3; ++i) {
        world.inject(i,
                     i,
                     Alive{.incarnation = 1,
                           .node = "poison",
                           .address = address_bytes_of(address),
                           .port = address.port,
                           .versions = std::string(6, '\0')});
    }
    const auto answer = call(world, 0, PushPull{.join = true});
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(std::get<PushPull>(*answer).nodes.size(), 3U);
    world.add_joined(1);
    EXPECT_TRUE(world.all_see_alive(4));
    const std::size_t before = world.node(0).layer->states.size();
    world.run(200'000);
    EXPECT_GT(world.node(0).layer->states.size(), before);
}

TEST(push_pull, what_gossip_could_not_tell_is_repaired) {
    MemberWorld world;
    world.add_joined(3);
    // No datagram reaches the third; streams do, so it is not taken for dead.
    world.passes_datagram = [](auto, auto to) { return to != 2; };
    ASSERT_TRUE(world.at(0).set_tags({{"a", "b"}}).has_value());
    world.run(1'000);
    EXPECT_EQ(world.count_events(2, MemberEventKind::updated), 0U);
    EXPECT_TRUE(world.run_until(
        [&] { return world.count_events(2, MemberEventKind::updated) == 1; }, 120'000));
}

}  // namespace

}  // namespace posthaste::gossip::membership
