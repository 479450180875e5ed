// SPDX-License-Identifier: BSD-3-Clause
// Coming and going: seeds while nobody is there, failed members tried again, our own leave, and
// members that are gone for good.
#include <algorithm>

#include "gossip/membership/membership_state.h"

namespace posthaste::gossip::membership {

bool MembershipState::is_calling(Purpose purpose, const SocketAddress& peer) const {
    return std::ranges::any_of(streams_, [&](const auto& stream) {
        return stream.second.purpose == purpose && stream.second.peer == peer;
    });
}

void MembershipState::try_seeds(std::span<const SocketAddress> seeds, std::uint64_t now_ms) {
    for (const SocketAddress& seed : seeds) {
        if (seed == options_.address || is_calling(Purpose::join, seed)) {
            continue;
        }
        if (!open_stream(Purpose::join, seed, now_ms + options_.timing.stream_timeout_ms)) {
            return;
        }
    }
}

void MembershipState::join(std::span<const SocketAddress> seeds, std::uint64_t now_ms) {
    if (!leaving()) {
        try_seeds(seeds, now_ms);
    }
}

void MembershipState::set_options(const MembershipOptions& next) {
    options_.reap_ms = next.reap_ms;
    if (options_.seeds != next.seeds) {
        options_.seeds = next.seeds;
        seed_wait_ms_ = kSeedWaitMs;
        seed_due_ms_ = 0;
    }
}

void MembershipState::on_seed_timer(std::uint64_t now_ms) {
    if (knows_anybody()) {
        seed_wait_ms_ = kSeedWaitMs;
        return;
    }
    if (leaving() || options_.seeds.empty() || seed_due_ms_ > now_ms) {
        return;
    }
    seed_wait_ms_ = std::min(seed_wait_ms_, options_.seed_retry_ms);
    seed_due_ms_ = now_ms + seed_wait_ms_;
    seed_wait_ms_ *= 2;
    std::vector<SocketAddress> seeds = options_.seeds;
    const std::size_t count = std::min(seeds.size(), kSeedsAtOnce);
    for (std::size_t i = 0; i < count; ++i) {
        std::swap(seeds[i], seeds[i + draw() % (seeds.size() - i)]);
    }
    try_seeds(std::span(seeds).first(count), now_ms);
}

// Seeds where nobody is that we know of, and we are not.
std::vector<SocketAddress> MembershipState::missing_seeds() const {
    std::vector<SocketAddress> missing;
    for (const SocketAddress& seed : options_.seeds) {
        if (std::ranges::none_of(table_.all(), [&](const Member& member) {
                return member.used && member.here() && member.at == seed;
            })) {
            missing.push_back(seed);
        }
    }
    return missing;
}

// So many members have the same thing to do that about one of them does it for each `missing`.
bool MembershipState::is_our_turn(std::size_t missing) {
    return missing > 0 && chance(static_cast<double>(missing) /
                                 static_cast<double>(std::max<std::size_t>(alive_count(), 1)));
}

// Two halves that took each other for dead meet again only by this: soon, if what parted them was
// short. Two that never met, or that take each other for left, do so at a seed.
void MembershipState::reconnect(std::uint64_t now_ms) {
    if (leaving()) {
        return;
    }
    const bool late = reconnect_late_due_ms_ <= now_ms;
    std::vector<MemberSlot> failed;
    for (MemberSlot slot = 0; slot < table_.all().size(); ++slot) {
        const Member& member = table_.at(slot);
        if (member.used && !member.here() &&
            (late || now_ms - member.since_ms < options_.lately_ms) &&
            layer_->status(member.name) == MemberStatus::failed) {
            failed.push_back(slot);
        }
    }
    if (is_our_turn(failed.size())) {
        const SocketAddress& peer = table_.at(failed[draw() % failed.size()]).at;
        if (!is_calling(Purpose::reconnect, peer)) {
            const std::uint64_t wait_ms = options_.timing.stream_timeout_ms;
            open_stream(Purpose::reconnect,
                        peer,
                        now_ms + (late ? wait_ms : std::min(wait_ms, kReconnectMs)));
        }
    }
    if (!late) {
        return;
    }
    reconnect_late_due_ms_ = now_ms + options_.reconnect_ms;
    const std::vector<SocketAddress> missing = missing_seeds();
    if (knows_anybody() && is_our_turn(missing.size())) {
        const SocketAddress seed = missing[draw() % missing.size()];
        try_seeds(std::span(&seed, 1), now_ms);
    }
}

void MembershipState::reap(std::uint64_t now_ms) {
    for (MemberSlot slot = 0; slot < table_.all().size(); ++slot) {
        const Member& member = table_.at(slot);
        if (member.used && slot != self_slot_ && !member.here() &&
            now_ms - member.since_ms >= options_.reap_ms) {
            forget_slot(slot);
        }
    }
}

void MembershipState::forget(std::string_view name) {
    const MemberSlot slot = table_.find(name);
    if (slot != kNoMember && slot != self_slot_ && !table_.at(slot).here()) {
        forget_slot(slot);
    }
}

void MembershipState::forget_slot(MemberSlot slot) {
    const std::string name = table_.at(slot).name;
    emit_member(MemberEventKind::reaped, name);
    set_suspicion(slot, std::nullopt);
    table_.erase(slot);
    layer_->on_forgotten(name);
}

void MembershipState::leave(std::uint64_t now_ms) {
    if (leaving()) {
        return;
    }
    leave_stage_ = LeaveStage::intent;
    leave_due_ms_ = now_ms + options_.leave_ms;
    layer_->begin_leave(now_ms);
    on_leave_timer(now_ms);
}

// The intent first, so that all take what follows for a leave and not for a failure.
void MembershipState::on_leave_timer(std::uint64_t now_ms) {
    const auto over = [&](bool heard) {
        return heard || !knows_anybody() || leave_due_ms_ <= now_ms;
    };
    if (leave_stage_ == LeaveStage::intent && over(layer_->leave_heard())) {
        const Member& me = self();
        table_.set_state(self_slot_, NodeState::left, now_ms);
        relay(me.name, Dead{.incarnation = me.incarnation, .node = me.name, .from = me.name});
        leave_stage_ = LeaveStage::dead;
        leave_due_ms_ = now_ms + options_.leave_ms;
    }
    if (leave_stage_ == LeaveStage::dead && over(!swim_queue_.contains_subject(options_.name))) {
        leave_stage_ = LeaveStage::linger;
        leave_due_ms_ = now_ms + kLingerMs;
    }
    if (leave_stage_ == LeaveStage::linger && over(false)) {
        leave_stage_ = LeaveStage::left;
        leave_due_ms_ = kNever;
    }
}

}  // namespace posthaste::gossip::membership
