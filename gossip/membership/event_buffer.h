// SPDX-License-Identifier: BSD-3-Clause
// EventBuffer: the user events of the last 512 times, so that none is taken twice.
//
// Bounded: 256 events of one time, 4 MiB and kPushEventsMax events in all. Beyond, the oldest are
// let go, and everything as old as they is too old from then on.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

inline constexpr std::size_t kBufferTimes = 512;

enum class Novelty : std::uint8_t {
    fresh,
    known,
    old,
    full,  // too many of one time
};

class EventBuffer {
  public:
    static constexpr std::size_t kEventsOfATime = 256;
    static constexpr std::size_t kBytesMax = 4U << 20;

    // `now`: of the clock that has witnessed the event.
    [[nodiscard]] Novelty add(const UserEvent& event, LamportTime now);
    // All before `time` are old.
    void ignore_before(LamportTime time);

    [[nodiscard]] std::vector<std::pair<LamportTime, std::vector<UserEvent>>> events() const {
        return {times_.begin(), times_.end()};
    }

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    void drop_oldest();

    std::map<LamportTime, std::vector<UserEvent>> times_;
    LamportTime floor_ = 0;
    std::size_t bytes_ = 0;
    std::size_t count_ = 0;
};

// QueryBuffer: the same of queries, which are known by their number.
class QueryBuffer {
  public:
    static constexpr std::size_t kQueriesOfATime = 256;

    [[nodiscard]] Novelty add(LamportTime time, std::uint32_t id, LamportTime now);
    void ignore_before(LamportTime time);

  private:
    std::map<LamportTime, std::vector<std::uint32_t>> times_;
    LamportTime floor_ = 0;
};

}  // namespace posthaste::gossip::membership
