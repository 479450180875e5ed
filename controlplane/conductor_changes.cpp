// SPDX-License-Identifier: BSD-3-Clause
// Conductor, from the Rib to what lcores read: its changes go into the Fib, then to those who keep
// books of capabilities.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "controlplane/change_event.h"
#include "controlplane/conductor.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kChangesAhead = 32;       // looked for in memory at a time
constexpr std::size_t kChangesKept = 1U << 12;  // room that is not given back in between

}  // namespace

// What the Fib waits for comes from memory for some at a time.
std::size_t Conductor::prefetch_changes() const {
    std::array<const routing::AgentId*, kChangesAhead> agents;
    const std::size_t count = std::min(agents.size(), waiting_changes_.size());
    for (std::size_t i = 0; i < count; ++i) {
        agents[i] = &waiting_changes_[i].entry.agent;
    }
    if (count > 1) {
        box_.fib->prefetch(std::span(agents).first(count));
    }
    return count;
}

bool Conductor::apply_fib_changes(std::uint64_t now_ms) {
    for (routing::FibChange& change : box_.rib.take_changes()) {
        waiting_changes_.push_back(std::move(change));
    }
    const bool many = waiting_changes_.size() > kChangesKept;
    for (std::size_t ahead = 0; !waiting_changes_.empty(); --ahead) {
        ahead = ahead > 0 ? ahead : prefetch_changes();
        const routing::FibChange& change = waiting_changes_.front();
        std::optional<NotedEvent> event;
        if (box_.events.wants(EventTopic::agents)) {
            const routing::FibEntry* const before = box_.fib->find(change.entry.agent);
            event = event_of(before, change, box_.config, box_.wall_ms());
        }
        if (change.remove) {
            box_.care->before_removal(change.entry.agent);
            box_.fib->remove(change.entry.agent);
        } else if (box_.fib->set(change.entry, change.last_heard_ms)) {
            box_.care->after_set(change.entry.agent, now_ms);
        } else {
            return false;  // all slack awaits its grace period: next cycle
        }
        if (event.has_value()) {
            box_.events.note(*std::move(event));
        }
        waiting_changes_.pop_front();
    }
    if (many) {
        waiting_changes_ = std::deque<routing::FibChange>();  // = {} would keep its map
    }
    return true;
}

void Conductor::apply_changes(std::uint64_t now_ms) {
    if (!apply_fib_changes(now_ms)) {
        return;
    }
    // Providers are agents: they are in the Fib now.
    box_.patterns->take_changes(box_.capabilities->take_changes(now_ms), now_ms);
    box_.world_stale |= box_.patterns->any() != box_.world->read().patterns;
    box_.capabilities->publish(now_ms);
}

}  // namespace posthaste::controlplane
