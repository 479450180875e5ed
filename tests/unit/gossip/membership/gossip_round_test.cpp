// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "gossip/membership/nonces.h"
#include "gossip/membership/packet.h"
#include "tests/support/member_world.h"

namespace posthaste::gossip::membership {

namespace {

using test::MemberWorld;

constexpr std::size_t kPacketBytes = 1'400;

TEST(gossip_round, no_packet_is_longer_than_its_limit_nor_has_more_than_127_parts) {
    MemberWorld world;
    world.add_joined(3);
    std::size_t longest = 0;
    std::size_t most_parts = 0;
    world.on_sent = [&](auto, auto, const std::vector<std::uint8_t>& bytes) {
        longest = std::max(longest, bytes.size());
        if (bytes[0] == static_cast<std::uint8_t>(MessageType::compound)) {
            most_parts = std::max<std::size_t>(most_parts, bytes[1]);
        }
    };
    for (unsigned i = 0; i < 500; ++i) {
        world.at(0).broadcast_user("x");
    }
    world.run(3'000);
    EXPECT_EQ(most_parts, 127U);
    for (unsigned i = 0; i < 100; ++i) {
        world.at(0).broadcast_user(std::string(100 + i, 'x'));
    }
    world.run(10'000);
    EXPECT_LE(longest, kPacketBytes);
    EXPECT_GT(longest, kPacketBytes - 150);
}

TEST(gossip_round, sealed_and_labelled_packets_keep_the_limit_too) {
    MemberWorld world;
    for (MemberWorld::Number i = 0; i < 2; ++i) {
        MembershipOptions options = MemberWorld::options_of(i);
        options.label = "cluster-of-a-test";
        world.add(options, {std::string(32, 'k')});
    }
    world.join(1, 0);
    std::size_t longest = 0;
    world.on_sent = [&](auto, auto, const std::vector<std::uint8_t>& bytes) {
        longest = std::max(longest, bytes.size());
    };
    for (unsigned i = 0; i < 100; ++i) {
        world.at(0).broadcast_user(std::string(100 + i, 'x'));
    }
    world.run(5'000);
    EXPECT_TRUE(world.all_see_alive(2));
    EXPECT_LE(longest, kPacketBytes);
    EXPECT_GT(longest, kPacketBytes - 150);
    EXPECT_GE(world.node(1).layer->heard.size(), 100U);
}

TEST(gossip_round, what_fits_no_packet_is_not_taken) {
    MemberWorld world;
    world.add_joined(2);
    EXPECT_EQ(world.at(0).broadcast_user(std::string(1'396, 'x')), 0U);
    EXPECT_EQ(world.refused(0, Refusal::oversize), 1U);
    EXPECT_NE(world.at(0).broadcast_user(std::string(1'395, 'x')), 0U);
    EXPECT_TRUE(world.run_until([&] { return !world.node(1).layer->heard.empty(); }, 1'000));
}

void tell_of_members(MemberWorld& world, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        world.inject(0,
                     1,
                     Alive{.incarnation = 1,
                           .node = "member-" + std::to_string(i),
                           .address = std::string("\x7f\0\0\x02", 4),
                           .port = static_cast<std::uint16_t>(1'000 + i),
                           .meta = std::string(20, 'm'),
                           .versions = MemberWorld::versions()});
    }
}

TEST(gossip_round, members_news_do_not_starve_user_messages_short_or_long) {
    for (const std::size_t bytes : {6U, 512U}) {
        MemberWorld world;
        world.add_joined(3);
        tell_of_members(world, 600);
        world.at(0).broadcast_user(std::string(bytes, 'u'));
        bool told = false;
        world.on_sent = [&](auto from, auto, const std::vector<std::uint8_t>& packet) {
            for (const Message& message : decode_datagram(packet, Sealing{}).messages) {
                told = told || (from == 0 && std::holds_alternative<User>(message));
            }
        };
        EXPECT_TRUE(world.run_until([&] { return told; }, 3 * lan_timing().gossip_interval_ms))
            << bytes;
    }
}

TEST(gossip_round, no_part_is_twice_in_a_packet) {
    MemberWorld world;
    world.add_joined(3);
    std::size_t packets = 0;
    world.on_sent = [&](auto, auto, const std::vector<std::uint8_t>& packet) {
        std::set<std::vector<std::uint8_t>> parts;
        for (const Message& message : decode_datagram(packet, Sealing{}).messages) {
            EXPECT_TRUE(parts.insert(encode(message)).second);
        }
        packets += parts.size() > 2 ? 1 : 0;
    };
    tell_of_members(world, 3);
    for (unsigned i = 0; i < 3; ++i) {
        world.at(0).broadcast_user("message " + std::to_string(i));
    }
    world.run(2'000);
    EXPECT_GT(packets, 0U);
}

TEST(gossip_round, a_user_payload_is_told_on_by_the_layer_alone) {
    MemberWorld world;
    world.add_joined(3);
    world.inject(0, 1, User{"\xe7private"});
    world.run(5'000);
    EXPECT_EQ(world.node(0).layer->heard.size(), 1U);
    EXPECT_TRUE(world.node(1).layer->heard.empty());
    EXPECT_TRUE(world.node(2).layer->heard.empty());
}

TEST(gossip_round, what_we_say_of_ourselves_has_the_versions_that_serf_takes) {
    MemberWorld world;
    world.add_joined(3);
    std::size_t seen = 0;
    world.on_sent = [&](auto, auto, const std::vector<std::uint8_t>& bytes) {
        for (const Message& message : decode_datagram(bytes, Sealing{}).messages) {
            if (const auto* alive = std::get_if<Alive>(&message)) {
                EXPECT_EQ(alive->versions, std::string("\x01\x05\x02\x02\x05\x05", 6));
                ++seen;
            }
        }
    };
    ASSERT_TRUE(world.at(0).set_tags({{"a", "b"}}).has_value());
    world.run(2'000);
    EXPECT_GT(seen, 0U);
}

TEST(gossip_round, a_datagram_of_another_cluster_or_in_plain_text_is_refused_by_name) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.label = "ours";
    world.add(options, {std::string(16, 'k')});
    const auto hello = encode(User{"hello"});
    world.inject_bytes(0, 0, hello);
    EXPECT_EQ(world.refused(0, Refusal::bad_label), 1U);
    world.inject_bytes(0, 0, wrap_datagram(hello, Sealing{.label = "theirs"}, {}));
    EXPECT_EQ(world.refused(0, Refusal::bad_label), 2U);
    world.inject_bytes(0, 0, wrap_datagram(hello, Sealing{.label = "ours"}, {}));
    EXPECT_EQ(world.refused(0, Refusal::plaintext), 1U);
    seal::Keyring other;
    ASSERT_TRUE(other.install(std::string(16, 'x')).has_value());
    world.inject_bytes(0, 0, wrap_datagram(hello, Sealing{.keyring = &other, .label = "ours"}, {}));
    EXPECT_EQ(world.refused(0, Refusal::bad_seal), 1U);
    EXPECT_EQ(world.at(0).counters().received[8], 0U);
    seal::Keyring same;
    ASSERT_TRUE(same.install(std::string(16, 'k')).has_value());
    world.inject_bytes(0, 0, wrap_datagram(hello, Sealing{.keyring = &same, .label = "ours"}, {}));
    EXPECT_EQ(world.at(0).counters().received[8], 1U);
}

TEST(gossip_round, news_reach_a_hundred_members_in_a_second) {
    MemberWorld world;
    world.add_joined(100);
    ASSERT_TRUE(world.all_see_alive(100));
    const std::uint64_t before = world.now();
    ASSERT_TRUE(world.at(0).set_tags({{"a", "b"}}).has_value());
    ASSERT_TRUE(world.run_until(
        [&] {
            for (MemberWorld::Number i = 1; i < 100; ++i) {
                if (world.count_events(i, MemberEventKind::updated) == 0) {
                    return false;
                }
            }
            return true;
        },
        5'000));
    EXPECT_LE(world.now() - before, 1'000U);
}

TEST(gossip_round, no_nonce_comes_twice) {
    Nonces nonces(7);
    std::set<seal::Nonce> seen;
    for (unsigned i = 0; i < 10'000; ++i) {
        EXPECT_TRUE(seen.insert(nonces.next()).second);
    }
    EXPECT_NE(Nonces(7).next(), Nonces(8).next());
    EXPECT_EQ(Nonces(7).next(), Nonces(7).next());
}

}  // namespace

}  // namespace posthaste::gossip::membership
