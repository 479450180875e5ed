// SPDX-License-Identifier: BSD-3-Clause
// Keyspace: what one router wrote, as one reading of it: its records in the order of versions.
//
// The content is a function of (router, generation, version) alone, except for records that are
// gone with a version up to the floor, which may be there or not. A router's keyspace may be here
// more than once: the one that counts, the one from before its restart, one that is being read.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "gossip/claims/claim_table.h"
#include "gossip/claims/identity.h"

namespace posthaste::gossip::claims {

using KeyspaceNumber = std::uint16_t;
inline constexpr KeyspaceNumber kNoKeyspace = 0xffff;

enum class KeyspaceRole : std::uint8_t {
    unused,
    staged,   // being read: nobody sees it
    live,     // what the router says
    stale,    // what it said before its restart: holds for agents the live one does not mention
    retired,  // to be freed, in slices
};

inline constexpr std::size_t kFingerprintBuckets = 256;
using FingerprintBuckets = std::array<std::uint64_t, kFingerprintBuckets>;

struct Keyspace {
    KeyspaceRole role = KeyspaceRole::unused;
    bool ended = false;      // has the mark end_of_rib
    bool silent = false;     // retired, and nobody ever saw it
    bool collected = false;  // work() is at it
    std::uint16_t origin = 0;
    Position at;
    std::uint64_t floor = 0;
    std::uint64_t stale_until_ms = 0;
    std::uint32_t head = kNoSlot;
    std::uint32_t tail = kNoSlot;
    std::uint32_t gone_head = kNoSlot;  // of what is gone alone, by version, too
    std::uint32_t gone_tail = kNoSlot;
    std::uint32_t gone = 0;
    std::uint32_t claims = 0;
    std::uint32_t records = 0;  // what is gone, too
    std::uint64_t fingerprint = 0;
    FingerprintBuckets buckets{};
    std::unordered_map<std::uint64_t, std::uint32_t> sets;  // by hash: the slot of a live one
    std::vector<std::uint32_t> readers;
};

}  // namespace posthaste::gossip::claims
