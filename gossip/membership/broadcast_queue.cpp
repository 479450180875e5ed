// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/broadcast_queue.h"

#include <algorithm>
#include <limits>

namespace posthaste::gossip::membership {

void BroadcastQueue::drop(Entries::iterator entry) {
    numbers_.erase(entry->first.number);
    if (!entry->second.subject.empty()) {
        subjects_.erase(entry->second.subject);
    }
    entries_.erase(entry);
}

BroadcastNumber BroadcastQueue::add(std::string_view subject, std::vector<std::uint8_t> message) {
    if (!subject.empty()) {
        const auto before = subjects_.find(subject);
        if (before != subjects_.end()) {
            drop(numbers_.at(before->second));
        }
    }
    if (entries_.size() >= max_ && !entries_.empty()) {
        drop(std::prev(entries_.end()));
        ++dropped_;
    }
    const Place place{.length = static_cast<std::uint32_t>(message.size()), .number = ++last_};
    const auto added =
        entries_.emplace(place, Entry{std::string(subject), std::move(message)}).first;
    numbers_.emplace(place.number, added);
    if (!subject.empty()) {
        subjects_.emplace(subject, place.number);
    }
    return place.number;
}

bool BroadcastQueue::contains(BroadcastNumber number) const {
    return numbers_.contains(number);
}

bool BroadcastQueue::contains_subject(std::string_view subject) const {
    return subjects_.contains(subject);
}

void BroadcastQueue::fill(PacketRoom& room, std::size_t kept_bytes) {
    constexpr std::size_t kLengthMax = std::numeric_limits<std::uint32_t>::max();
    auto next = entries_.begin();
    while (next != entries_.end() && room.parts_left > 0 &&
           room.bytes > room.per_part + kept_bytes) {
        const std::uint32_t tier = next->first.told;
        const std::size_t free = room.bytes - room.per_part - kept_bytes;
        next =
            entries_.lower_bound({.told = tier,
                                  .length = static_cast<std::uint32_t>(std::min(free, kLengthMax)),
                                  .number = std::numeric_limits<BroadcastNumber>::max()});
        if (next == entries_.end() || next->first.told != tier) {
            continue;  // nothing of this tier fits any more
        }
        room.parts.push_back(next->second.message);
        room.bytes -= next->first.length + room.per_part;
        --room.parts_left;
        told_.push_back(entries_.extract(next++));
    }
}

void BroadcastQueue::packet_done(unsigned limit) {
    for (auto& node : told_) {
        const BroadcastNumber number = node.key().number;
        if (++node.key().told < limit) {
            numbers_[number] = entries_.insert(std::move(node)).position;
            continue;
        }
        numbers_.erase(number);
        if (!node.mapped().subject.empty()) {
            subjects_.erase(node.mapped().subject);
        }
    }
    told_.clear();
}

}  // namespace posthaste::gossip::membership
