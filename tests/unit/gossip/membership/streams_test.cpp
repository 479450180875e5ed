// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "gossip/membership/stream.h"
#include "tests/support/member_world.h"

namespace posthaste::gossip::membership {

namespace {

using test::MemberWorld;

constexpr StreamId kFirst = kAcceptedStreams + 1'000;

std::uint64_t refused(MemberWorld& world, MemberWorld::Number number, Refusal why) {
    return world.at(number).counters().refused[static_cast<std::size_t>(why)];
}

std::vector<std::uint8_t> bytes_of(const StreamMessage& message, const Sealing& sealing = {}) {
    return encode_stream(message, sealing, {}, StreamPart::request);
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
    EXPECT_EQ(refused(world, 0, Refusal::unexpected_message), 1U);
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
    EXPECT_EQ(refused(world, 0, Refusal::plaintext), 1U);
    EXPECT_TRUE(world.node(0).layer->states.empty());
}

TEST(streams, a_stream_that_does_not_go_on_is_ended) {
    MemberWorld world;
    world.add_joined(1);
    const auto bytes = bytes_of(PushPull{.user_state = "state"});
    world.at(0).on_accept(kFirst, MemberWorld::address_of(5), world.now());
    world.at(0).on_bytes(kFirst, std::span(bytes).first(bytes.size() - 1), world.now());
    world.run(lan_timing().stream_timeout_ms - 1);
    EXPECT_EQ(refused(world, 0, Refusal::stream_timeout), 0U);
    world.run(2);
    EXPECT_EQ(refused(world, 0, Refusal::stream_timeout), 1U);
    world.at(0).on_bytes(kFirst, std::span(bytes).last(1), world.now());
    EXPECT_TRUE(world.node(0).layer->states.empty());
}

TEST(streams, a_stream_that_breaks_in_the_middle_is_counted_and_changes_nothing) {
    MemberWorld world;
    world.add_joined(1);
    const auto bytes = bytes_of(PushPull{.user_state = "state"});
    world.at(0).on_accept(kFirst, MemberWorld::address_of(5), world.now());
    world.at(0).on_bytes(kFirst, std::span(bytes).first(bytes.size() - 1), world.now());
    world.at(0).on_end(kFirst, world.now());
    EXPECT_EQ(refused(world, 0, Refusal::truncated), 1U);
    EXPECT_TRUE(world.node(0).layer->states.empty());
}

TEST(streams, there_are_only_so_many) {
    MemberWorld world;
    MembershipOptions options = MemberWorld::options_of(0);
    options.limits.streams_max = 4;
    world.add(options);
    for (StreamId i = 0; i < 6; ++i) {
        world.at(0).on_accept(kFirst + i, MemberWorld::address_of(5), world.now());
    }
    EXPECT_EQ(refused(world, 0, Refusal::too_many_streams), 2U);
    EXPECT_EQ(world.at(0).take_output().streams.size(), 2U) << "closed at once";
    world.run(lan_timing().stream_timeout_ms + 1);
    world.at(0).on_accept(kFirst, MemberWorld::address_of(5), world.now());
    EXPECT_EQ(refused(world, 0, Refusal::too_many_streams), 2U);
}

TEST(streams, strangers_of_the_transport_are_passed_over) {
    MemberWorld world;
    world.add_joined(1);
    world.at(0).on_connected(17, world.now());
    world.at(0).on_bytes(17, {}, world.now());
    world.at(0).on_end(17, world.now());
    EXPECT_TRUE(world.at(0).take_output().streams.empty());
}

}  // namespace

}  // namespace posthaste::gossip::membership
