// SPDX-License-Identifier: BSD-3-Clause
// EventLog: what happened to agents, ports, members and routes, for operators who watch.
//
// A ring of kEventsKept events that every watcher reads at its own pace: one that is too slow loses
// the oldest and is told how many. Nobody watching: events about single agents, of which there may
// be many, are not even made. Pure; control thread only; no call takes longer for more watchers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::controlplane {

enum class EventTopic : std::uint8_t { agents, ports, members, routes };

inline constexpr std::array<std::string_view, 4> kTopicNames = {
    "agents", "ports", "members", "routes"};

enum class NotedKind : std::uint8_t {
    // agents
    agent_attached,
    agent_changed,
    agent_moved,
    agent_gone,
    // ports
    port_up,
    port_down,
    // members
    member_joined,
    member_updated,
    member_suspected,
    member_recovered,
    member_failed,
    member_left,
    member_reaped,
    name_conflict,
    lost_name,
    user_event,
    keys_changed,
    // routes
    session_up,
    session_down,
    superseded,
    frozen,
    renewed,
    conflict,
    inconsistent,
    damaged_records,
    repaired,
    discovered,
    generations_spent,
    count,
};

inline constexpr std::size_t kNotedKinds = static_cast<std::size_t>(NotedKind::count);

[[nodiscard]] std::string_view name_of(NotedKind kind) noexcept;
[[nodiscard]] EventTopic topic_of(NotedKind kind) noexcept;
// None: no topic of that name.
[[nodiscard]] std::optional<EventTopic> topic_from_text(std::string_view text) noexcept;

struct NotedEvent {
    NotedKind kind = NotedKind::agent_attached;
    std::uint64_t at_ms = 0;  // wall clock
    std::optional<routing::AgentId> agent{};
    std::string name{};    // of the port, member or router; cut to kTextBytesMax
    std::string detail{};  // the same
};

class EventLog {
  public:
    static constexpr std::size_t kEventsKept = 4'096;
    static constexpr std::size_t kLastKept = 32;  // of each kind
    static constexpr std::size_t kTextBytesMax = 256;

    EventLog() = default;
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    // Whether an event of that topic is worth making.
    [[nodiscard]] bool wants(EventTopic topic) const noexcept {
        return topic != EventTopic::agents || watchers_ > 0;
    }

    // Dropped unless wants() its topic.
    void note(NotedEvent event);

    // One reader; no more than the log lives.
    class Watcher {
      public:
        // Sees what comes from now on, of one topic or all.
        Watcher(EventLog& log, std::optional<EventTopic> topic);
        ~Watcher();
        Watcher(const Watcher&) = delete;
        Watcher& operator=(const Watcher&) = delete;

        // The next event, valid until the next note(); null: none yet. Looks at no more than
        // kEventsKept.
        [[nodiscard]] const NotedEvent* next();
        // How many events, of whatever topic, were overwritten before they were read; since the
        // last call.
        [[nodiscard]] std::uint64_t take_lost() noexcept;

      private:
        EventLog& log_;
        std::optional<EventTopic> topic_;
        std::uint64_t at_;
        std::uint64_t lost_ = 0;
    };

    // Of all events, so far; what was overwritten, too.
    [[nodiscard]] std::uint64_t noted() const noexcept { return noted_; }

    [[nodiscard]] const std::array<std::uint64_t, kNotedKinds>& counts() const noexcept {
        return counts_;
    }

    [[nodiscard]] unsigned watchers() const noexcept { return watchers_; }

    // The last ones of these kinds, newest first: at most `most`, and of each kind the last
    // kLastKept, however many others came since. None about single agents that come and go.
    [[nodiscard]] std::vector<NotedEvent> last(std::uint64_t kinds, std::size_t most) const;

  private:
    struct Last {
        std::uint64_t number = 0;
        NotedEvent event{};
    };

    std::vector<NotedEvent> ring_;  // grows up to kEventsKept
    std::array<std::deque<Last>, kNotedKinds> last_;
    std::uint64_t noted_ = 0;
    std::array<std::uint64_t, kNotedKinds> counts_{};
    unsigned watchers_ = 0;
};

// A bit for EventLog::last().
[[nodiscard]] constexpr std::uint64_t bit_of(NotedKind kind) noexcept {
    return std::uint64_t{1} << static_cast<unsigned>(kind);
}

static_assert(kNotedKinds <= 64);

}  // namespace posthaste::controlplane
