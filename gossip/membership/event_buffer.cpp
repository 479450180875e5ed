// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/event_buffer.h"

#include <algorithm>

namespace posthaste::gossip::membership {

namespace {

// What an event costs beside its texts.
constexpr std::size_t kEventBytes = sizeof(UserEvent);

std::size_t bytes_of(const UserEvent& event) {
    return kEventBytes + event.name.size() + event.payload.size();
}

}  // namespace

void EventBuffer::drop_oldest() {
    const auto oldest = times_.begin();
    for (const UserEvent& event : oldest->second) {
        bytes_ -= bytes_of(event);
    }
    count_ -= oldest->second.size();
    times_.erase(oldest);
}

void EventBuffer::ignore_before(LamportTime time) {
    floor_ = std::max(floor_, time);
    while (!times_.empty() && times_.begin()->first < floor_) {
        drop_oldest();
    }
}

Novelty EventBuffer::add(const UserEvent& event, LamportTime now) {
    if (now > kBufferTimes) {
        ignore_before(now - kBufferTimes);
    }
    if (event.time < floor_) {
        return Novelty::old;
    }
    std::vector<UserEvent>& same_time = times_[event.time];
    const bool known = std::ranges::any_of(same_time, [&](const UserEvent& other) {
        return other.name == event.name && other.payload == event.payload;
    });
    if (known) {
        return Novelty::known;
    }
    if (same_time.size() >= kEventsOfATime) {
        return Novelty::full;
    }
    same_time.push_back(event);
    bytes_ += bytes_of(event);
    ++count_;
    while (bytes_ > kBytesMax || count_ > kPushEventsMax) {
        ignore_before(times_.begin()->first + 1);
    }
    return Novelty::fresh;
}

void QueryBuffer::ignore_before(LamportTime time) {
    floor_ = std::max(floor_, time);
    times_.erase(times_.begin(), times_.lower_bound(floor_));
}

Novelty QueryBuffer::add(LamportTime time, std::uint32_t id, LamportTime now) {
    if (now > kBufferTimes) {
        ignore_before(now - kBufferTimes);
    }
    if (time < floor_) {
        return Novelty::old;
    }
    std::vector<std::uint32_t>& same_time = times_[time];
    if (std::ranges::find(same_time, id) != same_time.end()) {
        return Novelty::known;
    }
    if (same_time.size() >= kQueriesOfATime) {
        return Novelty::full;
    }
    same_time.push_back(id);
    return Novelty::fresh;
}

}  // namespace posthaste::gossip::membership
