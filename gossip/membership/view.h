// SPDX-License-Identifier: BSD-3-Clause
// What membership gives: things to send, things that happened, and what is known of members.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "gossip/membership/options.h"

namespace posthaste::gossip::membership {

// Streams we open are numbered from 1; those that others open from kAcceptedStreams.
using StreamId = std::uint32_t;
inline constexpr StreamId kAcceptedStreams = 0x8000'0000;

struct DatagramOut {
    SocketAddress to;
    std::vector<std::uint8_t> bytes;
};

struct StreamOut {
    enum class Kind : std::uint8_t { connect, write, close };
    Kind kind = Kind::connect;
    StreamId stream = 0;
    SocketAddress to{};                 // of connect
    std::vector<std::uint8_t> bytes{};  // of write; close comes after all of it was sent
};

struct Output {
    std::vector<DatagramOut> datagrams;
    std::vector<StreamOut> streams;
};

enum class MemberStatus : std::uint8_t { alive, leaving, left, failed };

// In the order of MemberStatus.
inline constexpr std::array<std::string_view, 4> kStatusNames = {
    "alive", "leaving", "left", "failed"};

struct MemberView {
    std::string name;
    SocketAddress address;
    Tags tags;
    MemberStatus status = MemberStatus::alive;
    bool suspect = false;  // of an alive one: it does not answer right now
    bool self = false;
    std::uint32_t incarnation = 0;
    Versions versions = kOurVersions;
    std::uint64_t since_ms = 0;       // it came or went
    std::uint32_t round_trip_us = 0;  // of the last answered probe; 0: none
};

enum class KeyAction : std::uint8_t { list, install, use, remove };

struct KeyAnswers {
    std::uint32_t number = 0;  // of ask_keys()
    KeyAction action = KeyAction::list;
    std::uint32_t members = 0;
    std::uint32_t answers = 0;
    std::uint32_t errors = 0;
    std::vector<std::pair<std::string, std::string>> messages;  // member, what went wrong
    std::vector<std::pair<std::string, std::uint32_t>> keys;    // base64, how many have it
    std::vector<std::pair<std::string, std::uint32_t>> primary_keys;
};

enum class MemberEventKind : std::uint8_t {
    joined,
    updated,  // its tags
    suspected,
    recovered,  // from suspicion
    failed,
    left,
    reaped,         // forgotten
    name_conflict,  // somebody else uses the member's name
    lost_name,      // it is our own, and most members say that the other has it: leave
    user_event,     // `text` is its name, `payload` what it says
    keys_changed,   // the keyring: to be kept
    keys_answered,
};

struct MemberEvent {
    MemberEventKind kind = MemberEventKind::joined;
    MemberView member{};
    std::string text{};
    std::string payload{};
    KeyAnswers keys{};
};

struct MembershipCounters {
    static constexpr std::size_t kTypes = 14;      // by MessageType
    static constexpr std::size_t kSerfTypes = 10;  // by SerfType

    std::array<std::uint64_t, kTypes> received{};
    std::array<std::uint64_t, kTypes> sent{};
    std::array<std::uint64_t, kSerfTypes> serf_received{};
    std::array<std::uint64_t, kSerfTypes> serf_sent{};
    std::array<std::uint64_t, static_cast<std::size_t>(Refusal::count)> refused{};
    std::uint64_t datagrams_received = 0;
    std::uint64_t datagrams_sent = 0;
    std::uint64_t bytes_received = 0;  // of datagrams
    std::uint64_t bytes_sent = 0;
    std::uint64_t stream_bytes_received = 0;
    std::uint64_t stream_bytes_sent = 0;
    std::uint64_t probes = 0;
    std::uint64_t probes_failed = 0;
    std::uint64_t refutations = 0;  // of what was said of us
    std::uint64_t suspicions = 0;
    std::uint64_t deaths = 0;
    std::uint64_t broadcasts_dropped = 0;
};

}  // namespace posthaste::gossip::membership
