// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "gossip/membership/address.h"
#include "gossip/membership/packet.h"
#include "tests/support/member_world.h"

namespace posthaste::gossip::membership {

namespace {

using test::MemberWorld;

TEST(presence, seeds_are_tried_until_somebody_is_there) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.seeds = {MemberWorld::address_of(0), MemberWorld::address_of(1)};
    world.add(options);
    world.run(60'000);
    EXPECT_FALSE(world.at(0).knows_anybody());
    world.add(MemberWorld::options_of(1));
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(2); }, 6'000));
    EXPECT_GE(world.node(0).layer->joins_announced, 1U);
}

TEST(presence, seeds_that_are_set_later_are_tried_at_once) {
    MemberWorld world;
    world.add(MemberWorld::options_of(0));
    MembershipOptions options = MemberWorld::options_of(1);
    options.seeds = {MemberWorld::address_of(7)};
    world.add(options);
    world.run(60'000);
    ASSERT_FALSE(world.at(1).knows_anybody());
    options.seeds = {MemberWorld::address_of(0)};
    world.at(1).set_options(options);
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(2); }, 100));
}

TEST(presence, how_long_the_failed_are_kept_can_change_while_it_runs) {
    MemberWorld world;
    world.add_joined(3);
    world.crash(2);
    ASSERT_TRUE(world.run_until([&] { return world.status(0, 2) == "failed"; }, 60'000));
    MembershipOptions options = MemberWorld::options_of(0);
    options.reap_ms = 60'000;
    world.at(0).set_options(options);
    world.run(80'000);
    EXPECT_EQ(world.status(0, 2), "");
    EXPECT_EQ(world.status(1, 2), "failed");
}

TEST(presence, who_is_alone_again_goes_back_to_the_seeds) {
    MemberWorld world;
    world.add_joined(1);
    MembershipOptions options = MemberWorld::options_of(1);
    options.seeds = {MemberWorld::address_of(0)};
    world.add(options);
    ASSERT_TRUE(world.run_until([&] { return world.all_see_alive(2); }, 6'000));
    world.crash(0);
    ASSERT_TRUE(world.run_until([&] { return world.status(1, 0) == "failed"; }, 60'000));
    world.run(200'000);
    world.restart(0, MemberWorld::options_of(0));
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(2); }, 12'000));
}

TEST(presence, leaving_is_seen_as_left_by_all_and_takes_its_time) {
    MemberWorld world;
    world.add_joined(4);
    world.at(3).leave(world.now());
    EXPECT_TRUE(world.at(3).leaving());
    ASSERT_TRUE(world.run_until([&] { return world.at(3).left(); }, 12'000));
    for (MemberWorld::Number i = 0; i < 3; ++i) {
        EXPECT_EQ(world.status(i, 3), "left") << i;
        EXPECT_EQ(world.count_events(i, MemberEventKind::left), 1U) << i;
        EXPECT_EQ(world.count_events(i, MemberEventKind::failed), 0U) << i;
    }
}

TEST(presence, nobody_to_tell_makes_leaving_quick) {
    MemberWorld world;
    world.add_joined(1);
    world.at(0).leave(world.now());
    EXPECT_TRUE(world.at(0).left());
}

TEST(presence, our_own_leave_is_never_refuted) {
    MemberWorld world;
    world.add_joined(3);
    world.at(2).leave(world.now());
    ASSERT_TRUE(world.run_until([&] { return world.at(2).left(); }, 12'000));
    const std::uint32_t mine = world.incarnation(2, 2);
    const std::string name = MemberWorld::name_of(2);
    const SocketAddress address = MemberWorld::address_of(2);
    world.inject(2, 0, Suspect{mine + 1, name, MemberWorld::name_of(0)});
    world.inject(2, 0, Dead{mine + 1, name, MemberWorld::name_of(0)});
    world.inject(2, 0, Dead{mine + 1, name, name});
    world.inject(2,
                 0,
                 Alive{.incarnation = mine + 1,
                       .node = name,
                       .address = address_bytes_of(address),
                       .port = address.port,
                       .versions = MemberWorld::versions()});
    world.run(60'000);
    EXPECT_EQ(world.at(2).counters().refutations, 0U);
    EXPECT_EQ(world.incarnation(2, 2), mine);
    EXPECT_EQ(world.status(0, 2), "left");
}

TEST(presence, a_word_of_our_death_while_the_intent_is_on_its_way_is_not_refuted) {
    MemberWorld world;
    world.add_joined(3);
    world.at(2).leave(world.now());
    world.inject(2, 0, Dead{world.incarnation(2, 2), MemberWorld::name_of(2), "x"});
    EXPECT_EQ(world.at(2).counters().refutations, 0U);
}

TEST(presence, who_is_leaving_joins_nobody_and_changes_no_tags) {
    MemberWorld world;
    world.add_joined(2);
    world.at(1).leave(world.now());
    static_cast<void>(world.at(1).take_output());
    world.join(1, 0);
    EXPECT_TRUE(world.at(1).take_output().streams.empty());
    EXPECT_FALSE(world.at(1).set_tags({{"a", "b"}}).has_value());
}

TEST(presence, halves_that_took_each_other_for_dead_meet_again) {
    MemberWorld world;
    world.add_joined(5);
    bool apart = true;
    world.passes_datagram = [&](auto from, auto to) { return !apart || (from < 2) == (to < 2); };
    world.passes_stream = world.passes_datagram;
    // Longer than gossip to the dead: only a reconnect can help.
    world.run(120'000);
    EXPECT_EQ(world.status(0, 4), "failed");
    EXPECT_EQ(world.status(4, 0), "failed");
    apart = false;
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(5); }, 300'000));
}

TEST(presence, halves_that_were_apart_for_a_short_while_meet_again_within_seconds) {
    MemberWorld world;
    world.add_joined(5);
    bool apart = true;
    world.passes_datagram = [&](auto from, auto to) { return !apart || (from < 2) == (to < 2); };
    world.passes_stream = world.passes_datagram;
    world.run(60'000);
    ASSERT_EQ(world.status(0, 4), "failed");
    apart = false;
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(5); }, 15'000));
}

TEST(presence, who_starts_before_its_seeds_finds_them_in_a_moment) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.seeds = {MemberWorld::options_of(1).address};
    world.add(options);
    world.run(300);
    world.add(MemberWorld::options_of(1));
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(2); }, 1'000));
}

TEST(presence, failed_members_are_shown_until_they_are_reaped) {
    MemberWorld world;
    world.add_joined(1);
    MembershipOptions options = MemberWorld::options_of(1);
    options.reap_ms = 120'000;
    world.add(options);
    world.join(1, 0);
    world.run(1'000);
    world.crash(0);
    world.run(100'000);
    EXPECT_EQ(world.status(1, 0), "failed");
    world.run(60'000);
    EXPECT_EQ(world.status(1, 0), "");
    EXPECT_EQ(world.count_events(1, MemberEventKind::reaped), 1U);
    EXPECT_EQ(world.node(1).layer->forgotten, std::vector<std::string>{MemberWorld::name_of(0)});
}

TEST(presence, the_one_gone_longest_makes_room_for_a_new_member) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.members_max = 2;
    world.add(options);
    world.add(MemberWorld::options_of(1));
    world.join(1, 0);
    world.run(1'000);
    world.crash(1);
    world.run(120'000);
    ASSERT_EQ(world.status(0, 1), "failed");
    world.add(MemberWorld::options_of(2));
    world.join(2, 0);
    world.run(1'000);
    EXPECT_EQ(world.status(0, 2), "alive");
    EXPECT_EQ(world.status(0, 1), "");
    EXPECT_EQ(world.refused(0, Refusal::too_many_members), 0U);
}

TEST(presence, members_gone_for_long_make_room_in_the_order_in_which_they_went) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.members_max = 4;
    world.add(options);
    for (const MemberWorld::Number number : {1, 2, 3}) {
        world.add(MemberWorld::options_of(number));
        world.join(number, 0);
        world.run(1'000);
    }
    for (const MemberWorld::Number number : {2, 3, 1}) {
        world.crash(number);
        world.run(120'000);
    }
    ASSERT_EQ(world.at(0).members().size(), 4U);
    // One comes back, and is not the next to go.
    MembershipOptions back = MemberWorld::options_of(2);
    back.seeds = {MemberWorld::address_of(0)};
    world.restart(2, back);
    world.run(1'000);
    for (const MemberWorld::Number number : {4, 5}) {
        world.add(MemberWorld::options_of(number));
        world.join(number, 0);
        world.run(1'000);
        EXPECT_EQ(world.status(0, number), "alive");
        EXPECT_EQ(world.status(0, 2), "alive");
        EXPECT_EQ(world.status(0, 3), "");
        EXPECT_EQ(world.status(0, 1), number == 4 ? "failed" : "");
    }
    world.add(MemberWorld::options_of(6));
    world.join(6, 0);
    world.run(1'000);
    EXPECT_EQ(world.status(0, 6), "");
    EXPECT_GT(world.refused(0, Refusal::too_many_members), 0U);
}

TEST(presence, what_is_alive_cannot_be_forgotten) {
    MemberWorld world;
    world.add_joined(2);
    world.at(0).forget(MemberWorld::name_of(1));
    world.at(0).forget(MemberWorld::name_of(0));
    EXPECT_EQ(world.at(0).members().size(), 2U);
}

TEST(presence, islands_that_never_knew_each_other_meet_at_a_seed) {
    MemberWorld world;
    world.passes_datagram = [](auto from, auto to) { return (from < 2) == (to < 2); };
    world.passes_stream = world.passes_datagram;
    for (MemberWorld::Number i = 0; i < 5; ++i) {
        MembershipOptions options = MemberWorld::options_of(i);
        options.seeds = {MemberWorld::address_of(0), MemberWorld::address_of(2)};
        world.add(options);
    }
    world.run(60'000);
    world.passes_datagram = nullptr;
    world.passes_stream = nullptr;
    EXPECT_EQ(world.status(0, 3), "");
    ASSERT_EQ(world.at(0).alive_count(), 2U);
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(5); }, 300'000));
}

}  // namespace

}  // namespace posthaste::gossip::membership
