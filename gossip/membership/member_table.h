// SPDX-License-Identifier: BSD-3-Clause
// MemberTable: the members there are, in flat slots, by name, and in the ring in which they are
// probed. Owned by MembershipState; control thread only. At most `members_max`.
//
// A member that is dead or left for long leaves the ring: SWIM does not know it any more, and may
// meet it again as a new one. It stays in the table to be shown and tried until it is reaped.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossip/membership/message.h"
#include "gossip/membership/options.h"
#include "gossip/membership/suspicion.h"
#include "gossip/membership/version_tally.h"

namespace posthaste::gossip::membership {

using MemberSlot = std::uint32_t;
inline constexpr MemberSlot kNoMember = 0xffff'ffff;

struct Member {
    std::string name{};
    AddressBytes address{};  // as it came, like meta and versions
    std::uint16_t port = 0;
    std::string meta{};
    std::string versions{};
    SocketAddress at{};
    std::uint32_t incarnation = 0;
    NodeState state = NodeState::dead;
    bool used = false;
    bool in_ring = false;
    std::uint32_t place = 0;          // in the ring
    std::uint64_t changed_ms = 0;     // `state`
    std::uint64_t since_ms = 0;       // it came or went
    std::uint64_t asked_ms = 0;       // by us, last
    std::uint64_t conflict_ms = 0;    // when a conflict was last told of
    std::uint32_t round_trip_us = 0;  // of the last answered probe
    std::optional<Suspicion> suspicion{};

    [[nodiscard]] bool here() const noexcept {
        return state == NodeState::alive || state == NodeState::suspect;
    }
};

class MemberTable {
  public:
    explicit MemberTable(std::size_t members_max) : max_(members_max) {}

    [[nodiscard]] MemberSlot find(std::string_view name) const;

    [[nodiscard]] Member& at(MemberSlot slot) { return members_[slot]; }

    [[nodiscard]] const Member& at(MemberSlot slot) const { return members_[slot]; }

    // kNoMember: the table is full. Dead, in no ring.
    [[nodiscard]] MemberSlot insert(std::string_view name);
    void erase(MemberSlot slot);
    // Keeps count of who is here. One that left the ring stays as it is.
    void set_state(MemberSlot slot, NodeState state, std::uint64_t now_ms);
    void set_versions(MemberSlot slot, std::string_view versions);

    // At the place of a random other one, which goes to the end.
    void enter_ring(MemberSlot slot, std::uint64_t random);
    void leave_ring(MemberSlot slot);
    void swap_in_ring(std::size_t one, std::size_t other);

    [[nodiscard]] const std::vector<MemberSlot>& ring() const noexcept { return ring_; }

    [[nodiscard]] std::size_t size() const noexcept { return slots_by_name_.size(); }

    // Alive and suspect ones.
    [[nodiscard]] std::size_t here() const noexcept { return here_; }

    // Beside those of all others in the ring; kNoMember: of a new one.
    [[nodiscard]] bool versions_fit(std::string_view versions, MemberSlot slot) noexcept;

    // Of those that left the ring, the one whose state is the oldest; kNoMember: there is none.
    [[nodiscard]] MemberSlot longest_gone() const noexcept {
        return gone_.empty() ? kNoMember : gone_.begin()->second;
    }

    // Slots, of which some are unused.
    [[nodiscard]] const std::vector<Member>& all() const noexcept { return members_; }

  private:
    std::size_t max_;
    std::size_t here_ = 0;
    std::vector<Member> members_;
    std::vector<MemberSlot> free_;
    std::vector<MemberSlot> ring_;
    // No hash: what we draw shows in our nonces, so members could choose names that collide.
    std::map<std::string, MemberSlot, std::less<>> slots_by_name_;
    std::set<std::pair<std::uint64_t, MemberSlot>> gone_;  // by `changed_ms`
    VersionTally versions_;                                // of those in the ring
};

}  // namespace posthaste::gossip::membership
