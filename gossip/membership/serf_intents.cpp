// SPDX-License-Identifier: BSD-3-Clause
// SerfLayer: members, and what they and others say of them.
#include <algorithm>

#include "gossip/membership/serf_codec.h"
#include "gossip/membership/serf_layer.h"

namespace posthaste::gossip::membership {

SerfLayer::Spread SerfLayer::buffer(std::string_view name,
                                    bool leave,
                                    LamportTime time,
                                    std::uint64_t now_ms) {
    switch (intents_.add(name, leave, time, now_ms)) {
        case IntentBuffer::Outcome::kept:
            return Spread::yes;
        case IntentBuffer::Outcome::full:
            host_.refuse(Refusal::queue_full);
            break;
        case IntentBuffer::Outcome::not_newer:
            break;
    }
    return Spread::no;
}

// What does not raise the time of a status is not told again: it would go round for ever.
tl::expected<SerfLayer::Record*, SerfLayer::Spread> SerfLayer::weigh(const std::string& name,
                                                                     bool leave,
                                                                     LamportTime time,
                                                                     std::uint64_t now_ms) {
    if (!clock_.reaches(time) || name.empty()) {
        host_.refuse(Refusal::bad_intent);
        return tl::unexpected(Spread::no);
    }
    clock_.witness(time);
    Record* const record = find(name);
    if (record == nullptr) {
        return tl::unexpected(buffer(name, leave, time, now_ms));
    }
    if (time <= record->time) {
        return tl::unexpected(Spread::no);
    }
    return record;
}

SerfLayer::Spread SerfLayer::take_leave(const LeaveIntent& intent, std::uint64_t now_ms) {
    const auto weighed = weigh(intent.node, true, intent.time, now_ms);
    if (!weighed) {
        return weighed.error();
    }
    Record* const record = *weighed;
    if (is_self(intent.node) && !leaving_) {
        announce_join();
        return Spread::no;
    }
    record->time = intent.time;
    switch (record->status) {
        case MemberStatus::alive:
        case MemberStatus::leaving:
            record->status = MemberStatus::leaving;
            record->prune = record->prune || intent.prune;
            break;
        case MemberStatus::failed:
            record->status = MemberStatus::left;
            host_.emit_member(MemberEventKind::left, intent.node);
            [[fallthrough]];
        case MemberStatus::left:
            if (intent.prune) {
                forget_soon(intent.node);
            }
            break;
    }
    return Spread::yes;
}

SerfLayer::Spread SerfLayer::take_join(const JoinIntent& intent, std::uint64_t now_ms) {
    const auto weighed = weigh(intent.node, false, intent.time, now_ms);
    if (!weighed) {
        return weighed.error();
    }
    Record* const record = *weighed;
    if (is_self(intent.node)) {
        // Nobody but we takes our leave back, and we do not. What is later than our last word is
        // from an earlier life, and may have been a leave.
        announce_join();
        return Spread::no;
    }
    record->time = intent.time;
    if (record->status == MemberStatus::leaving) {
        record->status = MemberStatus::alive;
        record->prune = false;
    }
    return Spread::yes;
}

// The time of that leave is a guess, as a push/pull does not say it. It counts for a member that
// failed; one that is here has come back since, or SWIM's row would have said that it left.
void SerfLayer::take_left(std::string_view name, LamportTime status_time, std::uint64_t now_ms) {
    const Record* const record = find(name);
    if (record != nullptr && (record->status == MemberStatus::failed || is_self(name))) {
        static_cast<void>(take_leave({.time = status_time + 1, .node = std::string(name)}, now_ms));
    }
}

void SerfLayer::on_alive(std::string_view name, std::uint64_t now_ms) {
    if (Record* const record = find(name)) {
        record->status = MemberStatus::alive;
        record->prune = false;
        return;
    }
    Record record;
    if (const auto intent = intents_.take(name, now_ms)) {
        record.time = intent->time;
        record.status = intent->leave ? MemberStatus::leaving : MemberStatus::alive;
    }
    records_.emplace(name, record);
}

void SerfLayer::on_gone(std::string_view name, NodeState state) {
    Record* const record = find(name);
    if (record == nullptr) {
        return;
    }
    const bool by_itself = record->status == MemberStatus::leaving ||
                           record->status == MemberStatus::left || state == NodeState::left;
    record->status = by_itself ? MemberStatus::left : MemberStatus::failed;
    if (record->prune) {
        record->prune = false;
        forget_soon(name);
    }
}

void SerfLayer::on_forgotten(std::string_view name) {
    const auto found = records_.find(name);
    if (found != records_.end()) {
        records_.erase(found);
    }
}

MemberStatus SerfLayer::status(std::string_view name) const {
    const auto found = records_.find(name);
    return found == records_.end() ? MemberStatus::alive : found->second.status;
}

void SerfLayer::announce_join() {
    if (leaving_) {
        return;
    }
    const JoinIntent intent{.time = clock_.now(), .node = host_.options().name};
    clock_.witness(intent.time);
    if (Record* const record = find(intent.node)) {
        record->time = std::max(record->time, intent.time);
    }
    broadcast(encode_serf(intent));
}

void SerfLayer::begin_leave(std::uint64_t now_ms) {
    if (leaving_) {
        return;
    }
    leaving_ = true;
    const LeaveIntent intent{.time = clock_.now(), .node = host_.options().name};
    static_cast<void>(take_leave(intent, now_ms));
    if (host_.alive_count() > 1) {
        leave_number_ = broadcast(encode_serf(intent));
    }
}

bool SerfLayer::leave_heard() const {
    return leaving_ && (leave_number_ == 0 || !host_.is_broadcasting(leave_number_));
}

tl::expected<void, std::string> SerfLayer::force_leave(std::string_view name,
                                                       bool prune,
                                                       std::uint64_t now_ms) {
    const Record* const record = find(name);
    if (record == nullptr) {
        return tl::unexpected("There is no member " + std::string(name) + ".");
    }
    if (is_self(name)) {
        return tl::unexpected(std::string("This router leaves by itself."));
    }
    if (record->status == MemberStatus::alive || record->status == MemberStatus::leaving) {
        return tl::unexpected("The member " + std::string(name) + " has not failed.");
    }
    const LeaveIntent intent{.time = clock_.now(), .node = std::string(name), .prune = prune};
    static_cast<void>(take_leave(intent, now_ms));
    broadcast(encode_serf(intent));
    return {};
}

}  // namespace posthaste::gossip::membership
