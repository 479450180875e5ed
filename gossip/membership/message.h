// SPDX-License-Identifier: BSD-3-Clause
// The messages of membership, as values: those of memberlist protocol 5, which Serf speaks too.
//
// Names, addresses, tags and versions are kept as they came: peers compare them byte by byte, so
// whatever is relayed is relayed verbatim. Their bytes are packet.h's and stream.h's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace posthaste::gossip::membership {

// 4 or 16 bytes, as they came; compare what socket_address_of() makes of them.
using AddressBytes = std::string;

// [protocol min, max, current, delegate min, max, current].
using Versions = std::array<std::uint8_t, 6>;
inline constexpr Versions kOurVersions = {1, 5, 2, 2, 5, 5};

inline constexpr std::size_t kNameBytesMax = 128;
inline constexpr std::size_t kMetaBytesMax = 512;

enum class MessageType : std::uint8_t {
    ping = 0,
    indirect_ping = 1,
    ack = 2,
    suspect = 3,
    alive = 4,
    dead = 5,
    push_pull = 6,  // streams only
    compound = 7,
    user = 8,
    compress = 9,
    encrypt = 10,  // streams only
    nack = 11,
    has_crc = 12,  // datagrams only
    error = 13,    // streams only
    has_label = 244,
};

struct Ping {
    std::uint32_t sequence = 0;
    std::string node{};             // who is meant; empty: whoever gets it
    AddressBytes source_address{};  // where to answer; empty: to where it came from
    std::uint16_t source_port = 0;
    std::string source_node{};
};

struct IndirectPing {
    std::uint32_t sequence = 0;
    AddressBytes target{};
    std::uint16_t port = 0;
    std::string node{};
    bool nack = false;  // wants to hear of a failure, too
    AddressBytes source_address{};
    std::uint16_t source_port = 0;
    std::string source_node{};
};

struct Ack {
    std::uint32_t sequence = 0;
    std::string payload{};  // Serf: a coordinate
};

struct Nack {
    std::uint32_t sequence = 0;
};

struct Suspect {
    std::uint32_t incarnation = 0;
    std::string node{};
    std::string from{};
};

struct Dead {
    std::uint32_t incarnation = 0;
    std::string node{};
    std::string from{};  // the node itself: it left
};

struct Alive {
    std::uint32_t incarnation = 0;
    std::string node{};
    AddressBytes address{};
    std::uint16_t port = 0;
    std::string meta{};      // Serf's tags
    std::string versions{};  // as it came; not 6 bytes: refused
};

// The payload belongs to the layer above: the first byte is a SerfType.
struct User {
    std::string payload{};
};

struct ErrorResponse {
    std::string text{};
};

enum class NodeState : std::uint8_t { alive = 0, suspect = 1, dead = 2, left = 3 };

// A row of a push/pull.
struct PushNode {
    std::string name{};
    AddressBytes address{};
    std::uint16_t port = 0;
    std::string meta{};
    std::uint32_t incarnation = 0;
    NodeState state = NodeState::alive;
    std::string versions{};
};

struct PushPull {
    bool join = false;
    std::vector<PushNode> nodes{};
    std::string user_state{};  // empty: none
};

using Message = std::variant<Ping, IndirectPing, Ack, Nack, Suspect, Dead, Alive, User>;
// What a stream carries: one of these, and one back.
using StreamMessage = std::variant<Ping, Ack, PushPull, User, ErrorResponse>;

[[nodiscard]] constexpr MessageType type_of(const Message& message) noexcept {
    constexpr std::array kTypes = {MessageType::ping,
                                   MessageType::indirect_ping,
                                   MessageType::ack,
                                   MessageType::nack,
                                   MessageType::suspect,
                                   MessageType::dead,
                                   MessageType::alive,
                                   MessageType::user};
    static_assert(kTypes.size() == std::variant_size_v<Message>);
    return kTypes[message.index()];
}

[[nodiscard]] constexpr MessageType type_of(const StreamMessage& message) noexcept {
    constexpr std::array kTypes = {MessageType::ping,
                                   MessageType::ack,
                                   MessageType::push_pull,
                                   MessageType::user,
                                   MessageType::error};
    static_assert(kTypes.size() == std::variant_size_v<StreamMessage>);
    return kTypes[message.index()];
}

// Everything membership refuses, by name. A refusal changes nothing and is counted.
enum class Refusal : std::uint8_t {
    truncated,
    trailing_bytes,
    unknown_type,
    malformed,        // not the msgpack it should be
    oversize,         // a name, tags, a payload, a list
    nested_too_deep,  // more than four layers
    too_many_parts,
    bad_crc,
    bad_compression,
    decompression_bomb,
    bad_label,
    plaintext,  // though there are keys
    bad_seal,   // no key opens it
    bad_padding,
    bad_versions,      // the protocol or the delegate is not ours
    name_conflict,     // another node has that name
    bad_address,       // of nobody, of many, or none at all
    too_many_members,  // the limit of the table
    too_many_streams,
    stream_timeout,
    unexpected_message,  // not what the stream should bring
    queue_full,
    bad_intent,
    bad_query,
    bad_key,
    count,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Refusal::count)>
    kRefusalNames = {
        "truncated",
        "trailing-bytes",
        "unknown-type",
        "malformed",
        "oversize",
        "nested-too-deep",
        "too-many-parts",
        "bad-crc",
        "bad-compression",
        "decompression-bomb",
        "bad-label",
        "plaintext",
        "bad-seal",
        "bad-padding",
        "bad-versions",
        "name-conflict",
        "bad-address",
        "too-many-members",
        "too-many-streams",
        "stream-timeout",
        "unexpected-message",
        "queue-full",
        "bad-intent",
        "bad-query",
        "bad-key",
};

[[nodiscard]] constexpr std::string_view name_of(Refusal refusal) noexcept {
    return kRefusalNames[static_cast<std::size_t>(refusal)];
}

}  // namespace posthaste::gossip::membership
