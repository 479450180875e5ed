// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/event_log.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace posthaste::controlplane {

namespace {

constexpr std::array<std::pair<std::string_view, EventTopic>, kNotedKinds> kKinds = {{
    {"agent attached", EventTopic::agents},
    {"agent changed", EventTopic::agents},
    {"agent moved", EventTopic::agents},
    {"agent gone", EventTopic::agents},
    {"port up", EventTopic::ports},
    {"port down", EventTopic::ports},
    {"member joined", EventTopic::members},
    {"member updated", EventTopic::members},
    {"member suspected", EventTopic::members},
    {"member recovered", EventTopic::members},
    {"member failed", EventTopic::members},
    {"member left", EventTopic::members},
    {"member forgotten", EventTopic::members},
    {"name conflict", EventTopic::members},
    {"own name lost", EventTopic::members},
    {"user event", EventTopic::members},
    {"keys changed", EventTopic::members},
    {"session up", EventTopic::routes},
    {"session down", EventTopic::routes},
    {"agent superseded", EventTopic::routes},
    {"agent frozen", EventTopic::routes},
    {"keyspace renewed", EventTopic::routes},
    {"agent conflict", EventTopic::routes},
    {"inconsistent", EventTopic::routes},
    {"damaged records", EventTopic::routes},
    {"repaired", EventTopic::routes},
    {"agent discovered", EventTopic::routes},
    {"generations spent", EventTopic::routes},
}};

}  // namespace

std::string_view name_of(NotedKind kind) noexcept {
    return kKinds[static_cast<std::size_t>(kind)].first;
}

EventTopic topic_of(NotedKind kind) noexcept {
    return kKinds[static_cast<std::size_t>(kind)].second;
}

std::optional<EventTopic> topic_from_text(std::string_view text) noexcept {
    const auto found = std::ranges::find(kTopicNames, text);
    if (found == kTopicNames.end()) {
        return std::nullopt;
    }
    return static_cast<EventTopic>(found - kTopicNames.begin());
}

void EventLog::note(NotedEvent event) {
    if (!wants(topic_of(event.kind))) {
        return;
    }
    event.name.resize(std::min(event.name.size(), kTextBytesMax));
    event.detail.resize(std::min(event.detail.size(), kTextBytesMax));
    ++counts_[static_cast<std::size_t>(event.kind)];
    if (topic_of(event.kind) != EventTopic::agents) {
        std::deque<Last>& last = last_[static_cast<std::size_t>(event.kind)];
        last.push_back({noted_, event});
        if (last.size() > kLastKept) {
            last.pop_front();
        }
    }
    if (ring_.size() < kEventsKept) {
        ring_.push_back(std::move(event));
    } else {
        ring_[noted_ % kEventsKept] = std::move(event);
    }
    ++noted_;
}

std::vector<NotedEvent> EventLog::last(std::uint64_t kinds, std::size_t most) const {
    std::vector<const Last*> found;
    for (std::size_t kind = 0; kind < kNotedKinds; ++kind) {
        if ((kinds >> kind & 1) != 0) {
            for (const Last& last : last_[kind]) {
                found.push_back(&last);
            }
        }
    }
    std::ranges::sort(found, std::ranges::greater{}, &Last::number);
    found.resize(std::min(found.size(), most));
    std::vector<NotedEvent> events;
    events.reserve(found.size());
    for (const Last* const last : found) {
        events.push_back(last->event);
    }
    return events;
}

EventLog::Watcher::Watcher(EventLog& log, std::optional<EventTopic> topic)
    : log_(log), topic_(topic), at_(log.noted_) {
    ++log_.watchers_;
}

EventLog::Watcher::~Watcher() {
    --log_.watchers_;
}

const NotedEvent* EventLog::Watcher::next() {
    const std::uint64_t oldest = log_.noted_ - log_.ring_.size();
    if (at_ < oldest) {
        lost_ += oldest - at_;
        at_ = oldest;
    }
    while (at_ < log_.noted_) {
        const NotedEvent& event = log_.ring_[at_++ % kEventsKept];
        if (!topic_ || topic_of(event.kind) == *topic_) {
            return &event;
        }
    }
    return nullptr;
}

std::uint64_t EventLog::Watcher::take_lost() noexcept {
    return std::exchange(lost_, 0);
}

}  // namespace posthaste::controlplane
