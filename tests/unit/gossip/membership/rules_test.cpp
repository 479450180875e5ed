// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>

#include "gossip/membership/address.h"
#include "gossip/membership/packet.h"
#include "tests/support/member_world.h"

namespace posthaste::gossip::membership {

namespace {

using test::MemberWorld;
using test::Sent;

Alive alive_of(MemberWorld::Number number, std::uint32_t incarnation) {
    const SocketAddress address = MemberWorld::address_of(number);
    return {.incarnation = incarnation,
            .node = MemberWorld::name_of(number),
            .address = address_bytes_of(address),
            .port = address.port,
            .meta = "role",
            .versions = MemberWorld::versions()};
}

TEST(rules, three_join_and_know_each_other) {
    MemberWorld world;
    world.add_joined(3);
    EXPECT_TRUE(world.all_see_alive(3));
    EXPECT_EQ(world.count_events(0, MemberEventKind::joined), 2U);
    EXPECT_EQ(world.status(1, 2), "alive");
}

TEST(rules, an_alive_that_is_not_newer_is_ignored) {
    MemberWorld world;
    world.add_joined(3);
    Alive message = alive_of(1, world.incarnation(0, 1));
    message.meta = "other";
    world.inject(0, 2, message);
    EXPECT_EQ(world.count_events(0, MemberEventKind::updated), 0U);
    message.incarnation += 1;
    world.inject(0, 2, message);
    EXPECT_EQ(world.count_events(0, MemberEventKind::updated), 1U);
}

TEST(rules, a_new_member_is_told_on_with_its_bytes_as_they_came) {
    MemberWorld world;
    world.add_joined(3);
    std::vector<Sent<Alive>> heard;
    world.listen(heard);
    Alive message = alive_of(7, 5);
    message.address = std::string(10, '\0') + "\xff\xff" + std::string("\x7f\0\0\x01", 4);
    message.versions = std::string("\x01\x05\x02\x02\x05\x04", 6);
    message.meta = std::string(
        "\xff\x81\xa1"
        "a\xa1"
        "b");
    world.inject(0, 1, message);
    world.run(1'000);
    ASSERT_FALSE(heard.empty());
    for (const auto& one : heard) {
        EXPECT_EQ(one.message.address, message.address);
        EXPECT_EQ(one.message.versions, message.versions);
        EXPECT_EQ(one.message.meta, message.meta);
        EXPECT_EQ(one.message.incarnation, 5U);
    }
    EXPECT_EQ(world.status(2, 7), "alive");
}

TEST(rules, four_and_sixteen_bytes_of_one_address_are_no_conflict) {
    MemberWorld world;
    world.add_joined(2);
    Alive message = alive_of(1, 9);
    message.address = std::string(10, '\0') + "\xff\xff" + message.address;
    world.inject(0, 1, message);
    EXPECT_EQ(world.refused(0, Refusal::name_conflict), 0U);
    EXPECT_EQ(world.incarnation(0, 1), 9U);
}

TEST(rules, a_member_whose_versions_would_stop_all_push_pulls_is_kept_out) {
    MemberWorld world;
    world.add_joined(3);
    const std::vector<std::string> poison = {
        std::string("\x01\x05\x02\0\0\0", 6),        // delegate of nobody
        std::string("\x01\x05\x02\x02\x04\x04", 6),  // cannot talk to our delegate
        std::string("\x01\x05\x02\x06\x07\x06", 6),  // of the future
        std::string("\0\x05\x02\x02\x05\x05", 6),    // no protocol
        std::string("\x05\x01\x02\x02\x05\x05", 6),  // upside down
        std::string("\x01\x01\x01\x02\x05\x05", 6),  // cannot talk our protocol
        std::string("\x01\x05\x06\x02\x05\x05", 6),  // speaks what it does not know
        std::string("\x01\x05\x02\x02\x05", 5),      // one short
        std::string(),                               //
    };
    for (const std::string& versions : poison) {
        Alive message = alive_of(7, 1);
        message.versions = versions;
        world.inject(0, 1, message);
    }
    EXPECT_EQ(world.refused(0, Refusal::bad_versions), poison.size());
    EXPECT_EQ(world.status(0, 7), "");
    // Joins and exchanges go on.
    world.add_joined(1);
    world.run(60'000);
    EXPECT_TRUE(world.all_see_alive(4));
}

TEST(rules, a_known_member_cannot_be_given_versions_that_do_not_fit) {
    MemberWorld world;
    world.add_joined(3);
    Alive message = alive_of(1, 50);
    message.versions = std::string("\x01\x05\x02\0\0\0", 6);
    world.inject(0, 2, message);
    EXPECT_EQ(world.refused(0, Refusal::bad_versions), 1U);
    EXPECT_LT(world.incarnation(0, 1), 50U);
}

TEST(rules, versions_must_fit_those_of_all_others_too) {
    MemberWorld world;
    world.add_joined(1);
    Alive old = alive_of(7, 1);
    old.versions = std::string("\x01\x05\x02\x02\x05\x04", 6);
    world.inject(0, 0, old);
    EXPECT_EQ(world.status(0, 7), "alive");
    Alive strict = alive_of(8, 1);
    strict.versions = std::string("\x01\x05\x02\x05\x05\x05", 6);
    world.inject(0, 0, strict);
    EXPECT_EQ(world.status(0, 8), "");
    EXPECT_EQ(world.refused(0, Refusal::bad_versions), 1U);
}

TEST(rules, the_same_name_at_another_address_is_a_conflict_and_changes_nothing) {
    MemberWorld world;
    world.add_joined(3);
    Alive message = alive_of(1, 100);
    message.port = 999;
    world.inject(0, 2, message);
    world.inject(0, 2, message);
    EXPECT_EQ(world.refused(0, Refusal::name_conflict), 2U);
    // Told of once in five seconds.
    EXPECT_EQ(world.count_events(0, MemberEventKind::name_conflict), 1U);
    EXPECT_EQ(world.node(0).layer->conflicts, std::vector<std::string>{MemberWorld::name_of(1)});
    EXPECT_LT(world.incarnation(0, 1), 100U);
    world.run(1'000);
    EXPECT_EQ(world.status(2, 1), "alive");
}

TEST(rules, our_own_name_at_another_address_is_a_conflict_and_not_refuted) {
    MemberWorld world;
    world.add_joined(2);
    Alive message = alive_of(0, 100);
    message.port = 999;
    world.inject(0, 1, message);
    EXPECT_EQ(world.node(0).layer->conflicts, std::vector<std::string>{MemberWorld::name_of(0)});
    EXPECT_EQ(world.at(0).counters().refutations, 0U);
}

TEST(rules, a_failed_member_at_another_address_waits_until_it_is_dropped) {
    MemberWorld world;
    world.add_joined(3, local_timing());
    world.crash(2);
    ASSERT_TRUE(world.run_until([&] { return world.status(0, 2) == "failed"; }, 30'000));
    Alive message = alive_of(2, 100);
    message.port = 999;
    world.inject(0, 1, message);
    EXPECT_EQ(world.status(0, 2), "failed");
    EXPECT_EQ(world.refused(0, Refusal::name_conflict), 1U);
    world.run(20'000);
    EXPECT_EQ(world.status(0, 2), "failed") << "still shown";
    message.incarnation = 1;  // as a new one: no incarnation is too old
    world.inject(0, 1, message);
    EXPECT_EQ(world.status(0, 2), "alive");
    EXPECT_EQ(world.at(0).member(MemberWorld::name_of(2))->address.port, 999);
}

TEST(rules, a_member_that_left_may_come_back_from_another_address_at_once) {
    MemberWorld world;
    world.add_joined(3);
    world.at(2).leave(world.now());
    ASSERT_TRUE(world.run_until([&] { return world.status(0, 2) == "left"; }, 10'000));
    world.crash(2);
    Alive message = alive_of(2, 1);
    message.port = 999;
    world.inject(0, 1, message);
    EXPECT_EQ(world.status(0, 2), "alive");
    EXPECT_EQ(world.refused(0, Refusal::name_conflict), 0U);
}

TEST(rules, versions_of_the_dead_count_until_swim_forgets_them) {
    MemberWorld world;
    world.add_joined(1);
    world.passes_datagram = [](auto, auto) { return false; };
    world.passes_stream = world.passes_datagram;
    Alive old = alive_of(7, 1);
    old.versions = std::string("\x01\x05\x02\x02\x05\x04", 6);
    world.inject(0, 0, old);
    world.inject(0, 0, Dead{1, MemberWorld::name_of(7), MemberWorld::name_of(7)});
    ASSERT_EQ(world.at(0).alive_count(), 1U);
    // It cannot talk to what the dead one spoke.
    Alive young = alive_of(8, 1);
    young.versions = std::string("\x01\x05\x02\x05\x05\x05", 6);
    world.inject(0, 0, young);
    EXPECT_EQ(world.refused(0, Refusal::bad_versions), 1U);
    world.run(3 * lan_timing().gossip_to_dead_ms);
    ++young.incarnation;
    world.inject(0, 0, young);
    EXPECT_EQ(world.refused(0, Refusal::bad_versions), 1U);
    EXPECT_EQ(world.status(0, 8), "alive");
    // Back with other versions, it is counted by those alone.
    world.inject(0, 0, alive_of(7, 2));
    EXPECT_EQ(world.status(0, 7), "alive");
}

TEST(rules, what_is_no_address_of_one_member_is_refused) {
    MemberWorld world;
    world.add_joined(1);
    Alive message = alive_of(7, 1);
    for (const std::string& address : {std::string(),
                                       std::string(4, '\0'),
                                       std::string("\xe0\0\0\x01", 4),
                                       std::string("\xff\xff\xff\xff"),
                                       std::string("abcde"),
                                       std::string(16, '\0')}) {
        message.address = address;
        world.inject(0, 0, message);
    }
    message = alive_of(7, 1);
    message.port = 0;
    world.inject(0, 0, message);
    EXPECT_EQ(world.refused(0, Refusal::bad_address), 7U);
    EXPECT_EQ(world.at(0).members().size(), 1U);
}

TEST(rules, we_refute_what_is_said_of_us_and_everybody_hears_it) {
    MemberWorld world;
    world.add_joined(3);
    const std::uint32_t before = world.incarnation(0, 0);
    world.inject(0, 1, Suspect{before + 6, MemberWorld::name_of(0), MemberWorld::name_of(1)});
    EXPECT_EQ(world.incarnation(0, 0), before + 7);
    EXPECT_EQ(world.at(0).health_score(), 1U);
    world.inject(0, 1, Dead{before + 7, MemberWorld::name_of(0), MemberWorld::name_of(1)});
    EXPECT_EQ(world.incarnation(0, 0), before + 8);
    EXPECT_EQ(world.at(0).counters().refutations, 2U);
    EXPECT_TRUE(world.run_until([&] { return world.incarnation(2, 0) == before + 8; }, 2'000));
    EXPECT_EQ(world.status(1, 0), "alive");
}

TEST(rules, only_a_word_about_us_as_new_as_ours_raises_our_incarnation) {
    MemberWorld world;
    world.add_joined(2);
    const std::uint32_t mine = world.incarnation(0, 0);
    world.inject(0, 1, alive_of(0, mine - 1));
    world.inject(0, 1, Suspect{mine - 1, MemberWorld::name_of(0), MemberWorld::name_of(1)});
    EXPECT_EQ(world.at(0).counters().refutations, 0U);
    // Equal, but not what we say: somebody remembers us from before a restart.
    world.inject(0, 1, alive_of(0, mine));
    EXPECT_EQ(world.incarnation(0, 0), mine + 1);
}

TEST(rules, the_last_incarnation_is_no_wrap) {
    MemberWorld world;
    world.add_joined(2);
    world.inject(0, 1, Suspect{0xffff'ffff, MemberWorld::name_of(0), MemberWorld::name_of(1)});
    EXPECT_EQ(world.incarnation(0, 0), 0xffff'ffffU);
    EXPECT_FALSE(world.at(0).set_tags({{"new", "tags"}}).has_value()) << "nobody would hear it";
    EXPECT_EQ(world.incarnation(0, 0), 0xffff'ffffU);
}

TEST(rules, a_suspect_that_answers_recovers) {
    MemberWorld world;
    world.add_joined(3);
    world.inject(
        0, 2, Suspect{world.incarnation(0, 1), MemberWorld::name_of(1), MemberWorld::name_of(2)});
    EXPECT_EQ(world.status(0, 1), "suspect");
    EXPECT_EQ(world.count_events(0, MemberEventKind::suspected), 1U);
    EXPECT_TRUE(world.run_until([&] { return world.status(0, 1) == "alive"; }, 3'000));
    EXPECT_EQ(world.count_events(0, MemberEventKind::recovered), 1U);
    world.run(30'000);
    EXPECT_EQ(world.count_events(0, MemberEventKind::failed), 0U);
}

TEST(rules, suspicions_of_strangers_and_old_ones_are_ignored) {
    MemberWorld world;
    world.add_joined(3);
    world.inject(0, 2, Suspect{9, "nobody", MemberWorld::name_of(2)});
    world.inject(
        0,
        2,
        Suspect{world.incarnation(0, 1) - 1, MemberWorld::name_of(1), MemberWorld::name_of(2)});
    EXPECT_EQ(world.at(0).counters().suspicions, 0U);
    EXPECT_EQ(world.at(0).members().size(), 3U);
}

TEST(rules, each_confirmation_is_told_on_once) {
    MemberWorld world;
    world.add_joined(5);
    world.crash(4);
    world.run(50);
    std::vector<Sent<Suspect>> heard;
    const std::uint32_t incarnation = world.incarnation(0, 4);
    const std::string target = MemberWorld::name_of(4);
    world.inject(0, 1, Suspect{incarnation, target, "first"});
    world.listen(heard);
    world.inject(0, 1, Suspect{incarnation, target, "second"});
    world.inject(0, 1, Suspect{incarnation, target, "second"});
    world.run(600);
    EXPECT_TRUE(
        std::ranges::any_of(heard, [](const auto& one) { return one.message.from == "second"; }));
    heard.clear();
    world.run(10'000);
    world.inject(0, 1, Suspect{incarnation, target, "second"});
    world.run(1'000);
    EXPECT_TRUE(
        std::ranges::none_of(heard, [](const auto& one) { return one.message.from == "second"; }));
}

TEST(rules, a_member_that_said_itself_that_it_is_dead_has_left_for_swim) {
    MemberWorld world;
    world.add_joined(2);
    const std::string name = MemberWorld::name_of(1);
    world.passes_datagram = [](auto, auto) { return false; };
    world.passes_stream = world.passes_datagram;
    world.inject(0, 1, Dead{world.incarnation(0, 1), name, name});
    EXPECT_EQ(world.at(0).find(name).state, NodeState::left);
    // Nobody said before that it would: Serf takes that for a failure.
    EXPECT_EQ(world.status(0, 1), "failed");
    EXPECT_EQ(world.count_events(0, MemberEventKind::failed), 1U);
}

TEST(rules, a_restart_at_the_same_address_overtakes_what_is_remembered) {
    MemberWorld world;
    world.add_joined(3);
    world.inject(1, 0, alive_of(2, 40));
    world.run(2'000);
    world.crash(2);
    MembershipOptions options = MemberWorld::options_of(2);
    options.seeds = {MemberWorld::address_of(0)};
    world.restart(2, options);
    EXPECT_TRUE(world.run_until([&] { return world.all_see_alive(3); }, 5'000));
    EXPECT_TRUE(world.run_until([&] { return world.incarnation(1, 2) > 40; }, 5'000));
}

TEST(rules, a_full_table_refuses_new_members_and_keeps_the_old) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.members_max = 3;
    world.add(options);
    for (MemberWorld::Number i = 1; i < 6; ++i) {
        world.inject(0, 0, alive_of(i, 1));
    }
    EXPECT_EQ(world.at(0).members().size(), 3U);
    EXPECT_EQ(world.refused(0, Refusal::too_many_members), 3U);
}

TEST(rules, tags_change_for_everybody) {
    MemberWorld world;
    world.add_joined(3);
    ASSERT_TRUE(world.at(0).set_tags({{"role", "posthaste"}}).has_value());
    EXPECT_TRUE(world.run_until(
        [&] { return world.count_events(2, MemberEventKind::updated) == 1; }, 2'000));
    EXPECT_EQ(world.at(2).member(MemberWorld::name_of(0))->tags.at("role"), "posthaste");
    const auto too_long = world.at(0).set_tags({{"x", std::string(600, 'x')}});
    ASSERT_FALSE(too_long.has_value());
    EXPECT_EQ(too_long.error(), "tags take at most 512 bytes");
}

}  // namespace

}  // namespace posthaste::gossip::membership
