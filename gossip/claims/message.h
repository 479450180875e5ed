// SPDX-License-Identifier: BSD-3-Clause
// The messages of the route plane, and their bytes.
//
// A frame, big-endian: length of what follows (32 bits), kind (8), body. The first is a hello,
// which has the version and the hash of the cluster's name, see FrameReader. Sealing is the
// transport's. decode() is total over any bytes, and allocates no more than a small multiple of
// them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "gossip/claims/claim_store.h"

namespace posthaste::gossip::claims {

inline constexpr std::uint8_t kRouteVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 5;  // the length, too
inline constexpr std::size_t kHelloFrameBytes = kFrameHeaderBytes + 13;
inline constexpr std::size_t kFrameBytesMax = 256 * 1'024;
// Records of a chunk or push: one is taken in a single call, which others wait for.
inline constexpr std::uint32_t kEntriesMax = 1'024;

enum class MessageKind : std::uint8_t {
    hello = 1,
    digest_root,
    digest_rows,
    pull,
    range_begin,
    range_chunk,
    range_commit,
    range_abort,
    push,
    load,
    version_mismatch,
    superseded,
    not_here,
    discover,
    discovered,
    buckets_ask,
    buckets,
    bucket_ask,
    bucket_entries,
    rows_ask,
    providers,
};

inline constexpr std::array<std::string_view, 22> kMessageNames = {
    "none",        "hello",       "digest-root", "digest-rows",
    "pull",        "range-begin", "range-chunk", "range-commit",
    "range-abort", "push",        "load",        "version-mismatch",
    "superseded",  "not-here",    "discover",    "discovered",
    "buckets-ask", "buckets",     "bucket-ask",  "bucket-entries",
    "rows-ask",    "providers"};

[[nodiscard]] constexpr std::string_view name_of(MessageKind kind) noexcept {
    return kMessageNames[static_cast<std::size_t>(kind)];
}

// The first message of either side, and no other after it.
struct Hello {
    RouterId router{};
};

struct DigestRoot {
    std::uint64_t root = 0;
};

struct DigestRows {
    bool all = false;     // a router that is not among them is not known
    bool answer = false;  // to other rows; is not answered with rows
    std::vector<DigestRow> rows;
};

struct Pull {
    std::uint32_t id = 0;  // of the session, chosen by who asks
    RouterId router{};
    Generation generation;
    std::uint64_t from = 0;
};

// `from` 0: a snapshot, whatever was asked for.
struct RangeBegin {
    std::uint32_t id = 0;
    RouterId router{};
    Generation generation;
    std::uint64_t from = 0;
};

struct RangeChunk {
    std::uint32_t id = 0;
    std::uint32_t sequence = 0;  // from 0, by one
    std::vector<Entry> entries;
};

struct RangeCommit {
    std::uint32_t id = 0;
    std::uint32_t chunks = 0;
    std::uint64_t entries = 0;
    std::uint64_t to = 0;
    std::uint64_t floor = 0;
    std::uint64_t fingerprint = 0;
};

struct RangeAbort {
    std::uint32_t id = 0;
    bool by_sender = false;
    Refusal why = Refusal::range_aborted;
};

// A whole range of the sender's own keyspace. Most have one entry, so it says what is known to both
// in short: of the generation and the fingerprint there is only what tells a mistake.
struct Push {
    std::uint32_t life = 0;  // tag_of() the generation
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint32_t fingerprint = 0;  // the low half
    std::vector<Entry> entries;
};

[[nodiscard]] std::uint32_t tag_of(const Generation& generation) noexcept;

struct LoadUpdate {
    Generation generation;  // of the sender's keyspace
    std::vector<std::pair<routing::AgentId, routing::Load>> loads;
};

// The answer to a range that was not newer: what we have.
struct VersionMismatch {
    DigestRow row;
};

// The agent's claim by the receiver does not hold, since the winner's does.
struct Superseded {
    routing::AgentId agent;
    RouterId winner{};
    Position at{};
};

// A frame came for an agent that is not attached to the sender, who knows of this claim; 0: of
// none.
struct NotHere {
    routing::AgentId agent;
    RouterId holder{};
    Position at{};
};

// The id says what it is: an agent's, or the key of a capability (routing/capability_name.h), which
// no agent can have. A router that knows of no such questions has no such agent either.
struct Discover {
    routing::AgentId agent;
};

struct Discovered {
    routing::AgentId agent;
    bool found = false;  // the rest is there
    RouterId router{};
    Position at{};
    ClaimBody body{};
    routing::Load load{};
    std::string set{};
};

struct BucketsAsk {
    RouterId router{};
    Position at{};
};

struct Buckets {
    RouterId router{};
    Position at{};
    FingerprintBuckets sums{};
};

struct BucketAsk {
    RouterId router{};
    Position at{};
    std::uint8_t bucket = 0;
};

struct BucketEntries {
    RouterId router{};
    Position at{};
    std::uint8_t bucket = 0;
    std::vector<ClaimStore::BucketEntry> entries;
};

// For all rows, whatever the root is.
struct RowsAsk {};

// The answer to a question about a capability that agents of the sender have: records of its
// keyspace, ascending by version. Claims of some of these agents, and the lists they name.
struct Providers {
    routing::AgentId key;
    Generation generation;
    std::vector<Entry> entries;
};

// Enough to start with; the rest comes with the keyspace. With the lists they name, one of which
// may be the longest there is, they fit a frame.
inline constexpr std::size_t kProvidersMax = 16;
inline constexpr std::size_t kProviderSetsBytesMax = 64 * 1'024;

// In the order of MessageKind.
using Message = std::variant<std::monostate,
                             Hello,
                             DigestRoot,
                             DigestRows,
                             Pull,
                             RangeBegin,
                             RangeChunk,
                             RangeCommit,
                             RangeAbort,
                             Push,
                             LoadUpdate,
                             VersionMismatch,
                             Superseded,
                             NotHere,
                             Discover,
                             Discovered,
                             BucketsAsk,
                             Buckets,
                             BucketAsk,
                             BucketEntries,
                             RowsAsk,
                             Providers>;

[[nodiscard]] inline MessageKind kind_of(const Message& message) noexcept {
    return static_cast<MessageKind>(message.index());
}

[[nodiscard]] std::uint32_t cluster_hash(std::string_view name) noexcept;
// The whole frame. Never monostate.
[[nodiscard]] std::vector<std::uint8_t> encode(const Message& message, std::uint32_t cluster);
// The body of one kind; see FrameReader for the frame around it.
[[nodiscard]] tl::expected<Message, Refusal> decode(std::uint8_t kind,
                                                    std::span<const std::uint8_t> body);

}  // namespace posthaste::gossip::claims
