// SPDX-License-Identifier: BSD-3-Clause
// What is believed of what members say of each other: SWIM's rules with memberlist's details.
#include <algorithm>

#include "gossip/membership/address.h"
#include "gossip/membership/membership_state.h"

namespace posthaste::gossip::membership {

void MembershipState::relay(std::string_view subject, const Message& message) {
    swim_queue_.add(subject, encode(message));
    counters_.broadcasts_dropped = swim_queue_.dropped() + user_queue_.dropped();
}

Alive MembershipState::own_life() const {
    const Member& me = self();
    return {.incarnation = me.incarnation,
            .node = me.name,
            .address = me.address,
            .port = me.port,
            .meta = me.meta,
            .versions = me.versions};
}

void MembershipState::say_alive() {
    relay(options_.name, own_life());
}

// Of ours. The last one stays: after a smaller one nobody would listen to us.
void MembershipState::raise_incarnation(std::uint32_t above) {
    Member& me = self();
    const std::uint32_t known = std::max(me.incarnation, above);
    me.incarnation = known == kIncarnationMax ? known : known + 1;
}

// Somebody is wrong about us.
void MembershipState::refute(std::uint32_t accused) {
    raise_incarnation(accused);
    ++counters_.refutations;
    awareness_.apply(1);
    say_alive();
}

void MembershipState::set_suspicion(MemberSlot slot, std::optional<Suspicion> suspicion) {
    Member& member = table_.at(slot);
    if (member.suspicion) {
        suspicions_.erase({member.suspicion->due_ms(), slot});
    }
    member.suspicion = std::move(suspicion);
    if (member.suspicion) {
        suspicions_.emplace(member.suspicion->due_ms(), slot);
    }
}

// The one that is gone the longest gives way.
bool MembershipState::make_room() {
    if (table_.size() < options_.limits.members_max) {
        return true;
    }
    const MemberSlot oldest = table_.longest_gone();
    if (oldest != kNoMember) {
        forget_slot(oldest);
    }
    return oldest != kNoMember;
}

// A slot for one that SWIM does not know, or not any more.
MemberSlot MembershipState::meet(const Alive& message, const SocketAddress& at) {
    MemberSlot slot = table_.find(message.node);
    if (slot == kNoMember) {
        if (!make_room()) {
            refuse(Refusal::too_many_members);
            return kNoMember;
        }
        slot = table_.insert(message.node);
    }
    Member& member = table_.at(slot);
    member.address = message.address;
    member.port = message.port;
    member.at = at;
    member.incarnation = 0;
    member.round_trip_us = 0;
    table_.enter_ring(slot, draw());
    return slot;
}

void MembershipState::conflict(const Alive& message, MemberSlot slot, std::uint64_t now_ms) {
    refuse(Refusal::name_conflict);
    Member& member = table_.at(slot);
    if (member.conflict_ms != 0 && now_ms < member.conflict_ms + kConflictEveryMs) {
        return;
    }
    member.conflict_ms = now_ms;
    emit_member(MemberEventKind::name_conflict, message.node);
    layer_->on_conflict(message.node, now_ms);
}

void MembershipState::alive_self(const Alive& message) {
    const Member& me = self();
    if (message.incarnation < me.incarnation ||
        (message.incarnation == me.incarnation && message.meta == me.meta &&
         message.versions == me.versions)) {
        return;
    }
    refute(message.incarnation);
}

bool MembershipState::alive(const Alive& message, std::uint64_t now_ms) {
    if (is_self(message.node) && leaving()) {
        return true;
    }
    const auto at = socket_address_of(message.address, message.port);
    if (!at || message.node.empty()) {
        refuse(message.node.empty() ? Refusal::malformed : Refusal::bad_address);
        return true;
    }
    MemberSlot slot = table_.find(message.node);
    const bool known = slot != kNoMember && table_.at(slot).in_ring;
    if (slot != self_slot_ && !table_.versions_fit(message.versions, slot)) {
        refuse(Refusal::bad_versions);
        return false;
    }
    bool moved = false;
    if (known && table_.at(slot).at != *at) {
        if (table_.at(slot).state != NodeState::left) {
            conflict(message, slot, now_ms);
            return true;
        }
        moved = true;
    }
    if (slot == self_slot_) {
        alive_self(message);
        return true;
    }
    if (known && message.incarnation <= table_.at(slot).incarnation && !moved) {
        return true;
    }
    if (!known) {
        slot = meet(message, *at);
    }
    if (slot != kNoMember) {
        accept(message, slot, *at, now_ms);
    }
    return true;
}

void MembershipState::accept(const Alive& message,
                             MemberSlot slot,
                             const SocketAddress& at,
                             std::uint64_t now_ms) {
    set_suspicion(slot, std::nullopt);
    relay(message.node, message);
    Member& member = table_.at(slot);
    const NodeState before = member.state;
    const bool changed = member.meta != message.meta;
    member.incarnation = message.incarnation;
    member.address = message.address;
    member.port = message.port;
    member.at = at;
    member.meta = message.meta;
    table_.set_versions(slot, message.versions);
    table_.set_state(slot, NodeState::alive, now_ms);
    if (before == NodeState::dead || before == NodeState::left) {
        layer_->on_alive(message.node, now_ms);
        emit_member(MemberEventKind::joined, message.node);
        return;
    }
    if (before == NodeState::suspect) {
        emit_member(MemberEventKind::recovered, message.node);
    }
    if (changed) {
        emit_member(MemberEventKind::updated, message.node);
    }
}

void MembershipState::suspect(const Suspect& message, std::uint64_t now_ms) {
    const MemberSlot slot = table_.find(message.node);
    if (slot == kNoMember || !table_.at(slot).in_ring ||
        message.incarnation < table_.at(slot).incarnation) {
        return;
    }
    Member& member = table_.at(slot);
    if (member.suspicion) {
        Suspicion suspicion = *member.suspicion;
        if (suspicion.confirm(message.from)) {
            set_suspicion(slot, std::move(suspicion));
            relay(message.node, message);
        }
        return;
    }
    if (member.state != NodeState::alive) {
        return;
    }
    if (slot == self_slot_) {
        refute(message.incarnation);
        return;
    }
    relay(message.node, message);
    ++counters_.suspicions;
    member.incarnation = message.incarnation;
    table_.set_state(slot, NodeState::suspect, now_ms);
    set_suspicion(slot, Suspicion(options_.timing, known_count(), message.from, now_ms));
    emit_member(MemberEventKind::suspected, message.node);
}

void MembershipState::dead(const Dead& message, std::uint64_t now_ms) {
    const MemberSlot slot = table_.find(message.node);
    if (slot == kNoMember || !table_.at(slot).in_ring ||
        message.incarnation < table_.at(slot).incarnation || !table_.at(slot).here()) {
        return;
    }
    if (slot == self_slot_) {
        if (!leaving()) {
            refute(message.incarnation);
        }
        return;
    }
    set_suspicion(slot, std::nullopt);
    relay(message.node, message);
    const NodeState state = message.node == message.from ? NodeState::left : NodeState::dead;
    counters_.deaths += state == NodeState::dead ? 1 : 0;
    table_.at(slot).incarnation = message.incarnation;
    table_.set_state(slot, state, now_ms);
    layer_->on_gone(message.node, state);
    emit_member(layer_->status(message.node) == MemberStatus::left ? MemberEventKind::left
                                                                   : MemberEventKind::failed,
                message.node);
}

void MembershipState::end_suspicions(std::uint64_t now_ms) {
    while (!suspicions_.empty() && suspicions_.begin()->first <= now_ms) {
        const Member& member = table_.at(suspicions_.begin()->second);
        dead({.incarnation = member.incarnation, .node = member.name, .from = options_.name},
             now_ms);
    }
}

}  // namespace posthaste::gossip::membership
