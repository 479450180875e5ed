// SPDX-License-Identifier: BSD-3-Clause
// What Serf says in the payload of a user message and in the user state of a push/pull.
//
// The first byte is the type, msgpack follows. A relay (9) is a destination and another message.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gossip/membership/message.h"

namespace posthaste::gossip::membership {

// So many are kept, and taken from a push/pull: what one member sends another can read.
inline constexpr std::size_t kPushEventsMax = 16'384;

enum class SerfType : std::uint8_t {
    leave = 0,
    join = 1,
    push_pull = 2,
    user_event = 3,
    query = 4,
    query_response = 5,
    conflict_response = 6,
    key_request = 7,
    key_response = 8,
    relay = 9,
};

using LamportTime = std::uint64_t;
// At most kMetaBytesMax when encoded, with the leading 0xff.
using Tags = std::map<std::string, std::string>;

struct LeaveIntent {
    LamportTime time = 0;
    std::string node{};
    bool prune = false;
};

struct JoinIntent {
    LamportTime time = 0;
    std::string node{};
};

struct UserEvent {
    LamportTime time = 0;
    std::string name{};
    std::string payload{};
    bool coalesce = false;
};

inline constexpr std::uint32_t kQueryWantsAck = 1;
inline constexpr std::uint32_t kQueryNoBroadcast = 2;

struct Query {
    LamportTime time = 0;
    std::uint32_t id = 0;
    AddressBytes address{};  // where to answer
    std::uint16_t port = 0;
    std::string source_node{};
    std::vector<std::string> filters{};  // see serf_filter.h
    std::uint32_t flags = 0;
    std::uint8_t relay_factor = 0;
    std::uint64_t timeout_ns = 0;
    std::string name{};
    std::string payload{};
};

inline constexpr std::uint32_t kResponseIsAck = 1;

struct QueryResponse {
    LamportTime time = 0;
    std::uint32_t id = 0;
    std::string from{};
    std::uint32_t flags = 0;
    std::string payload{};
};

// The answer to _serf_conflict.
struct ConflictResponse {
    std::string name{};
    AddressBytes address{};
    std::uint16_t port = 0;
    Tags tags{};
    std::uint8_t status = 1;  // 1: alive
    Versions versions = kOurVersions;
};

struct KeyRequest {
    std::string key{};
};

struct KeyResponse {
    bool result = false;
    std::string message{};
    std::vector<std::string> keys{};  // base64
    std::string primary_key{};
};

struct Relay {
    AddressBytes address{};
    std::uint16_t port = 0;
    std::string node{};
    std::string message{};  // a user payload of its own
};

struct SerfPushPull {
    LamportTime time = 0;
    std::map<std::string, LamportTime> status_times{};
    std::vector<std::string> left_members{};
    LamportTime event_time = 0;
    // By the time of their clock; the buffer's empty places are left out.
    std::vector<std::pair<LamportTime, std::vector<UserEvent>>> events{};
    LamportTime query_time = 0;
};

using SerfMessage = std::variant<LeaveIntent,
                                 JoinIntent,
                                 SerfPushPull,
                                 UserEvent,
                                 Query,
                                 QueryResponse,
                                 ConflictResponse,
                                 KeyRequest,
                                 KeyResponse,
                                 Relay>;

}  // namespace posthaste::gossip::membership
