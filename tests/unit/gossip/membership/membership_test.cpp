// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/membership.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/member_world.h"

namespace posthaste::gossip::membership {

namespace {

using test::MemberWorld;

const std::string kFirstKey(16, 'a');
const std::string kSecondKey(32, 'b');

// Members with Serf's layer.
class SerfWorld : public MemberWorld {
  public:
    explicit SerfWorld(std::size_t count, std::vector<std::string> keys = {})
        : MemberWorld(1, Layer::serf) {
        for (Number i = 0; i < count; ++i) {
            add(options_of(i), keys);
            if (i > 0) {
                join(i, 0);
                run(10);
            }
        }
        run(5'000);
    }

    [[nodiscard]] bool all_say(Number whom, std::string_view what, std::uint64_t ms) {
        return run_until(
            [&] {
                for (Number i = 0; i < whom; ++i) {
                    if (status(i, whom) != what) {
                        return false;
                    }
                }
                return true;
            },
            ms);
    }

    [[nodiscard]] std::optional<KeyAnswers> ask(Number who,
                                                KeyAction action,
                                                std::string_view key) {
        const auto number = at(who).layer().ask_keys(action, seal::key_text(key), now());
        if (!number) {
            return std::nullopt;
        }
        const auto answered = [&] {
            return std::ranges::find_if(node(who).events, [&](const MemberEvent& event) {
                return event.kind == MemberEventKind::keys_answered && event.keys.number == *number;
            });
        };
        constexpr std::uint64_t kLongestMs = 30'000;
        if (!run_until([&] { return answered() != node(who).events.end(); }, kLongestMs)) {
            return std::nullopt;
        }
        return answered()->keys;
    }
};

TEST(membership, a_member_that_leaves_has_left_for_all) {
    SerfWorld world(4);
    world.at(3).leave(world.now());
    ASSERT_TRUE(world.run_until([&] { return world.at(3).left(); }, 12'000));
    EXPECT_TRUE(world.all_say(3, "left", 1));
    for (MemberWorld::Number i = 0; i < 3; ++i) {
        EXPECT_EQ(world.count_events(i, MemberEventKind::left), 1U) << i;
        EXPECT_EQ(world.count_events(i, MemberEventKind::failed), 0U) << i;
    }
}

TEST(membership, a_member_that_left_is_alive_again_after_a_restart) {
    SerfWorld world(3);
    world.at(2).leave(world.now());
    ASSERT_TRUE(world.run_until([&] { return world.at(2).left(); }, 12'000));
    world.crash(2);
    world.run(2'000);
    MembershipOptions options = MemberWorld::options_of(2);
    options.seeds = {MemberWorld::address_of(1)};
    world.restart(2, options);
    EXPECT_TRUE(world.all_say(2, "alive", 5'000));
    world.run(60'000);
    EXPECT_TRUE(world.all_say(2, "alive", 1));
}

TEST(membership, a_failed_member_is_taken_for_left_by_all_when_one_says_so) {
    SerfWorld world(4);
    world.crash(3);
    ASSERT_TRUE(world.all_say(3, "failed", 30'000));
    ASSERT_TRUE(
        world.at(1).layer().force_leave(MemberWorld::name_of(3), false, world.now()).has_value());
    EXPECT_TRUE(world.all_say(3, "left", 5'000));
    EXPECT_EQ(world.count_events(2, MemberEventKind::left), 1U);
}

TEST(membership, pruning_makes_all_forget) {
    SerfWorld world(4);
    world.crash(3);
    ASSERT_TRUE(world.all_say(3, "failed", 30'000));
    ASSERT_TRUE(
        world.at(1).layer().force_leave(MemberWorld::name_of(3), true, world.now()).has_value());
    EXPECT_TRUE(world.all_say(3, "", 5'000));
    EXPECT_EQ(world.count_events(0, MemberEventKind::reaped), 1U);
    world.run(120'000);
    EXPECT_TRUE(world.all_say(3, "", 1));
}

TEST(membership, who_is_alive_refutes_that_it_left) {
    SerfWorld world(3);
    EXPECT_FALSE(
        world.at(0).layer().force_leave(MemberWorld::name_of(2), false, world.now()).has_value());
    bool mute = true;
    world.passes_datagram = [&](auto from, auto to) { return !mute || (from != 2 && to != 2); };
    world.passes_stream = world.passes_datagram;
    ASSERT_TRUE(world.all_say(2, "failed", 30'000));
    ASSERT_TRUE(
        world.at(0).layer().force_leave(MemberWorld::name_of(2), false, world.now()).has_value());
    ASSERT_TRUE(world.all_say(2, "left", 5'000));
    mute = false;
    // A left member is not gossiped to: it asks itself, or is alone and has no seeds.
    world.join(2, 0);
    EXPECT_TRUE(world.all_say(2, "alive", 10'000));
    world.run(60'000);
    EXPECT_TRUE(world.all_say(2, "alive", 1));
}

TEST(membership, a_user_event_is_heard_once_by_everybody) {
    SerfWorld world(5);
    ASSERT_TRUE(world.at(2).layer().send_event("deploy", "now").has_value());
    world.run(10'000);
    for (MemberWorld::Number i = 0; i < 5; ++i) {
        EXPECT_EQ(world.count_events(i, MemberEventKind::user_event), 1U) << i;
    }
}

TEST(membership, keys_are_installed_used_and_removed_everywhere_without_losing_anybody) {
    SerfWorld world(3, {kFirstKey});
    ASSERT_TRUE(world.all_see_alive(3));
    const auto installed = world.ask(0, KeyAction::install, kSecondKey);
    ASSERT_TRUE(installed.has_value());
    EXPECT_EQ(installed->answers, 3U);
    EXPECT_EQ(installed->errors, 0U);
    const auto used = world.ask(1, KeyAction::use, kSecondKey);
    ASSERT_TRUE(used.has_value());
    EXPECT_EQ(used->answers, 3U);
    const auto removed = world.ask(2, KeyAction::remove, kFirstKey);
    ASSERT_TRUE(removed.has_value());
    EXPECT_EQ(removed->answers, 3U);
    for (MemberWorld::Number i = 0; i < 3; ++i) {
        EXPECT_EQ(world.at(i).keyring().keys(), std::vector<std::string>{kSecondKey}) << i;
        EXPECT_EQ(world.count_events(i, MemberEventKind::keys_changed), 3U) << i;
    }
    world.run(60'000);
    EXPECT_TRUE(world.all_see_alive(3));
    EXPECT_EQ(world.count_events(0, MemberEventKind::suspected), 0U);
}

TEST(membership, one_with_another_key_is_never_let_in) {
    SerfWorld world(2, {kFirstKey});
    world.add(MemberWorld::options_of(2), {kSecondKey});
    world.join(2, 0);
    world.run(30'000);
    EXPECT_EQ(world.status(0, 2), "");
    EXPECT_FALSE(world.at(2).knows_anybody());
    EXPECT_GT(world.refused(0, Refusal::bad_seal), 0U);
}

TEST(membership, two_behind_their_face_join_and_one_leaves) {
    std::uint64_t now = 5'000;
    MembershipOptions first = MemberWorld::options_of(0);
    MembershipOptions second = MemberWorld::options_of(1);
    second.seeds = {first.address};
    Membership one(first, seal::Keyring(), 1, now);
    Membership other(second, seal::Keyring(), 2, now);
    constexpr StreamId kFarEnd = kAcceptedStreams + 1;
    // `from` speaks to `to`; streams have one number on either side.
    const auto carry = [&](Membership& from, Membership& to, const SocketAddress& source) {
        Output output = from.take_output();
        for (const DatagramOut& datagram : output.datagrams) {
            to.on_datagram(source, datagram.bytes, now);
        }
        for (const StreamOut& out : output.streams) {
            const StreamId there = out.stream == kFarEnd ? 1 : kFarEnd;
            if (out.kind == StreamOut::Kind::connect) {
                to.on_accept(there, source, now);
                from.on_connected(out.stream);
            } else if (out.kind == StreamOut::Kind::write) {
                to.on_bytes(there, out.bytes, now);
            } else {
                to.on_end(there);
            }
        }
    };
    const auto run = [&](std::uint64_t ms) {
        for (const std::uint64_t until = now + ms; now < until;) {
            one.on_timer(now);
            other.on_timer(now);
            for (int i = 0; i < 4; ++i) {
                carry(one, other, first.address);
                carry(other, one, second.address);
            }
            now = std::clamp(std::min(one.next_due_ms(), other.next_due_ms()), now + 1, until);
        }
    };
    run(2'000);
    EXPECT_TRUE(one.knows_anybody());
    EXPECT_EQ(one.alive_count(), 2U);
    EXPECT_EQ(other.members().size(), 2U);
    EXPECT_EQ(one.member("router-1")->status, MemberStatus::alive);
    EXPECT_TRUE(other.set_tags({{"role", "posthaste"}}).has_value());
    EXPECT_TRUE(one.send_event("hello", "there").has_value());
    run(2'000);
    EXPECT_EQ(one.member("router-1")->tags.at("role"), "posthaste");
    EXPECT_TRUE(std::ranges::any_of(other.take_events(), [](const MemberEvent& event) {
        return event.kind == MemberEventKind::user_event && event.text == "hello";
    }));
    EXPECT_EQ(one.health_score(), 0U);
    EXPECT_TRUE(one.keyring().empty());
    other.leave(now);
    EXPECT_TRUE(other.leaving());
    run(12'000);
    EXPECT_TRUE(other.left());
    EXPECT_EQ(one.member("router-1")->status, MemberStatus::left);
    EXPECT_FALSE(one.knows_anybody());
    EXPECT_TRUE(one.force_leave("router-1", true, now).has_value());
    run(10);
    EXPECT_FALSE(one.member("router-1").has_value());
    EXPECT_GT(one.counters().datagrams_sent, 0U);
}

}  // namespace

}  // namespace posthaste::gossip::membership
