// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/stream.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gossip/membership/message_fields.h"
#include "gossip/membership/serf_codec.h"
#include "tests/support/hex.h"
#include "tests/support/membership_packets.h"
#include "tests/support/membership_vectors.h"

namespace posthaste::gossip::membership {
namespace {

using support::compressed;
using support::from_hex;
using Bytes = std::vector<std::uint8_t>;
using Next = tl::expected<std::optional<StreamMessage>, Refusal>;

constexpr seal::Nonce kNonce = {3, 2, 1};

seal::Keyring ring(char key) {
    seal::Keyring keyring;
    EXPECT_TRUE(keyring.install(std::string(32, key)));
    return keyring;
}

PushPull push_of(std::size_t nodes, std::size_t user_state) {
    PushPull push{.join = true, .nodes = {}, .user_state = std::string(user_state, 's')};
    for (std::size_t i = 0; i < nodes; ++i) {
        push.nodes.push_back({.name = "node-" + std::to_string(i),
                              .address = std::string("\x0a\0\0\1", 4),
                              .port = 7'946,
                              .meta = "\xff\x80",
                              .incarnation = static_cast<std::uint32_t>(i),
                              .state = NodeState::suspect,
                              .versions = std::string("\1\5\2\2\5\5")});
    }
    return push;
}

Next read_all(std::span<const std::uint8_t> bytes,
              const Sealing& sealing = {},
              StreamPart part = StreamPart::request,
              const StreamLimits& limits = {}) {
    StreamReader reader(sealing, limits, part);
    reader.add(bytes);
    return reader.next();
}

Refusal refusal_of(std::span<const std::uint8_t> bytes,
                   const Sealing& sealing = {},
                   StreamPart part = StreamPart::request,
                   const StreamLimits& limits = {}) {
    const Next next = read_all(bytes, sealing, part, limits);
    EXPECT_FALSE(next.has_value());
    return next.has_value() ? Refusal::count : next.error();
}

// The message, byte by byte.
StreamMessage trickle(std::span<const std::uint8_t> bytes,
                      const Sealing& sealing,
                      StreamPart part) {
    StreamReader reader(sealing, {}, part);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const Next early = reader.next();
        EXPECT_TRUE(early.has_value() && !early->has_value()) << i;
        reader.add(bytes.subspan(i, 1));
    }
    Next last = reader.next();
    EXPECT_TRUE(last.has_value() && last->has_value());
    return last.has_value() && last->has_value() ? **last : StreamMessage(ErrorResponse{"none"});
}

TEST(stream, serfs_answer_to_a_join_is_read) {
    const auto message = trickle(from_hex(support::kSerfPushPull), {}, StreamPart::reply);
    const auto& push = std::get<PushPull>(message);
    EXPECT_TRUE(push.join);
    ASSERT_EQ(push.nodes.size(), 1U);
    EXPECT_EQ(push.nodes[0].name, "serf-a");
    EXPECT_EQ(push.nodes[0].port, 27'946);
    EXPECT_EQ(push.nodes[0].address, std::string("\x7f\0\0\1", 4));
    EXPECT_EQ(push.nodes[0].state, NodeState::alive);
    EXPECT_EQ(tags_of_meta(push.nodes[0].meta), (Tags{{"role", "test"}}));
    const auto state = decode_serf(push.user_state);
    ASSERT_TRUE(state.has_value());
    const auto& serf = std::get<SerfPushPull>(*state);
    ASSERT_EQ(serf.events.size(), 3U);
    EXPECT_EQ(serf.events[2].second[0].name, "deploy2");
    EXPECT_EQ(serf.events[2].second[0].payload, "payload-2");
    EXPECT_EQ(serf.status_times.count("serf-a"), 1U);
}

TEST(stream, serfs_ack_is_read) {
    const auto message = trickle(from_hex(support::kSerfStreamAck), {}, StreamPart::reply);
    EXPECT_EQ(std::get<Ack>(message).sequence, 7U);
}

TEST(stream, every_message_comes_back_byte_by_byte) {
    const seal::Keyring keyring = ring('k');
    const Sealing sealings[] = {{},
                                {.label = "east"},
                                {.keyring = &keyring, .label = {}},
                                {.keyring = &keyring, .label = "east"}};
    for (const Sealing& sealing : sealings) {
        for (const StreamPart part : {StreamPart::request, StreamPart::reply}) {
            const auto through = [&](const StreamMessage& message) {
                return trickle(encode_stream(message, sealing, kNonce, part), sealing, part);
            };
            EXPECT_EQ(std::get<Ping>(through(Ping{.sequence = 4, .node = "n"})).node, "n");
            EXPECT_EQ(std::get<Ack>(through(Ack{.sequence = 4, .payload = "p"})).payload, "p");
            EXPECT_EQ(std::get<User>(through(User{"payload"})).payload, "payload");
            EXPECT_EQ(std::get<User>(through(User{})).payload, "");
            EXPECT_EQ(std::get<ErrorResponse>(through(ErrorResponse{"no"})).text, "no");
            const auto push = std::get<PushPull>(through(push_of(3, 100)));
            EXPECT_EQ(push.nodes[2].name, "node-2");
            EXPECT_EQ(push.nodes[2].state, NodeState::suspect);
            EXPECT_EQ(push.user_state, std::string(100, 's'));
        }
    }
}

TEST(stream, only_the_opening_side_labels) {
    const Sealing sealing{.label = "east"};
    const Bytes request = encode_stream(Ping{}, sealing, kNonce, StreamPart::request);
    const Bytes reply = encode_stream(Ping{}, sealing, kNonce, StreamPart::reply);
    EXPECT_EQ(request.size(), reply.size() + 6);
    EXPECT_EQ(refusal_of(reply, sealing, StreamPart::request), Refusal::bad_label);
    EXPECT_EQ(refusal_of(request, sealing, StreamPart::reply), Refusal::unexpected_message);
    EXPECT_EQ(refusal_of(request, {}), Refusal::bad_label);
    EXPECT_EQ(refusal_of(request, {.label = "west"}), Refusal::bad_label);
    EXPECT_EQ(refusal_of(Bytes{244, 0, 0}), Refusal::bad_label);
}

TEST(stream, more_rows_or_user_state_than_allowed_are_refused_at_the_head) {
    const StreamLimits limits{.nodes_max = 10, .user_state_max = 100};
    EXPECT_TRUE(read_all(encode_body(push_of(10, 100)), {}, StreamPart::request, limits));
    const Bytes rows = encode_body(push_of(11, 0));
    EXPECT_EQ(refusal_of(std::span(rows).first(40), {}, StreamPart::request, limits),
              Refusal::oversize);
    const Bytes state = encode_body(push_of(0, 101));
    EXPECT_EQ(refusal_of(std::span(state).first(40), {}, StreamPart::request, limits),
              Refusal::oversize);
    const Bytes user = encode_body(User{std::string(101, 'u')});
    EXPECT_EQ(refusal_of(std::span(user).first(20), {}, StreamPart::request, limits),
              Refusal::oversize);
}

TEST(stream, a_negative_length_is_refused) {
    EXPECT_EQ(refusal_of(from_hex("0683a44a6f696ec2a54e6f646573ffac557365725374617465"
                                  "4c656e00")),
              Refusal::malformed);
}

TEST(stream, a_row_without_end_is_refused) {
    Bytes bytes = encode_body(push_of(1, 0));
    bytes.resize(29);  // the head; then a map of seven with something endless in it
    bytes.insert(bytes.end(), {0x87, 0xa1, 'x', 0xdd, 0xff, 0xff, 0xff, 0xff});
    bytes.insert(bytes.end(), kStreamPieceMax, 0xc0);
    EXPECT_EQ(refusal_of(bytes), Refusal::oversize);
}

TEST(stream, a_sealed_frame_beyond_20_MiB_is_refused_at_its_head) {
    const seal::Keyring keyring = ring('k');
    const Sealing sealing{.keyring = &keyring, .label = {}};
    EXPECT_TRUE(read_all(Bytes{10, 0x01, 0x40, 0, 0}, sealing));
    EXPECT_EQ(refusal_of(Bytes{10, 0x01, 0x40, 0, 1}, sealing), Refusal::oversize);
    EXPECT_EQ(refusal_of(Bytes{10, 0xff, 0xff, 0xff, 0xff}, sealing), Refusal::oversize);
    EXPECT_EQ(refusal_of(Bytes{10, 0, 0, 0, 0}, sealing), Refusal::bad_seal);
}

TEST(stream, compressed_bytes_beyond_20_MiB_are_refused_at_their_head) {
    EXPECT_EQ(refusal_of(from_hex("0982a4416c676f00a3427566db01400001")), Refusal::oversize);
    EXPECT_TRUE(read_all(from_hex("0982a4416c676f00a3427566db01400000")));
}

TEST(stream, a_compressed_message_with_an_endless_key_is_refused) {
    Bytes bytes = from_hex("0982a178ddffffffff");
    bytes.insert(bytes.end(), 20'000, 0xc0);
    EXPECT_EQ(refusal_of(bytes), Refusal::oversize);
}

TEST(stream, a_bomb_is_refused) {
    const Bytes bytes = compressed(encode_body(User{std::string(100'000, 'u')}));
    EXPECT_TRUE(read_all(bytes));
    Sealing sealing;
    sealing.decompressed_max = 99'999;
    EXPECT_EQ(refusal_of(bytes, sealing), Refusal::decompression_bomb);
}

TEST(stream, what_is_incomplete_within_a_seal_or_compression_is_refused) {
    const seal::Keyring keyring = ring('k');
    const Sealing sealing{.keyring = &keyring, .label = {}};
    Bytes whole = encode_body(push_of(2, 10));
    whole.pop_back();
    EXPECT_EQ(refusal_of(compressed(whole)), Refusal::truncated);
    const auto sealed_frame = [&](const Bytes& plain) {
        Bytes frame = {10, 0, 0, 0, 0};
        const std::size_t length = plain.size() + seal::kSealBytes;
        frame[3] = static_cast<std::uint8_t>(length >> 8);
        frame[4] = static_cast<std::uint8_t>(length);
        const Bytes sealed = keyring.seal(plain, frame, kNonce);
        frame.insert(frame.end(), sealed.begin(), sealed.end());
        return frame;
    };
    EXPECT_EQ(refusal_of(sealed_frame(whole), sealing), Refusal::truncated);
    EXPECT_EQ(refusal_of(sealed_frame({}), sealing), Refusal::truncated);
    EXPECT_TRUE(read_all(sealed_frame(compressed(encode_body(Ping{}))), sealing));
    EXPECT_EQ(refusal_of(sealed_frame(compressed(compressed(encode_body(Ping{})))), sealing),
              Refusal::unexpected_message);
}

TEST(stream, one_changed_bit_of_a_sealed_frame_is_refused) {
    const seal::Keyring keyring = ring('k');
    const Sealing sealing{.keyring = &keyring, .label = "east"};
    const Bytes bytes = encode_stream(User{"hello"}, sealing, kNonce, StreamPart::request);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes changed = bytes;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const Next next = read_all(changed, sealing);
        EXPECT_TRUE(!next.has_value() || !next->has_value()) << bit;
    }
}

TEST(stream, plaintext_is_refused_at_once_where_there_are_keys_unless_it_is_allowed) {
    const seal::Keyring keyring = ring('k');
    Sealing sealing{.keyring = &keyring, .label = {}};
    EXPECT_EQ(refusal_of(Bytes{6}, sealing), Refusal::plaintext);
    sealing.refuse_plaintext = false;
    EXPECT_TRUE(read_all(encode_body(push_of(1, 1)), sealing));
    EXPECT_EQ(refusal_of(encode_stream(Ping{}, sealing, kNonce, StreamPart::request), {}),
              Refusal::bad_seal);
}

TEST(stream, bytes_behind_the_message_are_refused) {
    const seal::Keyring keyring = ring('k');
    for (const Sealing& sealing : {Sealing{}, Sealing{.keyring = &keyring, .label = {}}}) {
        Bytes bytes = encode_stream(User{"u"}, sealing, kNonce, StreamPart::request);
        StreamReader later(sealing, {}, StreamPart::request);
        later.add(bytes);
        EXPECT_TRUE(later.next()->has_value());
        EXPECT_FALSE(later.next()->has_value());
        later.add(Bytes{1});
        EXPECT_EQ(later.next(), tl::unexpected(Refusal::trailing_bytes));
        bytes.push_back(1);
        EXPECT_EQ(refusal_of(bytes, sealing), Refusal::trailing_bytes);
    }
    Bytes packed = compressed(encode_body(Ping{}));
    packed.push_back(1);
    EXPECT_EQ(refusal_of(packed), Refusal::trailing_bytes);
}

TEST(stream, types_that_no_stream_brings_are_refused) {
    for (const std::uint8_t type : {1, 3, 4, 5, 7, 11, 12}) {
        EXPECT_EQ(refusal_of(Bytes{type}), Refusal::unexpected_message);
    }
    for (const std::uint8_t type : {14, 0xe7, 255}) {
        EXPECT_EQ(refusal_of(Bytes{type}), Refusal::unknown_type);
    }
}

TEST(stream, a_refusal_is_final) {
    StreamReader reader({}, {}, StreamPart::request);
    reader.add(Bytes{200});
    EXPECT_EQ(reader.next(), tl::unexpected(Refusal::unknown_type));
    reader.add(encode_body(Ping{}));
    EXPECT_EQ(reader.next(), tl::unexpected(Refusal::unknown_type));
    EXPECT_LE(reader.held(), 1U);
}

}  // namespace
}  // namespace posthaste::gossip::membership
