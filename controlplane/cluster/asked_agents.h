// SPDX-License-Identifier: BSD-3-Clause
// AskedAgents: about which agents other routers were asked, and how many have yet to answer.
//
// Control thread; time is an argument. An agent is known to nobody when all who were asked said so;
// who does not answer is waited for no longer than routing::Discovery waits. Bounded by
// `agents_max`: beyond, the one that waits longest is given up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

#include "routing/agent_id.h"
#include "routing/keyed_id_hash.h"

namespace posthaste::controlplane {

class AskedAgents {
  public:
    AskedAgents(std::size_t agents_max, std::uint64_t timeout_ms)
        : agents_max_(agents_max),
          timeout_ms_(timeout_ms),
          asked_(0, routing::KeyedIdHash{routing::KeyHash(routing::KeyHash::random_key())}) {}

    void ask(const routing::AgentId& agent, std::size_t routers, std::uint64_t now_ms) {
        expire(now_ms);
        order_.emplace_back(now_ms, agent);
        asked_[agent] = {routers, now_ms};
    }

    // One of them does not know it. True: it was the last.
    [[nodiscard]] bool is_unknown(const routing::AgentId& agent) {
        const auto found = asked_.find(agent);
        if (found == asked_.end() || --found->second.left > 0) {
            return false;
        }
        asked_.erase(found);
        return true;
    }

    void end(const routing::AgentId& agent) { asked_.erase(agent); }

    [[nodiscard]] std::size_t size() const noexcept { return asked_.size(); }

  private:
    struct Asked {
        std::size_t left = 0;  // at least 1
        std::uint64_t at_ms = 0;
    };

    void expire(std::uint64_t now_ms) {
        while (!order_.empty() &&
               (order_.size() >= agents_max_ || order_.front().first + timeout_ms_ <= now_ms)) {
            const auto [at_ms, agent] = order_.front();
            order_.pop_front();
            const auto found = asked_.find(agent);
            if (found != asked_.end() && found->second.at_ms == at_ms) {
                asked_.erase(found);
            }
        }
    }

    std::size_t agents_max_;
    std::uint64_t timeout_ms_;
    std::unordered_map<routing::AgentId, Asked, routing::KeyedIdHash> asked_;  // by strangers' ids
    std::deque<std::pair<std::uint64_t, routing::AgentId>> order_;             // some ended since
};

}  // namespace posthaste::controlplane
