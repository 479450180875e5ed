// SPDX-License-Identifier: BSD-3-Clause
// Discovery: which agents to ask the other routers about, and what is asked already.
//
// Control thread only; a pure state machine, time is an argument. Lcores want agents that nobody
// knows; an agent is asked for once and then waited for, until a router knows it, all who were
// asked do not, a claim of it comes, or the timeout. All requests together keep to a rate. Whoever
// sends them takes them with take_requests(); where there is nobody to ask, they just time out.
// Bounds: in_flight_max agents; one more takes the place of the one that waits longest. A clock
// that goes back stands still. What is said of agents here holds for capabilities, too, which go by
// their keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "routing/aging_ids.h"
#include "routing/token_bucket.h"

namespace posthaste::routing {

struct DiscoveryOptions {
    std::uint32_t in_flight_max = 4'096;
    std::uint32_t requests_per_second = 1'000;  // and as many at once
    std::uint32_t timeout_ms = 1'000;
};

// wanted == requested + suppressed + rate_limited + refused; requested == in flight + answered +
// unanswered + displaced.
struct DiscoveryCounts {
    std::uint64_t wanted = 0;
    std::uint64_t requested = 0;
    std::uint64_t suppressed = 0;    // asked for already
    std::uint64_t rate_limited = 0;  // may be wanted again later
    std::uint64_t refused = 0;       // cannot be an agent, or nothing may be asked
    std::uint64_t answered = 0;
    std::uint64_t unanswered = 0;
    std::uint64_t displaced = 0;  // the table was full
    std::uint64_t late = 0;       // answers nobody waited for
};

class Discovery {
  public:
    explicit Discovery(const DiscoveryOptions& options,
                       const KeyHash::Key& key = KeyHash::random_key());
    Discovery(const Discovery&) = delete;
    Discovery& operator=(const Discovery&) = delete;

    // True: it is to be asked for, and among the next take_requests().
    bool want(const AgentId& agent, std::uint64_t now_ms);
    // So many routers were asked about it; nothing if it is not waited for any more.
    void asked(const AgentId& agent, std::size_t routers);
    // A router knows it.
    void answered(const AgentId& agent);
    // One of those asked does not. True: it was the last of them, and nobody does.
    bool denied(const AgentId& agent);
    // The agent is known now, by whatever way; O(1), and free while nothing is asked for.
    void known(const AgentId& agent);
    // Gives up what was asked for too long ago.
    void advance(std::uint64_t now_ms);
    // What was to be asked for since the last call and still is, in order.
    [[nodiscard]] std::vector<AgentId> take_requests();

    [[nodiscard]] std::uint32_t in_flight() const noexcept {
        return static_cast<std::uint32_t>(waiting_.size());
    }

    [[nodiscard]] const DiscoveryOptions& options() const noexcept { return options_; }

    [[nodiscard]] const DiscoveryCounts& counts() const noexcept { return counts_; }

  private:
    struct Asked {
        bool taken = false;       // by take_requests()
        std::size_t routers = 0;  // that have yet to say that they do not know it
    };

    bool end(const AgentId& agent);

    DiscoveryOptions options_;
    TokenBucket rate_;
    AgingIds<Asked> waiting_;  // those not taken yet come last
    std::uint64_t now_ms_ = 0;
    DiscoveryCounts counts_;
};

}  // namespace posthaste::routing
