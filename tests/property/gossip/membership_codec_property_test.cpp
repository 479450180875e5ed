// SPDX-License-Identifier: BSD-3-Clause
// Random messages: what is written is read as the same, whatever it is wrapped in and however it
// arrives; what is cut off is refused; what was compressed by any dictionary comes back.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "gossip/membership/lzw.h"
#include "gossip/membership/packet.h"
#include "gossip/membership/serf_codec.h"
#include "gossip/membership/stream.h"
#include "tests/support/lzw_writer.h"

using namespace posthaste::gossip;
using namespace posthaste::gossip::membership;
using posthaste::support::LzwWriter;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::string any_text(std::size_t max) {
    const auto length = *rc::gen::inRange<std::size_t>(0, max + 1);
    return *rc::gen::container<std::string>(length, rc::gen::arbitrary<char>());
}

template <typename Number>
Number any_number() {
    // Every width as likely as the others.
    const auto number = *rc::gen::arbitrary<std::uint64_t>();
    return static_cast<Number>(number >> *rc::gen::inRange(0, 64));
}

Message any_message() {
    switch (*rc::gen::inRange(0, 8)) {
        case 0:
            return Ping{.sequence = any_number<std::uint32_t>(),
                        .node = any_text(40),
                        .source_address = any_text(16),
                        .source_port = any_number<std::uint16_t>(),
                        .source_node = any_text(kNameBytesMax)};
        case 1:
            return IndirectPing{.sequence = any_number<std::uint32_t>(),
                                .target = any_text(16),
                                .port = any_number<std::uint16_t>(),
                                .node = any_text(40),
                                .nack = *rc::gen::arbitrary<bool>(),
                                .source_address = any_text(16),
                                .source_port = any_number<std::uint16_t>(),
                                .source_node = any_text(40)};
        case 2:
            return Ack{.sequence = any_number<std::uint32_t>(), .payload = any_text(300)};
        case 3:
            return Nack{any_number<std::uint32_t>()};
        case 4:
            return Suspect{any_number<std::uint32_t>(), any_text(40), any_text(40)};
        case 5:
            return Dead{any_number<std::uint32_t>(), any_text(40), any_text(40)};
        case 6:
            return Alive{.incarnation = any_number<std::uint32_t>(),
                         .node = any_text(40),
                         .address = any_text(16),
                         .port = any_number<std::uint16_t>(),
                         .meta = any_text(kMetaBytesMax),
                         .versions = any_text(6)};
        default:
            return User{any_text(500)};
    }
}

PushPull any_push() {
    PushPull push{.join = *rc::gen::arbitrary<bool>(), .nodes = {}, .user_state = any_text(400)};
    push.nodes.resize(*rc::gen::inRange<std::size_t>(0, 20));
    for (PushNode& node : push.nodes) {
        node = {.name = any_text(30),
                .address = any_text(16),
                .port = any_number<std::uint16_t>(),
                .meta = any_text(100),
                .incarnation = any_number<std::uint32_t>(),
                .state = static_cast<NodeState>(*rc::gen::inRange(0, 4)),
                .versions = any_text(6)};
    }
    return push;
}

SerfMessage any_serf() {
    switch (*rc::gen::inRange(0, 4)) {
        case 0:
            return LeaveIntent{
                any_number<LamportTime>(), any_text(40), *rc::gen::arbitrary<bool>()};
        case 1:
            return Query{.time = any_number<LamportTime>(),
                         .id = any_number<std::uint32_t>(),
                         .address = any_text(16),
                         .port = any_number<std::uint16_t>(),
                         .source_node = any_text(20),
                         .filters = {any_text(50), any_text(50)},
                         .flags = any_number<std::uint32_t>(),
                         .relay_factor = any_number<std::uint8_t>(),
                         .timeout_ns = any_number<std::uint64_t>(),
                         .name = any_text(40),
                         .payload = any_text(300)};
        case 2: {
            SerfPushPull push{.time = any_number<LamportTime>(),
                              .status_times = {{any_text(20), any_number<LamportTime>()}},
                              .left_members = {any_text(20)},
                              .event_time = any_number<LamportTime>(),
                              .events = {},
                              .query_time = any_number<LamportTime>()};
            const auto time = any_number<LamportTime>();
            push.events = {{time, {{.time = time, .name = any_text(20), .payload = any_text(20)}}}};
            return push;
        }
        default:
            return KeyResponse{.result = *rc::gen::arbitrary<bool>(),
                               .message = any_text(40),
                               .keys = {any_text(44), any_text(44)},
                               .primary_key = any_text(44)};
    }
}

seal::Keyring any_keyring() {
    seal::Keyring keyring;
    const auto length = *rc::gen::element<std::size_t>(16, 24, 32);
    RC_ASSERT(keyring.install(*rc::gen::container<std::string>(length, rc::gen::arbitrary<char>()))
                  .has_value());
    return keyring;
}

Sealing any_sealing(const seal::Keyring& keyring) {
    return {.keyring = *rc::gen::arbitrary<bool>() ? &keyring : nullptr,
            .label = any_text(20),
            .refuse_plaintext = *rc::gen::arbitrary<bool>()};
}

RC_GTEST_PROP(membership_codec, a_datagram_comes_back, ()) {
    const seal::Keyring keyring = any_keyring();
    const Sealing sealing = any_sealing(keyring);
    std::vector<Bytes> parts(*rc::gen::inRange<std::size_t>(1, 20));
    for (Bytes& part : parts) {
        part = encode(any_message());
    }
    const Bytes datagram = wrap_datagram(compound(parts), sealing, {});
    std::size_t expected = kCompoundHeadBytes + wrap_overhead(sealing);
    for (const Bytes& part : parts) {
        expected += kCompoundPartBytes + part.size();
    }
    RC_ASSERT(datagram.size() == expected);
    const Decoded decoded = decode_datagram(datagram, sealing);
    RC_ASSERT(decoded.refused.empty());
    RC_ASSERT(decoded.messages.size() == parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        RC_ASSERT(encode(decoded.messages[i]) == parts[i]);
    }
}

RC_GTEST_PROP(membership_codec, a_datagram_that_is_cut_off_brings_fewer_messages, ()) {
    const std::vector<Bytes> parts = {encode(any_message()), encode(any_message())};
    const Bytes datagram = compound(parts);
    const auto length = *rc::gen::inRange<std::size_t>(0, datagram.size());
    // In a block of its own size, which AddressSanitizer watches.
    const Bytes cut(datagram.begin(), datagram.begin() + static_cast<std::ptrdiff_t>(length));
    const Decoded decoded = decode_datagram(cut, {});
    RC_ASSERT(decoded.messages.size() < 2);
    RC_ASSERT(!decoded.refused.empty());
}

RC_GTEST_PROP(membership_codec, a_stream_comes_back_in_any_pieces, ()) {
    const seal::Keyring keyring = any_keyring();
    const Sealing sealing = any_sealing(keyring);
    const auto part = *rc::gen::element(StreamPart::request, StreamPart::reply);
    const StreamMessage message = any_push();
    const Bytes bytes = encode_stream(message, sealing, {}, part);
    StreamReader reader(sealing, {}, part);
    for (std::span<const std::uint8_t> rest(bytes); !rest.empty();) {
        const auto early = reader.next();
        RC_ASSERT(early.has_value() && !early->has_value());
        const auto length = std::min(rest.size(), *rc::gen::inRange<std::size_t>(1, 400));
        reader.add(rest.first(length));
        rest = rest.subspan(length);
    }
    const auto read = reader.next();
    RC_ASSERT(read.has_value() && read->has_value());
    RC_ASSERT(encode_stream(**read, sealing, {}, part) == bytes);
}

RC_GTEST_PROP(membership_codec, a_serf_message_comes_back_and_is_refused_when_cut_off, ()) {
    const std::string payload = encode_serf(any_serf());
    const auto message = decode_serf(payload);
    RC_ASSERT(message.has_value());
    RC_ASSERT(encode_serf(*message) == payload);
    const auto length = *rc::gen::inRange<std::size_t>(0, payload.size());
    RC_ASSERT(!decode_serf(payload.substr(0, length)).has_value());
}

RC_GTEST_PROP(membership_codec, tags_come_back_unless_they_are_too_long, ()) {
    Tags tags;
    for (auto left = *rc::gen::inRange(0, 8); left > 0; --left) {
        tags[any_text(20)] = any_text(100);
    }
    const auto meta = meta_of_tags(tags);
    if (meta.has_value()) {
        RC_ASSERT(meta->size() <= kMetaBytesMax);
        RC_ASSERT(tags_of_meta(*meta) == tags);
    } else {
        RC_ASSERT(meta.error() == Refusal::oversize);
    }
}

RC_GTEST_PROP(membership_codec, what_was_compressed_comes_back, ()) {
    const auto letters = *rc::gen::inRange(1, 257);
    const auto size = *rc::gen::inRange<std::size_t>(0, 12'000);
    auto state = *rc::gen::arbitrary<std::uint32_t>();
    Bytes plain(size);
    for (std::uint8_t& octet : plain) {
        state = state * 1'664'525 + 1'013'904'223;
        octet = static_cast<std::uint8_t>((state >> 16) % static_cast<unsigned>(letters));
    }
    const Bytes packed = LzwWriter::compress(plain, *rc::gen::arbitrary<bool>());
    RC_ASSERT(decompress(packed, size) == plain);
    if (size > 0) {
        RC_ASSERT(decompress(packed, size - 1) == tl::unexpected(Refusal::decompression_bomb));
    }
}

}  // namespace
