// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/record.h"

#include <algorithm>
#include <tuple>

#include "routing/capability_name.h"

namespace posthaste::gossip::claims {

namespace {

routing::AgentId reserved_key(std::uint64_t upper, std::uint8_t last) noexcept {
    routing::AgentId key;
    for (int i = 0; i < 8; ++i) {
        key.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(upper >> (56 - 8 * i));
    }
    std::fill(key.bytes.begin() + 8, key.bytes.end(), std::uint8_t{0xff});
    key.bytes[15] = last;
    return key;
}

// A running agent before one that drains, that before one that stopped.
int availability(routing::AgentState state) noexcept {
    return 3 - static_cast<int>(state);
}

auto rank(const Claimant& claimant) noexcept {
    const ClaimBody& body = claimant.body;
    return std::make_tuple(availability(body.state),
                           body.sticky,
                           body.epoch,
                           body.mobility,
                           body.since,
                           number(claimant.router));
}

}  // namespace

routing::AgentId set_key(std::uint64_t hash) noexcept {
    return reserved_key(hash, 0xff);
}

std::uint64_t hash_in(const routing::AgentId& set_key) noexcept {
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        hash = hash << 8 | set_key.bytes[i];
    }
    return hash;
}

routing::AgentId end_key() noexcept {
    return reserved_key(0, 0xfe);
}

bool key_fits(RecordKind kind, const routing::AgentId& key) noexcept {
    if (kind == RecordKind::claim) {
        return !key.is_nil() && !routing::is_capability_key(key);
    }
    if (kind == RecordKind::end_of_rib) {
        return key == end_key();
    }
    return std::all_of(
        key.bytes.begin() + 8, key.bytes.end(), [](std::uint8_t byte) { return byte == 0xff; });
}

bool holds_over(const Claimant& one, const Claimant& other) noexcept {
    return rank(one) > rank(other);
}

Precedence decides(const Claimant& one, const Claimant& other) noexcept {
    const ClaimBody& ours = one.body;
    const ClaimBody& theirs = other.body;
    if (ours.state != theirs.state) {
        return Precedence::state;
    }
    if (ours.sticky != theirs.sticky) {
        return Precedence::sticky;
    }
    if (ours.epoch != theirs.epoch) {
        return Precedence::epoch;
    }
    if (ours.mobility != theirs.mobility) {
        return Precedence::mobility;
    }
    if (ours.since != theirs.since) {
        return Precedence::since;
    }
    return one.router != other.router ? Precedence::router : Precedence::none;
}

}  // namespace posthaste::gossip::claims
