// SPDX-License-Identifier: BSD-3-Clause
// Probes: a few members an interval are asked whether they are alive; if one does not say so in
// time, others are asked to ask it, and it is asked by stream. After that it is suspect.
#include <algorithm>

#include "gossip/membership/membership_state.h"

namespace posthaste::gossip::membership {

namespace {

// The protocol that a member must know to be asked so.
constexpr std::uint8_t kStreamPingVersion = 3;
constexpr std::uint8_t kNackVersion = 4;

std::uint8_t protocol_max(const Member& member) {
    return member.versions.size() > 1 ? static_cast<std::uint8_t>(member.versions[1]) : 0;
}

}  // namespace

Ping MembershipState::ping_of(std::uint32_t sequence, std::string_view name) const {
    return {.sequence = sequence,
            .node = std::string(name),
            .source_address = self().address,
            .source_port = self().port,
            .source_node = options_.name};
}

MembershipState::Probe* MembershipState::probe_of(std::uint32_t sequence) {
    const auto found = std::ranges::find(probes_, sequence, &Probe::sequence);
    return found == probes_.end() ? nullptr : &*found;
}

bool MembershipState::is_probed(MemberSlot slot) const {
    return std::ranges::find(probes_, slot, &Probe::target) != probes_.end();
}

void MembershipState::on_probe_timer(std::uint64_t now_ms) {
    for (std::size_t i = 0; i < probes_.size();) {
        if (go_on(probes_[i], now_ms)) {
            ++i;
        } else {
            probes_.erase(probes_.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    if (probe_due_ms_ <= now_ms && probes_.size() < options_.timing.probes_at_once) {
        begin_probe(now_ms);
    }
}

bool MembershipState::go_on(Probe& probe, std::uint64_t now_ms) {
    if (probe.due_ms > now_ms) {
        return true;
    }
    if (table_.find(probe.name) != probe.target || !table_.at(probe.target).here()) {
        return false;
    }
    if (probe.stage == ProbeStage::direct) {
        ask_others(probe, now_ms);
    }
    if (probe.due_ms > now_ms) {
        return true;
    }
    probe_failed(probe, now_ms);
    return false;
}

// The ring is shuffled, and those who are gone for long leave it.
void MembershipState::wrap_ring(std::uint64_t now_ms) {
    ring_next_ = 0;
    for (std::size_t i = table_.ring().size(); i-- > 0;) {
        const MemberSlot slot = table_.ring()[i];
        const Member& member = table_.at(slot);
        if (slot != self_slot_ && !member.here() &&
            now_ms - member.changed_ms > options_.timing.gossip_to_dead_ms) {
            table_.leave_ring(slot);
        }
    }
    for (std::size_t i = table_.ring().size(); i > 1; --i) {
        table_.swap_in_ring(i - 1, draw() % i);
    }
}

MemberSlot MembershipState::next_to_probe(std::uint64_t now_ms) {
    const std::size_t most = table_.ring().size() + 1;  // all of it, from any place, and the wrap
    for (std::size_t i = 0; i < most; ++i) {
        if (ring_next_ >= table_.ring().size()) {
            wrap_ring(now_ms);
        }
        const MemberSlot slot = table_.ring()[ring_next_++];
        if (slot != self_slot_ && table_.at(slot).here() && !is_probed(slot)) {
            return slot;
        }
    }
    return kNoMember;
}

void MembershipState::begin_probe(std::uint64_t now_ms) {
    const Timing& timing = options_.timing;
    probe_due_ms_ = now_ms + timing.probe_interval_ms / timing.probes_at_once;
    const MemberSlot slot = next_to_probe(now_ms);
    if (slot == kNoMember) {
        return;
    }
    const Member& target = table_.at(slot);
    probes_.push_back({.stage = ProbeStage::direct,
                       .sequence = ++sequence_,
                       .target = slot,
                       .name = target.name,
                       .sent_ms = now_ms,
                       .due_ms = now_ms + timing.probe_timeout_ms,
                       .deadline_ms = now_ms + awareness_.scale(timing.probe_interval_ms)});
    ++counters_.probes;
    PacketRoom room = packet_room();
    ask_alive(room, sequence_, slot, now_ms);
    fill_with_broadcasts(room);
    send_packet(target.at, std::move(room));
}

// A suspect hears before anything else what is said of it, and can refute it.
void MembershipState::ask_alive(PacketRoom& room,
                                std::uint32_t sequence,
                                MemberSlot slot,
                                std::uint64_t now_ms) {
    Member& member = table_.at(slot);
    member.asked_ms = now_ms;
    put(room, encode(ping_of(sequence, member.name)));
    if (member.state == NodeState::suspect && options_.lifeguard.asked_suspects) {
        put(room,
            encode(Suspect{
                .incarnation = member.incarnation, .node = member.name, .from = options_.name}));
    }
}

// Gossip loses one refutation in a hundred at some member when a fifth of all datagrams is lost.
// That one would be alone in taking the suspect for dead, so each asks for itself, and often enough
// for some answer to come through: an interval apart, since what others confirm can end the time at
// once, and in every round towards its end. Half of a round is for these, half for all.
void MembershipState::ask_suspects(std::uint64_t now_ms) {
    constexpr std::size_t kAskedMax = 16;  // in one round, those with the least time first
    const std::uint64_t interval_ms = options_.timing.probe_interval_ms;
    if (!options_.lifeguard.asked_suspects) {
        return;
    }
    std::size_t left = kAskedMax / 2;
    ask_suspects_due(now_ms + 2 * interval_ms, 1, left, now_ms);
    left += kAskedMax / 2;
    ask_suspects_due(UINT64_MAX, interval_ms, left, now_ms);
}

void MembershipState::ask_suspects_due(std::uint64_t before_ms,
                                       std::uint64_t wait_ms,
                                       std::size_t& left,
                                       std::uint64_t now_ms) {
    for (const auto& [due_ms, slot] : suspicions_) {
        if (left == 0 || due_ms >= before_ms) {
            return;
        }
        const Member& suspect = table_.at(slot);
        if (now_ms - std::max(suspect.asked_ms, suspect.changed_ms) < wait_ms) {
            continue;
        }
        PacketRoom room = packet_room();
        ask_alive(room, ++sequence_, slot, now_ms);
        send_packet(suspect.at, std::move(room));
        --left;
    }
}

void MembershipState::ask_others(Probe& probe, std::uint64_t now_ms) {
    probe.stage = ProbeStage::indirect;
    probe.due_ms = probe.deadline_ms;
    const Member& target = table_.at(probe.target);
    const auto others = random_slots(options_.timing.indirect_checks, [&](const Member& member) {
        return member.state == NodeState::alive && member.name != probe.name;
    });
    for (const MemberSlot other : others) {
        const bool nack = protocol_max(table_.at(other)) >= kNackVersion;
        probe.nacks_expected += nack ? 1 : 0;
        send(table_.at(other).at,
             IndirectPing{.sequence = probe.sequence,
                          .target = target.address,
                          .port = target.port,
                          .node = target.name,
                          .nack = nack,
                          .source_address = self().address,
                          .source_port = self().port,
                          .source_node = options_.name});
    }
    if (protocol_max(target) >= kStreamPingVersion && now_ms < probe.deadline_ms) {
        open_stream(Purpose::ping, target.at, probe.deadline_ms, probe.sequence, probe.name);
    }
}

void MembershipState::probe_answered(Probe& probe, std::uint64_t now_ms, bool direct) {
    constexpr std::uint64_t kMicrosecondsPerMs = 1'000;
    if (direct && table_.find(probe.name) == probe.target) {
        const std::uint64_t took_us = (now_ms - probe.sent_ms) * kMicrosecondsPerMs;
        table_.at(probe.target).round_trip_us =
            static_cast<std::uint32_t>(std::max<std::uint64_t>(took_us, 1));
    }
    awareness_.apply(-1);
    probes_.erase(probes_.begin() + (&probe - probes_.data()));
}

void MembershipState::probe_failed(const Probe& probe, std::uint64_t now_ms) {
    ++counters_.probes_failed;
    // Those asked would at least have said that they heard nothing: if not, it may be us.
    const unsigned missing =
        probe.nacks_expected > probe.nacks ? probe.nacks_expected - probe.nacks : 0;
    awareness_.apply(probe.nacks_expected > 0 ? static_cast<int>(missing) : 1);
    suspect({.incarnation = table_.at(probe.target).incarnation,
             .node = probe.name,
             .from = options_.name},
            now_ms);
}

}  // namespace posthaste::gossip::membership
