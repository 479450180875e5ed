// SPDX-License-Identifier: BSD-3-Clause
// EventStream: the answers of `events`, one for each event of an EventLog that a watcher reads.
#pragma once

#include <cstdint>
#include <optional>

#include "controlplane/event_log.h"
#include "controlplane/ongoing.h"

namespace posthaste::controlplane {

class EventStream final : public Ongoing {
  public:
    // Ends after `count` events; 0: never. The log outlives it.
    EventStream(EventLog& log, std::optional<EventTopic> topic, std::uint64_t count)
        : watcher_(log, topic), count_(count) {}

    [[nodiscard]] std::optional<Answer> next() override;

    [[nodiscard]] bool is_endless() const override { return true; }

  private:
    EventLog::Watcher watcher_;
    std::uint64_t count_;
    std::uint64_t given_ = 0;
};

// {at_ms: since 1970, topic, event, agent: UUID|null, name|null, detail|null, lost: events before
//  it that this watcher was too slow for}
[[nodiscard]] Json describe(const NotedEvent& event, std::uint64_t lost);

}  // namespace posthaste::controlplane
