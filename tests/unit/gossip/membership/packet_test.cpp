// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/packet.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "gossip/membership/message_fields.h"
#include "tests/support/hex.h"
#include "tests/support/membership_packets.h"
#include "tests/support/membership_vectors.h"

namespace posthaste::gossip::membership {
namespace {

using support::compressed;
using support::from_hex;
using Bytes = std::vector<std::uint8_t>;
using Refusals = std::vector<Refusal>;

constexpr seal::Nonce kNonce = {9, 9, 9};

seal::Keyring ring(char key) {
    seal::Keyring keyring;
    EXPECT_TRUE(keyring.install(std::string(32, key)));
    return keyring;
}

template <typename Structure>
Structure only(const Decoded& decoded) {
    EXPECT_TRUE(decoded.refused.empty());
    EXPECT_EQ(decoded.messages.size(), 1U);
    const auto* const value =
        decoded.messages.size() == 1 ? std::get_if<Structure>(&decoded.messages[0]) : nullptr;
    EXPECT_NE(value, nullptr);
    return value == nullptr ? Structure{} : *value;
}

Refusals refusals_of(const Bytes& bytes, const Sealing& sealing = {}) {
    const Decoded decoded = decode_datagram(bytes, sealing);
    EXPECT_TRUE(decoded.messages.empty());
    return decoded.refused;
}

Bytes nack(std::uint32_t sequence) {
    return encode(Nack{sequence});
}

Bytes with_crc(const Bytes& bytes) {
    const std::uint32_t crc =
        static_cast<std::uint32_t>(::crc32(0, bytes.data(), static_cast<unsigned>(bytes.size())));
    Bytes checked = {12,
                     static_cast<std::uint8_t>(crc >> 24),
                     static_cast<std::uint8_t>(crc >> 16),
                     static_cast<std::uint8_t>(crc >> 8),
                     static_cast<std::uint8_t>(crc)};
    checked.insert(checked.end(), bytes.begin(), bytes.end());
    return checked;
}

Bytes compound_of(std::initializer_list<Bytes> parts) {
    return compound(std::vector<Bytes>(parts));
}

TEST(packet, serfs_ping_is_read_and_written_as_it_came) {
    const Bytes bytes = from_hex(support::kSerfPing);
    const auto ping = only<Ping>(decode_datagram(bytes, {}));
    EXPECT_EQ(ping.node, "amr-1");
    EXPECT_EQ(ping.sequence, 10U);
    EXPECT_EQ(ping.source_address, std::string("\x7f\0\0\1", 4));
    EXPECT_EQ(ping.source_port, 17'946);
    EXPECT_EQ(ping.source_node, "serf-a");
    EXPECT_EQ(encode(ping), bytes);
}

TEST(packet, serfs_alive_with_a_crc_is_read_and_written_as_it_came) {
    const Bytes bytes = from_hex(support::kSerfAlive);
    const auto alive = only<Alive>(decode_datagram(bytes, {}));
    EXPECT_EQ(alive.node, "gv-x");
    EXPECT_EQ(alive.incarnation, 2U);
    EXPECT_EQ(alive.port, 16'001);
    EXPECT_EQ(alive.versions, std::string("\1\5\2\2\5\5"));
    EXPECT_EQ(alive.meta, "\xff\x82\xa4role\xa3web\xa1k\xa1v");
    EXPECT_EQ(with_crc(encode(alive)), bytes);
}

TEST(packet, serfs_leave_with_a_crc_is_read_and_written_as_it_came) {
    const Bytes bytes = from_hex(support::kSerfDead);
    const auto dead = only<Dead>(decode_datagram(bytes, {}));
    EXPECT_EQ(dead.node, "gv-x");
    EXPECT_EQ(dead.from, "gv-x");
    EXPECT_EQ(dead.incarnation, 2U);
    EXPECT_EQ(with_crc(encode(dead)), bytes);
}

TEST(packet, serfs_compound_is_read_and_written_as_it_came) {
    const Bytes bytes = from_hex(support::kSerfCompound);
    const Decoded decoded = decode_datagram(bytes, {});
    ASSERT_EQ(decoded.messages.size(), 2U);
    EXPECT_TRUE(decoded.refused.empty());
    EXPECT_EQ(std::get<Ping>(decoded.messages[0]).sequence, 3U);
    EXPECT_EQ(std::get<User>(decoded.messages[1]).payload[0], '\0');
    EXPECT_EQ(compound_of({encode(decoded.messages[0]), encode(decoded.messages[1])}), bytes);
}

TEST(packet, a_changed_bit_under_a_crc_is_refused) {
    Bytes bytes = from_hex(support::kSerfDead);
    bytes.back() ^= 1;
    EXPECT_EQ(refusals_of(bytes), Refusals{Refusal::bad_crc});
}

TEST(packet, what_is_cut_off_anywhere_is_refused) {
    for (const auto hex : {support::kSerfPing, support::kSerfAlive, support::kSerfEvent}) {
        const Bytes bytes = from_hex(hex);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            const Decoded decoded = decode_datagram(std::span(bytes).first(length), {});
            EXPECT_EQ(decoded.refused.size(), 1U) << length;
            EXPECT_TRUE(decoded.messages.empty()) << length;
        }
    }
}

TEST(packet, an_ack_without_payload_is_written_as_serf_does) {
    EXPECT_EQ(encode(Ack{.sequence = 7, .payload = {}}),
              from_hex("0282a75061796c6f6164c0a55365714e6f07"));
}

TEST(packet, keys_nobody_knows_are_passed_over) {
    const auto nack = only<Nack>(decode_datagram(
        from_hex("0b83a1618201c0a16292c2c3a55365714e6fd205f5e100a17ac403616263"), {}));
    EXPECT_EQ(nack.sequence, 100'000'000U);
}

TEST(packet, a_number_that_does_not_fit_is_refused) {
    EXPECT_EQ(refusals_of(from_hex("0b81a55365714e6fcf0000000100000000")),
              Refusals{Refusal::malformed});
}

TEST(packet, names_and_tags_beyond_their_maximum_are_refused) {
    Alive alive{.incarnation = 1,
                .node = std::string(kNameBytesMax, 'n'),
                .address = "abcd",
                .port = 1,
                .meta = std::string(kMetaBytesMax, 'm'),
                .versions = "123456"};
    EXPECT_EQ(only<Alive>(decode_datagram(encode(alive), {})).node, alive.node);
    alive.node += 'n';
    EXPECT_EQ(refusals_of(encode(alive)), Refusals{Refusal::oversize});
    alive.node = "n";
    alive.meta += 'm';
    EXPECT_EQ(refusals_of(encode(alive)), Refusals{Refusal::oversize});
}

TEST(packet, bytes_behind_a_message_are_refused) {
    Bytes bytes = nack(1);
    bytes.push_back(0);
    EXPECT_EQ(refusals_of(bytes), Refusals{Refusal::trailing_bytes});
}

TEST(packet, types_that_no_datagram_brings_are_refused) {
    for (const std::uint8_t type : {6, 10, 13}) {
        EXPECT_EQ(refusals_of({type, 0x80}), Refusals{Refusal::unexpected_message});
    }
    for (const std::uint8_t type : {14, 0xe7, 243, 255}) {
        EXPECT_EQ(refusals_of({type, 0x80}), Refusals{Refusal::unknown_type});
    }
    EXPECT_EQ(refusals_of({}), Refusals{Refusal::truncated});
}

TEST(packet, what_is_wrong_with_one_part_does_not_harm_the_others) {
    const Decoded decoded =
        decode_datagram(compound_of({nack(1), {99}, nack(2), {}, {0xb, 0x91}, nack(3)}), {});
    EXPECT_EQ(decoded.refused,
              (Refusals{Refusal::unknown_type, Refusal::truncated, Refusal::malformed}));
    ASSERT_EQ(decoded.messages.size(), 3U);
    EXPECT_EQ(std::get<Nack>(decoded.messages[2]).sequence, 3U);
}

TEST(packet, the_parts_that_are_there_are_read_though_the_last_is_cut_off) {
    Bytes bytes = compound_of({nack(1), nack(2)});
    bytes.pop_back();
    const Decoded decoded = decode_datagram(bytes, {});
    EXPECT_EQ(decoded.messages.size(), 1U);
    EXPECT_EQ(decoded.refused, Refusals{Refusal::truncated});
    bytes.resize(5);  // not even all lengths
    EXPECT_EQ(refusals_of(bytes), Refusals{Refusal::truncated});
}

TEST(packet, bytes_behind_the_last_part_are_refused_and_the_parts_are_not) {
    Bytes bytes = compound_of({nack(1)});
    bytes.push_back(7);
    const Decoded decoded = decode_datagram(bytes, {});
    EXPECT_EQ(decoded.messages.size(), 1U);
    EXPECT_EQ(decoded.refused, Refusals{Refusal::trailing_bytes});
}

TEST(packet, four_layers_are_read_and_five_refused) {
    Bytes bytes = compressed(compound_of({nack(5)}));
    bytes = compressed(bytes);
    EXPECT_EQ(only<Nack>(decode_datagram(with_crc(bytes), {})).sequence, 5U);
    bytes = compound_of({bytes});
    EXPECT_EQ(only<Nack>(decode_datagram(bytes, {})).sequence, 5U);
    EXPECT_EQ(refusals_of(with_crc(bytes)), Refusals{Refusal::nested_too_deep});
    EXPECT_EQ(refusals_of(compound_of({bytes})), Refusals{Refusal::nested_too_deep});
}

TEST(packet, a_crc_is_only_outermost) {
    EXPECT_EQ(refusals_of(compound_of({with_crc(nack(1))})), Refusals{Refusal::unknown_type});
    EXPECT_EQ(refusals_of({12, 1, 2, 3}), Refusals{Refusal::truncated});
}

TEST(packet, more_than_255_parts_in_one_datagram_are_refused) {
    const Bytes many = compound(std::vector<Bytes>(127, nack(1)));
    const Decoded decoded = decode_datagram(compound_of({many, many, many}), {});
    EXPECT_EQ(decoded.messages.size(), kPartsMax - 2);
    EXPECT_FALSE(decoded.refused.empty());
    EXPECT_TRUE(std::ranges::all_of(decoded.refused,
                                    [](Refusal why) { return why == Refusal::too_many_parts; }));
    Bytes full = {7, 255};
    for (std::size_t i = 0; i < 255; ++i) {
        full.insert(full.end(), {0, static_cast<std::uint8_t>(nack(1).size())});
    }
    for (std::size_t i = 0; i < 255; ++i) {
        const Bytes part = nack(1);
        full.insert(full.end(), part.begin(), part.end());
    }
    EXPECT_EQ(decode_datagram(full, {}).messages.size(), 255U);
}

TEST(packet, what_is_compressed_is_read_and_a_bomb_refused) {
    EXPECT_EQ(only<Nack>(decode_datagram(compressed(nack(3)), {})).sequence, 3U);
    const Bytes user = encode(User{std::string(100'000, 'u')});
    EXPECT_EQ(only<User>(decode_datagram(compressed(user), {})).payload.size(), 100'000U);
    // Each alone would do; together they are too much for one datagram.
    const Decoded two = decode_datagram(compound_of({compressed(user), compressed(user)}), {});
    EXPECT_EQ(two.messages.size(), 1U);
    EXPECT_EQ(two.refused, Refusals{Refusal::decompression_bomb});
    Sealing sealing;
    sealing.decompressed_max = 1'000;
    EXPECT_EQ(refusals_of(compressed(user), sealing), Refusals{Refusal::decompression_bomb});
    EXPECT_EQ(refusals_of(from_hex("0982a4416c676f01a3427566a100")),
              Refusals{Refusal::bad_compression});
    EXPECT_EQ(refusals_of(from_hex("0982a4416c676f00a3427566a100")),
              Refusals{Refusal::bad_compression});
}

TEST(packet, what_is_sealed_is_opened_with_any_key) {
    seal::Keyring both = ring('a');
    ASSERT_TRUE(both.install(std::string(16, 'b')));
    const seal::Keyring one = ring('a');
    seal::Keyring other;
    ASSERT_TRUE(other.install(std::string(16, 'b')));
    const Sealing reader{.keyring = &both, .label = {}};
    for (const seal::Keyring* keyring : std::initializer_list<const seal::Keyring*>{&one, &other}) {
        const Sealing sealing{.keyring = keyring, .label = {}};
        const Bytes bytes = wrap_datagram(nack(8), sealing, kNonce);
        EXPECT_EQ(bytes.size(), nack(8).size() + wrap_overhead(sealing));
        EXPECT_EQ(only<Nack>(decode_datagram(bytes, reader)).sequence, 8U);
    }
    const seal::Keyring third = ring('c');
    EXPECT_EQ(refusals_of(wrap_datagram(nack(8), {.keyring = &third, .label = {}}, kNonce), reader),
              Refusals{Refusal::bad_seal});
}

TEST(packet, plaintext_is_refused_where_there_are_keys_unless_it_is_allowed) {
    const seal::Keyring keyring = ring('a');
    Sealing sealing{.keyring = &keyring, .label = {}};
    EXPECT_EQ(refusals_of(nack(8), sealing), Refusals{Refusal::plaintext});
    sealing.refuse_plaintext = false;
    EXPECT_EQ(only<Nack>(decode_datagram(nack(8), sealing)).sequence, 8U);
}

TEST(packet, what_is_sealed_is_refused_where_there_are_no_keys) {
    const seal::Keyring keyring = ring('a');
    const Bytes bytes = wrap_datagram(nack(8), {.keyring = &keyring, .label = {}}, kNonce);
    const seal::Keyring none;
    EXPECT_EQ(refusals_of(bytes, {.keyring = &none, .label = {}}).size(), 1U);
}

TEST(packet, another_label_or_none_is_refused) {
    const Sealing ours{.label = "east"};
    const Bytes bytes = wrap_datagram(nack(8), ours, kNonce);
    EXPECT_EQ(bytes.size(), nack(8).size() + wrap_overhead(ours));
    EXPECT_EQ(only<Nack>(decode_datagram(bytes, ours)).sequence, 8U);
    for (const char* label : {"", "west", "eas", "east2"}) {
        EXPECT_EQ(refusals_of(bytes, {.label = label}), Refusals{Refusal::bad_label});
    }
    EXPECT_EQ(refusals_of(nack(8), ours), Refusals{Refusal::bad_label});
    EXPECT_EQ(refusals_of({244}, ours), Refusals{Refusal::bad_label});
    EXPECT_EQ(refusals_of({244, 0, 11, 0x80}), Refusals{Refusal::bad_label});
    EXPECT_EQ(refusals_of({244, 9, 'e', 'a'}, ours), Refusals{Refusal::bad_label});
}

TEST(packet, the_seal_vouches_for_the_label) {
    const seal::Keyring keyring = ring('a');
    const Sealing east{.keyring = &keyring, .label = "east"};
    const Sealing west{.keyring = &keyring, .label = "west"};
    Bytes bytes = wrap_datagram(nack(8), east, kNonce);
    EXPECT_EQ(only<Nack>(decode_datagram(bytes, east)).sequence, 8U);
    std::ranges::copy(std::string("west"), bytes.begin() + 2);
    EXPECT_EQ(refusals_of(bytes, west), Refusals{Refusal::bad_seal});
}

}  // namespace
}  // namespace posthaste::gossip::membership
