// SPDX-License-Identifier: BSD-3-Clause
// OpenQuestions: agents other routers were asked about, while answers are taken.
//
// Control thread only; time is an argument. Each agent has one place, however often it is asked
// about. Bounded by `agents_max`: one more takes the place of the one that was asked about longest
// ago. Strangers choose the agents, so the hash is keyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "routing/keyed_id_hash.h"

namespace posthaste::gossip::claims {

class OpenQuestions {
  public:
    OpenQuestions(std::size_t agents_max, std::uint64_t for_ms, const routing::KeyHash::Key& key)
        : agents_max_(agents_max),
          for_ms_(for_ms),
          places_(0, routing::KeyedIdHash{routing::KeyHash(key)}) {}

    // False: another lost its place, or there is none.
    bool ask(const routing::AgentId& agent, std::uint64_t now_ms) {
        if (const auto found = places_.find(agent); found != places_.end()) {
            end(found);
        }
        if (agents_max_ == 0) {
            return false;
        }
        const bool full = places_.size() >= agents_max_;
        if (full) {
            end(places_.find(order_.front().agent));
        }
        places_.emplace(agent, order_.insert(order_.end(), {agent, now_ms + for_ms_}));
        return !full;
    }

    void expire(std::uint64_t now_ms) {
        while (!order_.empty() && order_.front().until_ms <= now_ms) {
            end(places_.find(order_.front().agent));
        }
    }

    [[nodiscard]] bool holds(const routing::AgentId& agent) const {
        return places_.contains(agent);
    }

    [[nodiscard]] std::size_t count() const noexcept { return places_.size(); }

  private:
    struct Question {
        routing::AgentId agent;
        std::uint64_t until_ms = 0;
    };

    using Places =
        std::unordered_map<routing::AgentId, std::list<Question>::iterator, routing::KeyedIdHash>;

    void end(Places::iterator place) {
        order_.erase(place->second);
        places_.erase(place);
    }

    std::size_t agents_max_;
    std::uint64_t for_ms_;
    std::list<Question> order_;  // the one asked about longest ago first
    Places places_;
};

}  // namespace posthaste::gossip::claims
