// SPDX-License-Identifier: BSD-3-Clause
// The Posthaste message header, wire format version 1: 64 fixed bytes, then optional TLVs.
//
// WireHeader is laid over the frame bytes (alignment 1, fields big-endian); reading one checks
// nothing. parse_frame() in routing/frame.h says when the bytes are there and sound.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "routing/agent_id.h"

namespace posthaste::routing {

// A big-endian unsigned integer at any alignment.
template <typename T>
struct BigEndian {
    std::array<std::uint8_t, sizeof(T)> bytes{};

    BigEndian() = default;

    BigEndian(T value) noexcept { store(value); }  // NOLINT(google-explicit-constructor)

    operator T() const noexcept {  // NOLINT(google-explicit-constructor)
        T value;
        std::memcpy(&value, bytes.data(), sizeof value);
        return swap(value);
    }

  private:
    void store(T value) noexcept {
        value = swap(value);
        std::memcpy(bytes.data(), &value, sizeof value);
    }

    static T swap(T value) noexcept {
        static_assert(std::endian::native == std::endian::little);
        if constexpr (sizeof(T) == 2) {
            return static_cast<T>(__builtin_bswap16(value));
        } else if constexpr (sizeof(T) == 4) {
            return __builtin_bswap32(value);
        } else {
            return __builtin_bswap64(value);
        }
    }
};

using Be16 = BigEndian<std::uint16_t>;
using Be32 = BigEndian<std::uint32_t>;
using Be64 = BigEndian<std::uint64_t>;

inline constexpr std::uint16_t kMagic = 0x5048;
inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kHeaderBytesMin = 64;
inline constexpr std::size_t kHeaderBytesMax = 15 * 16;  // length nibble times 16
inline constexpr std::uint16_t kUdpPortDefault = 4747;
inline constexpr std::uint8_t kHopLimitDefault = 8;
inline constexpr std::uint32_t kLifetimeDefaultMs = 30'000;

enum class Type : std::uint8_t {
    message = 1,
    register_agent = 16,
    heartbeat = 17,
    deregister = 18,
    query = 19,
    query_reply = 20,
    ack = 21,
    error = 22,
    hello = 23,
    cookie = 24,
};

enum class Addressing : std::uint8_t { agent = 0, capability_any = 1, capability_all = 2 };

inline constexpr std::uint8_t kAddressingMax = 2;
inline constexpr std::uint8_t kStrategyMax = 3;  // sticky, priority, weighted, least-loaded

namespace flag {
inline constexpr std::uint16_t want_error = 1;
inline constexpr std::uint16_t trace = 2;
inline constexpr std::uint16_t relayed = 4;
inline constexpr std::uint16_t redirected = 8;
inline constexpr std::uint16_t fragment = 16;
}  // namespace flag

// The performative byte of an error frame holds its code, so that an error needs no TLV and can
// always be as small as the smallest frame it answers.
enum class ErrorCode : std::uint8_t {
    none = 0,
    unknown_agent = 1,
    unknown_capability = 2,
    no_available_provider = 3,
    hop_limit = 4,
    lifetime = 5,
    malformed = 6,
    unauthorised = 7,
    rate_limited = 8,
    draining = 9,
    overloaded = 10,
    too_large = 11,
    bad_version = 12,
    superseded = 13,  // a later request of the agent was served first
};

inline constexpr std::array<std::string_view, 14> kErrorNames = {
    "none",
    "unknown-agent",
    "unknown-capability",
    "no-available-provider",
    "hop-limit",
    "lifetime",
    "malformed",
    "unauthorised",
    "rate-limited",
    "draining",
    "overloaded",
    "too-large",
    "bad-version",
    "superseded",
};

// TLVs after the fixed header, and in the payload of control frames. Type 0 pads: it ends the
// list, and what follows it is ignored.
enum class Tlv : std::uint8_t {
    pad = 0,
    capability_name = 1,
    fragment = 2,
    trace_context = 3,
    auth_tag = 4,
    error = 5,
    redirect_endpoint = 6,
    agent_name = 32,
    lease_ms = 33,     // u32
    agent_state = 34,  // u8: AgentState
    load = 35,         // u16 load per mille, u32 queue depth
    capability = 36,   // u16 priority, u16 weight, then the name
    pattern = 37,      // u8 PatternKind, u16 priority, u16 weight, then the text
    provider = 38,     // of a query's reply: see wire-format.md
    cursor = 39,       // u32: where a query goes on
    query_flags = 40,  // u8: QueryFlag
    session = 41,      // u32 epoch, u8 flags: 1 multi-homed
    removed = 255,     // was one that holds no longer; skipped
};

// What an agent says of itself in its registration. Draining agents keep receiving frames
// addressed to them but are never chosen for a capability; stopped agents receive nothing.
enum class AgentState : std::uint8_t { running = 1, draining = 2, stopped = 3 };

struct WireHeader {
    Be16 magic;
    std::uint8_t version_length;  // version in the high nibble, 16-byte units in the low one
    std::uint8_t type;
    std::uint8_t performative;
    std::uint8_t addressing_strategy;  // addressing in the low nibble
    std::uint8_t priority;             // high nibble
    std::uint8_t hop_limit;
    Be16 flags;
    Be16 payload_length;
    Be32 lifetime_ms;
    AgentId destination;
    AgentId source;
    Be64 conversation;
    Be64 message;

    [[nodiscard]] std::uint8_t version() const noexcept { return version_length >> 4; }

    [[nodiscard]] std::size_t header_bytes() const noexcept {
        return std::size_t{version_length & 0x0fU} * 16;
    }

    [[nodiscard]] std::uint8_t addressing() const noexcept { return addressing_strategy & 0x0f; }

    [[nodiscard]] std::uint8_t strategy() const noexcept { return addressing_strategy >> 4; }

    [[nodiscard]] std::uint8_t priority_level() const noexcept { return priority >> 4; }
};

static_assert(sizeof(WireHeader) == kHeaderBytesMin && alignof(WireHeader) == 1);
static_assert(offsetof(WireHeader, type) == 3);
static_assert(offsetof(WireHeader, hop_limit) == 7);
static_assert(offsetof(WireHeader, flags) == 8);
static_assert(offsetof(WireHeader, payload_length) == 10);
static_assert(offsetof(WireHeader, lifetime_ms) == 12);
static_assert(offsetof(WireHeader, destination) == 16);
static_assert(offsetof(WireHeader, source) == 32);
static_assert(offsetof(WireHeader, conversation) == 48);
static_assert(offsetof(WireHeader, message) == 56);

// Posthaste's UUID namespace, 971377db-e540-595a-9565-2be427ee1e9c: UUIDv5 (RFC 4122, 4.3) of
// "urn:posthaste" in the URL namespace. Capability ids are UUIDv5 of the name in it.
inline constexpr AgentId kNamespace = {{0x97,
                                        0x13,
                                        0x77,
                                        0xdb,
                                        0xe5,
                                        0x40,
                                        0x59,
                                        0x5a,
                                        0x95,
                                        0x65,
                                        0x2b,
                                        0xe4,
                                        0x27,
                                        0xee,
                                        0x1e,
                                        0x9c}};

// The router an agent is attached to, whichever it is: the destination of control frames and the
// source of what a router says itself. UUIDv5 of "router" in kNamespace,
// 0defc982-00ec-5fb1-a4de-2d3136f46670.
inline constexpr AgentId kRouterId = {{0x0d,
                                       0xef,
                                       0xc9,
                                       0x82,
                                       0x00,
                                       0xec,
                                       0x5f,
                                       0xb1,
                                       0xa4,
                                       0xde,
                                       0x2d,
                                       0x31,
                                       0x36,
                                       0xf4,
                                       0x66,
                                       0x70}};

// Walks a TLV list without copying. After the loop, ok() tells whether the list was sound: a TLV
// whose value runs past the end makes it unsound.
//   for (TlvReader tlvs(bytes); tlvs.next();) { use(tlvs.type(), tlvs.value()); }
class TlvReader {
  public:
    explicit TlvReader(std::span<const std::uint8_t> bytes) noexcept : rest_(bytes) {}

    [[nodiscard]] bool next() noexcept;

    [[nodiscard]] std::uint8_t type() const noexcept { return type_; }

    [[nodiscard]] std::span<const std::uint8_t> value() const noexcept { return value_; }

    [[nodiscard]] bool ok() const noexcept { return ok_; }

  private:
    std::span<const std::uint8_t> rest_;
    std::span<const std::uint8_t> value_;
    std::uint8_t type_ = 0;
    bool ok_ = true;
};

// Appends TLVs to a caller's buffer. A value that does not fit, or is longer than 255 bytes,
// makes ok() false and writes nothing.
class TlvWriter {
  public:
    explicit TlvWriter(std::span<std::uint8_t> buffer) noexcept : buffer_(buffer) {}

    void put(Tlv type, std::span<const std::uint8_t> value) noexcept;
    void put(Tlv type, std::string_view value) noexcept;
    void put_u8(Tlv type, std::uint8_t value) noexcept;
    void put_u32(Tlv type, std::uint32_t value) noexcept;

    // Bytes written so far.
    [[nodiscard]] std::size_t size() const noexcept { return used_; }

    [[nodiscard]] bool ok() const noexcept { return ok_; }

  private:
    std::span<std::uint8_t> buffer_;
    std::size_t used_ = 0;
    bool ok_ = true;
};

}  // namespace posthaste::routing
