// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/member_table.h"

#include <utility>

namespace posthaste::gossip::membership {

MemberSlot MemberTable::find(std::string_view name) const {
    const auto found = slots_by_name_.find(name);
    return found == slots_by_name_.end() ? kNoMember : found->second;
}

MemberSlot MemberTable::insert(std::string_view name) {
    if (size() >= max_) {
        return kNoMember;
    }
    MemberSlot slot = static_cast<MemberSlot>(members_.size());
    if (free_.empty()) {
        members_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    members_[slot] = Member{.name = std::string(name), .used = true};
    slots_by_name_.emplace(members_[slot].name, slot);
    return slot;
}

void MemberTable::erase(MemberSlot slot) {
    leave_ring(slot);
    gone_.erase({members_[slot].changed_ms, slot});
    set_state(slot, NodeState::dead, 0);
    slots_by_name_.erase(members_[slot].name);
    members_[slot] = Member{};
    free_.push_back(slot);
}

void MemberTable::set_state(MemberSlot slot, NodeState state, std::uint64_t now_ms) {
    Member& member = members_[slot];
    const bool was_here = member.here();
    if (member.state != state) {
        member.state = state;
        member.changed_ms = now_ms;
    }
    if (member.here() == was_here) {
        return;
    }
    member.since_ms = now_ms;
    was_here ? --here_ : ++here_;
}

void MemberTable::set_versions(MemberSlot slot, std::string_view versions) {
    Member& member = members_[slot];
    if (member.in_ring) {
        versions_.remove(member.versions);
        versions_.add(versions);
    }
    member.versions = versions;
}

bool MemberTable::versions_fit(std::string_view versions, MemberSlot slot) noexcept {
    if (slot == kNoMember || !members_[slot].in_ring) {
        return versions_.fits(versions);
    }
    if (members_[slot].versions == versions) {
        return true;
    }
    versions_.remove(members_[slot].versions);
    const bool fitting = versions_.fits(versions);
    versions_.add(members_[slot].versions);
    return fitting;
}

void MemberTable::enter_ring(MemberSlot slot, std::uint64_t random) {
    Member& member = members_[slot];
    gone_.erase({member.changed_ms, slot});
    versions_.add(member.versions);
    member.in_ring = true;
    member.place = static_cast<std::uint32_t>(ring_.size());
    ring_.push_back(slot);
    swap_in_ring(random % ring_.size(), ring_.size() - 1);
}

void MemberTable::leave_ring(MemberSlot slot) {
    Member& member = members_[slot];
    if (!member.in_ring) {
        return;
    }
    swap_in_ring(member.place, ring_.size() - 1);
    ring_.pop_back();
    member.in_ring = false;
    versions_.remove(member.versions);
    gone_.emplace(member.changed_ms, slot);
}

void MemberTable::swap_in_ring(std::size_t one, std::size_t other) {
    std::swap(ring_[one], ring_[other]);
    members_[ring_[one]].place = static_cast<std::uint32_t>(one);
    members_[ring_[other]].place = static_cast<std::uint32_t>(other);
}

}  // namespace posthaste::gossip::membership
