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

std::uint64_t sent(MemberWorld& world, MemberWorld::Number number, MessageType type) {
    return world.at(number).counters().sent[static_cast<std::size_t>(type)];
}

TEST(probe, a_ping_is_answered_where_it_asks_to_be) {
    MemberWorld world;
    world.add_joined(2);
    std::vector<Sent<Ack>> heard;
    world.listen(heard);
    world.inject(0, 1, Ping{.sequence = 5, .node = MemberWorld::name_of(0)});
    world.inject(0,
                 0,
                 Ping{.sequence = 6,
                      .source_address = address_bytes_of(MemberWorld::address_of(1)),
                      .source_port = MemberWorld::address_of(1).port});
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_EQ(heard[0].to, 1U);
    EXPECT_EQ(heard[0].message.sequence, 5U);
    EXPECT_EQ(heard[0].message.payload, "pong");
    EXPECT_EQ(heard[1].to, 1U);
}

TEST(probe, a_ping_for_another_name_is_not_answered) {
    MemberWorld world;
    world.add_joined(2);
    const std::uint64_t before = sent(world, 0, MessageType::ack);
    world.inject(0, 1, Ping{.sequence = 5, .node = "somebody-else"});
    EXPECT_EQ(sent(world, 0, MessageType::ack), before);
    EXPECT_EQ(world.refused(0, Refusal::unexpected_message), 1U);
}

TEST(probe, every_member_is_asked_once_a_round_of_the_ring) {
    MemberWorld world;
    world.add_joined(6);
    std::vector<Sent<Ping>> heard;
    world.listen(heard);
    world.run(20'000);
    std::array<unsigned, 6> asked{};
    for (const auto& ping : heard) {
        asked[ping.to] += ping.from == 0 ? 1 : 0;
    }
    for (std::size_t i = 1; i < asked.size(); ++i) {
        EXPECT_GE(asked[i], 7U) << i;
        EXPECT_LE(asked[i], 9U) << i;
    }
    EXPECT_EQ(asked[0], 0U);
    EXPECT_EQ(world.at(0).counters().probes_failed, 0U);
    EXPECT_GT(world.at(0).member(MemberWorld::name_of(1))->round_trip_us, 0U);
}

TEST(probe, two_are_asked_at_once_half_an_interval_apart) {
    MemberWorld world;
    world.add_joined(4);
    world.passes_datagram = [](auto, auto) { return false; };
    world.passes_stream = world.passes_datagram;
    std::vector<Sent<Ping>> heard;
    world.listen(heard);
    const auto probes = [&] { return world.at(0).counters().probes; };
    const std::uint64_t before = probes();
    const std::uint32_t interval_ms = lan_timing().probe_interval_ms;
    ASSERT_TRUE(world.run_until([&] { return probes() == before + 2; }, 3 * interval_ms / 2));
    std::erase_if(heard, [](const auto& ping) { return ping.from != 0; });
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_NE(heard[0].to, heard[1].to);
    // The first has its whole time, and only then another is asked.
    world.run(interval_ms / 2 - 1);
    EXPECT_EQ(probes(), before + 2);
    EXPECT_EQ(world.at(0).counters().probes_failed, 0U);
    world.run(2);
    EXPECT_EQ(probes(), before + 3);
    EXPECT_EQ(world.at(0).counters().probes_failed, 1U);
}

TEST(probe, with_one_other_only_one_is_asked) {
    MemberWorld world;
    world.add_joined(2);
    world.crash(1);
    const auto probes = [&] { return world.at(0).counters().probes; };
    const auto before = probes();
    ASSERT_TRUE(world.run_until([&] { return probes() > before; }, 1'000));
    world.run(lan_timing().probe_interval_ms - 1);
    EXPECT_EQ(probes(), before + 1);
}

TEST(probe, others_ask_where_the_direct_way_is_broken) {
    MemberWorld world;
    world.add_joined(4);
    world.passes_datagram = [](auto from, auto to) {
        return !(from == 0 && to == 1) && !(from == 1 && to == 0);
    };
    world.passes_stream = world.passes_datagram;
    world.run(60'000);
    EXPECT_GT(sent(world, 0, MessageType::indirect_ping), 0U);
    for (MemberWorld::Number i = 0; i < 4; ++i) {
        EXPECT_EQ(world.count_events(i, MemberEventKind::suspected), 0U) << i;
    }
}

TEST(probe, a_stream_is_tried_where_datagrams_are_lost) {
    MemberWorld world;
    world.add_joined(3);
    world.passes_datagram = [](auto, auto to) { return to != 2; };
    world.run(60'000);
    EXPECT_EQ(world.count_events(0, MemberEventKind::suspected), 0U);
    EXPECT_EQ(world.status(0, 2), "alive");
}

TEST(probe, an_asked_member_says_that_it_heard_nothing) {
    MemberWorld world;
    world.add_joined(3);
    world.crash(2);
    std::vector<Sent<Nack>> heard;
    world.listen(heard);
    const SocketAddress target = MemberWorld::address_of(2);
    const auto ask = [&](bool nack) {
        world.inject(1,
                     0,
                     IndirectPing{.sequence = 77,
                                  .target = address_bytes_of(target),
                                  .port = target.port,
                                  .node = MemberWorld::name_of(2),
                                  .nack = nack});
    };
    ask(true);
    ask(false);
    world.run(lan_timing().probe_timeout_ms + 1);
    ASSERT_EQ(
        std::ranges::count_if(heard, [](const auto& one) { return one.message.sequence == 77; }),
        1);
    EXPECT_EQ(heard.front().to, 0U);
}

TEST(probe, what_an_asked_member_hears_goes_back_under_the_number_of_the_asking) {
    MemberWorld world;
    world.add_joined(3);
    std::vector<Sent<Ack>> heard;
    world.listen(heard);
    const SocketAddress target = MemberWorld::address_of(2);
    world.inject(1,
                 0,
                 IndirectPing{.sequence = 77,
                              .target = address_bytes_of(target),
                              .port = target.port,
                              .node = MemberWorld::name_of(2),
                              .nack = true});
    world.run(10);
    EXPECT_EQ(std::ranges::count_if(heard,
                                    [](const auto& one) {
                                        return one.from == 1 && one.to == 0 &&
                                               one.message.sequence == 77;
                                    }),
              1);
    EXPECT_EQ(sent(world, 1, MessageType::nack), 0U);
}

TEST(probe, pings_for_others_are_bounded) {
    MemberWorld world;
    world.add_joined(2);
    const SocketAddress target = MemberWorld::address_of(9);
    for (std::size_t i = 0; i < kRelaysMax + 5; ++i) {
        world.inject(0,
                     1,
                     IndirectPing{.sequence = static_cast<std::uint32_t>(i),
                                  .target = address_bytes_of(target),
                                  .port = target.port});
    }
    EXPECT_EQ(world.refused(0, Refusal::queue_full), 5U);
}

TEST(probe, a_suspect_hears_of_it_with_the_next_ping) {
    MemberWorld world;
    world.add_joined(2);
    std::vector<Sent<Suspect>> heard;
    world.listen(heard);
    world.passes_datagram = [](auto, auto) { return false; };
    world.passes_stream = world.passes_datagram;
    world.inject(0, 1, Suspect{world.incarnation(0, 1), MemberWorld::name_of(1), "x"});
    ASSERT_TRUE(world.run_until(
        [&] {
            return std::ranges::any_of(heard, [](const auto& one) {
                return one.to == 1 && one.message.from == MemberWorld::name_of(0);
            });
        },
        3'000));
}

TEST(probe, five_know_a_crash_in_the_time_that_lifeguard_foresees) {
    constexpr std::uint64_t kSuspicionMs = 4'000;  // of five, confirmed
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        MemberWorld world(seed);
        world.add_joined(5);
        world.crash(4);
        const std::uint64_t before = world.now();
        ASSERT_TRUE(world.run_until(
            [&] {
                return world.status(0, 4) == "failed" && world.status(1, 4) == "failed" &&
                       world.status(2, 4) == "failed" && world.status(3, 4) == "failed";
            },
            20'000))
            << seed;
        EXPECT_GE(world.now() - before, kSuspicionMs) << seed;
        EXPECT_LE(world.now() - before, 8'000U) << seed;
    }
}

TEST(probe, the_fast_profile_knows_a_crash_in_a_second_and_a_half) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        MemberWorld world(seed);
        world.add_joined(5, fast_timing());
        world.crash(4);
        EXPECT_TRUE(world.run_until(
            [&] {
                return world.status(0, 4) == "failed" && world.status(1, 4) == "failed" &&
                       world.status(2, 4) == "failed" && world.status(3, 4) == "failed";
            },
            1'500))
            << seed;
    }
}

TEST(probe, those_asked_say_so_in_time_and_nobody_takes_itself_for_slow) {
    MemberWorld world;
    world.add_joined(5);
    world.crash(4);
    ASSERT_TRUE(world.run_until([&] { return world.status(0, 4) == "suspect"; }, 20'000));
    for (MemberWorld::Number i = 0; i < 4; ++i) {
        EXPECT_EQ(world.at(i).health_score(), 0U) << i;
    }
}

TEST(probe, a_member_that_was_mute_for_three_seconds_is_never_failed) {
    MemberWorld world;
    world.add_joined(5);
    bool mute = true;
    world.passes_datagram = [&](auto from, auto to) { return !mute || (from != 4 && to != 4); };
    world.passes_stream = world.passes_datagram;
    world.run(3'000);
    mute = false;
    world.run(40'000);
    for (MemberWorld::Number i = 0; i < 4; ++i) {
        EXPECT_EQ(world.count_events(i, MemberEventKind::failed), 0U) << i;
        EXPECT_EQ(world.status(i, 4), "alive") << i;
    }
}

TEST(probe, one_taken_for_dead_hears_of_it_and_comes_back) {
    MemberWorld world;
    world.add_joined(5);
    bool mute = true;
    world.passes_datagram = [&](auto from, auto to) { return !mute || (from != 4 && to != 4); };
    world.passes_stream = world.passes_datagram;
    ASSERT_TRUE(world.run_until([&] { return world.status(0, 4) == "failed"; }, 20'000));
    mute = false;
    EXPECT_TRUE(world.run_until(
        [&] { return world.status(0, 4) == "alive" && world.status(4, 0) == "alive"; }, 60'000));
}

TEST(probe, a_member_that_hears_nobody_knows_that_it_is_slow_itself) {
    MemberWorld world;
    world.add_joined(5);
    EXPECT_EQ(world.at(4).health_score(), 0U);
    world.passes_datagram = [](auto, auto to) { return to != 4; };
    world.passes_stream = [](auto from, auto to) { return to != 4 && from != 4; };
    world.run(4'000);
    EXPECT_GE(world.at(4).health_score(), 3U);
    world.passes_datagram = nullptr;
    world.passes_stream = nullptr;
    world.run(60'000);
    EXPECT_EQ(world.at(4).health_score(), 0U);
}

TEST(probe, who_accuses_a_member_hears_from_it_at_once) {
    MemberWorld world;
    world.add_joined(3);
    std::vector<Sent<Alive>> heard;
    world.listen(heard);
    const std::uint32_t before = world.incarnation(1, 1);
    world.inject(1, 2, Suspect{.incarnation = before, .node = MemberWorld::name_of(1)});
    ASSERT_FALSE(heard.empty());
    EXPECT_EQ(heard[0].to, 2U);
    EXPECT_EQ(heard[0].message.incarnation, before + 1);
    // Though it was refuted long ago: the accuser has missed that.
    heard.clear();
    world.inject(1, 0, Dead{.incarnation = before, .node = MemberWorld::name_of(1)});
    ASSERT_FALSE(heard.empty());
    EXPECT_EQ(heard[0].to, 0U);
    EXPECT_EQ(heard[0].message.incarnation, before + 1);
}

TEST(probe, a_suspect_is_asked_at_least_once_a_probe_interval_by_each) {
    MemberWorld world;
    world.add_joined(4);
    world.passes_datagram = [](auto from, auto) { return from != 3; };
    world.passes_stream = [](auto from, auto to) { return from != 3 && to != 3; };
    ASSERT_TRUE(world.run_until([&] { return world.status(0, 3) == "suspect"; }, 20'000));
    std::vector<Sent<Suspect>> heard;
    world.listen(heard);
    const std::uint32_t incarnation = world.incarnation(0, 3);
    // A probe of the ring asks it as well, before that time, and counts.
    world.run(3'500);
    ASSERT_EQ(world.status(0, 3), "suspect");
    const auto asked = std::ranges::count_if(heard, [&](const Sent<Suspect>& one) {
        return one.from == 0 && one.to == 3 && one.message.incarnation == incarnation &&
               one.message.from == MemberWorld::name_of(0);
    });
    EXPECT_GE(asked, 3);
}

TEST(probe, a_suspect_with_little_time_left_is_asked_in_every_round) {
    MemberWorld world;
    world.add_joined(5);
    world.passes_datagram = [](auto from, auto) { return from != 3; };
    world.passes_stream = [](auto from, auto to) { return from != 3 && to != 3; };
    const std::uint32_t incarnation = world.incarnation(0, 3);
    for (const char* from : {"a", "b", "c"}) {
        world.inject(0, 1, Suspect{incarnation, MemberWorld::name_of(3), from});
    }
    std::vector<Sent<Suspect>> heard;
    world.listen(heard);
    const auto asked_in = [&](std::uint64_t ms) {
        heard.clear();
        world.run(ms);
        return std::ranges::count_if(heard, [](const Sent<Suspect>& one) {
            return one.from == 0 && one.to == 3 && one.message.from == MemberWorld::name_of(0);
        });
    };
    const Timing timing = lan_timing();
    EXPECT_LE(asked_in(2 * timing.probe_interval_ms - timing.gossip_interval_ms), 4)
        << "a round of asking, and the ring's";
    ASSERT_EQ(world.status(0, 3), "suspect");
    EXPECT_GE(asked_in(2 * timing.probe_interval_ms),
              2 * timing.probe_interval_ms / timing.gossip_interval_ms - 2);
}

TEST(probe, suspects_with_little_time_left_take_no_questions_from_others) {
    constexpr std::uint32_t kLate = 24;  // more than are asked in a round
    constexpr std::uint32_t kNew = kLate + 1;
    MemberWorld world;
    world.add_joined(50);
    world.passes_datagram = [](auto from, auto) { return from == 0 || from > kNew; };
    world.passes_stream = [](auto from, auto to) {
        return (from == 0 || from > kNew) && (to == 0 || to > kNew);
    };
    const auto accuse = [&](std::uint32_t member) {
        for (const char* from : {"a", "b", "c"}) {
            world.inject(
                0, 40, Suspect{world.incarnation(0, member), MemberWorld::name_of(member), from});
        }
    };
    for (std::uint32_t member = 1; member <= kLate; ++member) {
        accuse(member);
    }
    const Timing timing = lan_timing();
    // The least time fifty members give a suspect, less one and a half intervals.
    world.run(4 * timing.probe_interval_ms * 17 / 10 - 3 * timing.probe_interval_ms / 2);
    ASSERT_EQ(world.status(0, 1), "suspect");
    std::vector<Sent<Suspect>> heard;
    world.listen(heard);
    accuse(kNew);
    world.run(timing.probe_interval_ms + 2 * timing.gossip_interval_ms);
    ASSERT_EQ(world.status(0, 1), "suspect");
    EXPECT_GE(std::ranges::count_if(heard,
                                    [](const Sent<Suspect>& one) {
                                        return one.from == 0 && one.to == kNew &&
                                               one.message.from == MemberWorld::name_of(0);
                                    }),
              1);
}

}  // namespace

}  // namespace posthaste::gossip::membership
