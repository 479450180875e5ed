// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "gossip/membership/stream.h"
#include "tests/support/member_world.h"

namespace posthaste::gossip::membership {

namespace {

using test::MemberWorld;

constexpr StreamId kFirst = kAcceptedStreams + 1'000;

std::vector<std::uint8_t> bytes_of(const StreamMessage& message, const Sealing& sealing = {}) {
    return encode_stream(message, sealing, {}, StreamPart::request);
}

SocketAddress host(std::uint8_t number) {
    SocketAddress address = MemberWorld::address_of(0);
    address.ip.back() = number;
    return address;
}

std::optional<StreamMessage> read(const std::vector<std::uint8_t>& bytes,
                                  const Sealing& sealing = {}) {
    StreamReader reader(sealing, StreamLimits{}, StreamPart::reply);
    reader.add(bytes);
    return reader.next().value_or(std::nullopt);
}

TEST(streams, a_ping_is_answered_with_an_ack) {
    MemberWorld world;
    world.add_joined(1);
    const auto answer =
        read(world.call(0, bytes_of(Ping{.sequence = 9, .node = MemberWorld::name_of(0)})));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(std::get<Ack>(*answer).sequence, 9U);
    EXPECT_EQ(std::get<Ack>(*answer).payload, "pong");
}

TEST(streams, a_user_message_goes_to_the_layer) {
    MemberWorld world;
    world.add_joined(1);
    static_cast<void>(world.call(0, bytes_of(User{"hello"})));
    EXPECT_EQ(world.node(0).layer->heard, std::vector<std::string>{"hello"});
}

TEST(streams, what_nobody_asked_for_is_refused_with_an_error) {
    MemberWorld world;
    world.add_joined(1);
    const auto answer = read(world.call(0, bytes_of(Ack{.sequence = 9})));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(std::get<ErrorResponse>(*answer).text, "unexpected-message");
    EXPECT_EQ(world.refused(0, Refusal::unexpected_message), 1U);
}

TEST(streams, plain_text_is_refused_where_there_are_keys) {
    MemberWorld world;
    world.add(MemberWorld::options_of(0), {std::string(16, 'k')});
    const auto bytes = world.call(0, bytes_of(PushPull{.join = true}));
    seal::Keyring keyring;
    ASSERT_TRUE(keyring.install(std::string(16, 'k')).has_value());
    const auto answer = read(bytes, Sealing{.keyring = &keyring});
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(std::get<ErrorResponse>(*answer).text, "plaintext");
    EXPECT_EQ(world.refused(0, Refusal::plaintext), 1U);
    EXPECT_TRUE(world.node(0).layer->states.empty());
}

TEST(streams, a_stream_that_does_not_go_on_is_ended) {
    MemberWorld world;
    world.add_joined(1);
    const auto bytes = bytes_of(PushPull{.user_state = "state"});
    world.at(0).on_accept(kFirst, MemberWorld::address_of(5), world.now());
    world.at(0).on_bytes(kFirst, std::span(bytes).first(bytes.size() - 1), world.now());
    world.run(lan_timing().stream_timeout_ms - 1);
    EXPECT_EQ(world.refused(0, Refusal::stream_timeout), 0U);
    world.run(2);
    EXPECT_EQ(world.refused(0, Refusal::stream_timeout), 1U);
    world.at(0).on_bytes(kFirst, std::span(bytes).last(1), world.now());
    EXPECT_TRUE(world.node(0).layer->states.empty());
}

TEST(streams, a_stream_that_breaks_in_the_middle_is_counted_and_changes_nothing) {
    MemberWorld world;
    world.add_joined(1);
    const auto bytes = bytes_of(PushPull{.user_state = "state"});
    world.at(0).on_accept(kFirst, MemberWorld::address_of(5), world.now());
    world.at(0).on_bytes(kFirst, std::span(bytes).first(bytes.size() - 1), world.now());
    world.at(0).on_end(kFirst);
    EXPECT_EQ(world.refused(0, Refusal::truncated), 1U);
    EXPECT_TRUE(world.node(0).layer->states.empty());
}

TEST(streams, there_are_only_so_many) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.streams_max = 4;
    world.add(options);
    for (std::uint8_t i = 0; i < 6; ++i) {
        world.at(0).on_accept(kFirst + i, host(i), world.now());
    }
    EXPECT_EQ(world.refused(0, Refusal::too_many_streams), 3U);
    EXPECT_EQ(world.at(0).take_output().streams.size(), 3U) << "closed at once";
    // The last one is for us.
    const SocketAddress seed = MemberWorld::address_of(5);
    world.at(0).join(std::span(&seed, 1), world.now());
    EXPECT_EQ(world.at(0).take_output().streams.at(0).kind, StreamOut::Kind::connect);
    world.run(lan_timing().stream_timeout_ms + 1);
    world.at(0).on_accept(kFirst, host(0), world.now());
    EXPECT_EQ(world.refused(0, Refusal::too_many_streams), 3U);
}

TEST(streams, one_address_has_a_quarter_of_what_others_may_open) {
    MemberWorld world;
    world.add_joined(1);
    const std::uint32_t most = MembershipLimits{}.accepted_of_one_max();
    for (std::uint32_t i = 0; i <= most; ++i) {
        SocketAddress from = host(1);
        from.port = static_cast<std::uint16_t>(1'000 + i);
        world.at(0).on_accept(kFirst + i, from, world.now());
    }
    EXPECT_EQ(most, 24U);
    EXPECT_EQ(world.at(0).held().streams, most);
    EXPECT_EQ(world.refused(0, Refusal::too_many_streams), 1U);
    world.at(0).on_accept(kFirst + most, host(2), world.now());
    EXPECT_EQ(world.refused(0, Refusal::too_many_streams), 1U);
}

TEST(streams, where_too_much_is_held_who_holds_the_most_gives_way) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.accepted_bytes_max = 100'000;
    world.add(options);
    const auto long_one = bytes_of(PushPull{.user_state = std::string(90'000, 'x')});
    const auto short_one = bytes_of(PushPull{.user_state = std::string(20'000, 'y')});
    for (std::uint8_t i = 0; i < 2; ++i) {
        world.at(0).on_accept(kFirst + i, host(i), world.now());
    }
    world.at(0).on_bytes(kFirst, std::span(long_one).first(89'000), world.now());
    EXPECT_EQ(world.refused(0, Refusal::queue_full), 0U);
    world.at(0).on_bytes(kFirst + 1, short_one, world.now());
    EXPECT_EQ(world.refused(0, Refusal::queue_full), 1U);
    ASSERT_EQ(world.node(0).layer->states.size(), 1U);
    EXPECT_EQ(world.node(0).layer->states[0][0], 'y');
    EXPECT_EQ(world.at(0).held().streams, 0U);
    // What was held is free again, and one that is too long by itself has nobody to give way.
    world.at(0).on_accept(kFirst + 2, host(2), world.now());
    world.at(0).on_bytes(kFirst + 2, std::span(long_one).first(89'000), world.now());
    EXPECT_EQ(world.refused(0, Refusal::queue_full), 1U);
    world.at(0).on_bytes(kFirst + 2, std::vector<std::uint8_t>(20'000), world.now());
    EXPECT_EQ(world.refused(0, Refusal::queue_full), 2U);
}

TEST(streams, rows_that_wait_for_the_rest_are_held_too) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.accepted_bytes_max = 100'000;
    world.add(options);
    PushPull push;
    for (unsigned i = 0; i < 1'000; ++i) {
        push.nodes.push_back({.name = "member-" + std::to_string(i)});
    }
    const auto bytes = bytes_of(push);
    ASSERT_LT(bytes.size(), 100'000U);
    world.at(0).on_accept(kFirst, host(1), world.now());
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 500) {
        world.at(0).on_bytes(
            kFirst,
            std::span(bytes).subspan(at, std::min<std::size_t>(500, bytes.size() - 1 - at)),
            world.now());
    }
    EXPECT_EQ(world.refused(0, Refusal::queue_full), 1U);
}

TEST(streams, a_push_pull_has_at_most_four_times_our_members_as_rows) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.members_max = 2;
    world.add(options);
    PushPull push;
    push.nodes.resize(8, {.name = "x"});
    static_cast<void>(world.call(0, bytes_of(push)));
    EXPECT_EQ(world.refused(0, Refusal::oversize), 0U);
    push.nodes.resize(9, {.name = "x"});
    static_cast<void>(world.call(0, bytes_of(push)));
    EXPECT_EQ(world.refused(0, Refusal::oversize), 1U);
}

TEST(streams, strangers_of_the_transport_are_passed_over) {
    MemberWorld world;
    world.add_joined(1);
    world.at(0).on_connected(17);
    world.at(0).on_bytes(17, {}, world.now());
    world.at(0).on_end(17);
    EXPECT_TRUE(world.at(0).take_output().streams.empty());
}

}  // namespace

}  // namespace posthaste::gossip::membership
