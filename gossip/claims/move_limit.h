// SPDX-License-Identifier: BSD-3-Clause
// HybridClock and MoveLimit: when claims were made, and how often agents may move here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "routing/agent_id.h"
#include "routing/keyed_id_hash.h"

namespace posthaste::gossip::claims {

// Milliseconds << 16 | counter; each greater than the last, and than what was witnessed (Kulkarni
// et al. 2014). A time far ahead of our own clock is not believed: nobody can drag us there.
class HybridClock {
  public:
    explicit HybridClock(std::uint64_t skew_max_ms) : skew_max_ms_(skew_max_ms) {}

    void witness(std::uint64_t seen, std::uint64_t now_ms) noexcept {
        if (seen >> 16 <= now_ms + skew_max_ms_) {
            last_ = std::max(last_, seen);
        }
    }

    [[nodiscard]] std::uint64_t next(std::uint64_t now_ms) noexcept {
        last_ = std::max(last_ + 1, now_ms << 16);
        return last_;
    }

  private:
    std::uint64_t skew_max_ms_;
    std::uint64_t last_ = 0;
};

struct MoveLimits {
    std::uint32_t moves_max = 5;
    std::uint64_t within_ms = 180'000;
    std::uint64_t freeze_ms = 30'000;  // doubled by every freeze that follows
    std::uint64_t freeze_max_ms = 1'800'000;
    std::uint32_t agents_max = 65'536;  // the one that moved longest ago is forgotten
};

// An agent that is attached to two routers in turn, more than moves_max times within the window,
// is there twice: no more moves of it for a while (RFC 7432, 15.1). Pure; time is an argument.
class MoveLimit {
  public:
    struct Frozen {
        routing::AgentId agent;
        std::uint64_t until_ms = 0;
        std::uint32_t times = 0;  // in a row
    };

    MoveLimit(const MoveLimits& limits, const routing::KeyHash& hash)
        : limits_(limits), places_(0, routing::KeyedIdHash{hash}) {}

    // Whether note() would refuse. Nothing is counted.
    [[nodiscard]] bool refuses(const routing::AgentId& agent, std::uint64_t now_ms) const;
    // Counts a move, or says until when there may be none.
    [[nodiscard]] tl::expected<void, std::uint64_t> note(const routing::AgentId& agent,
                                                         std::uint64_t now_ms);
    // Freezes that began since the last call.
    [[nodiscard]] std::vector<Frozen> take_alarms();

    // Agents that may not move here now, of the `looked_at_max` that tried last.
    [[nodiscard]] std::vector<Frozen> frozen(std::uint64_t now_ms, std::size_t looked_at_max) const;

    [[nodiscard]] std::size_t agents() const noexcept { return places_.size(); }

  private:
    struct Moves {
        routing::AgentId agent;
        std::vector<std::uint64_t> at_ms{};  // within the window, ascending
        std::uint64_t until_ms = 0;
        std::uint32_t freezes = 0;
    };

    using Places =
        std::unordered_map<routing::AgentId, std::list<Moves>::iterator, routing::KeyedIdHash>;

    MoveLimits limits_;
    std::list<Moves> moves_;  // the latest first
    Places places_;
    std::vector<Frozen> alarms_;
};

}  // namespace posthaste::gossip::claims
