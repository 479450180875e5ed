// SPDX-License-Identifier: BSD-3-Clause
// AgentQueue: agents something is to be done for, each once, in the order they came first.
//
// An agent may be marked, and stays so until it is taken. Strangers choose the ids, so the hash is
// keyed. Bound: agents_max; one more is refused, and what then is the owner's affair.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <unordered_map>

#include "routing/agent_id.h"
#include "routing/intrusive_list.h"
#include "routing/keyed_id_hash.h"

namespace posthaste::controlplane {

class AgentQueue {
  public:
    struct Entry {
        routing::AgentId agent;
        bool marked = false;
    };

    explicit AgentQueue(std::size_t agents_max = std::numeric_limits<std::size_t>::max())
        : agents_max_(agents_max),
          places_(0, routing::KeyedIdHash{routing::KeyHash(routing::KeyHash::random_key())}) {}

    AgentQueue(const AgentQueue&) = delete;
    AgentQueue& operator=(const AgentQueue&) = delete;

    // False: there is no room. One that is in stays where it is.
    bool push(const routing::AgentId& agent, bool marked = false) {
        const auto held = places_.find(agent);
        if (held != places_.end()) {
            held->second.entry.marked = held->second.entry.marked || marked;
            return true;
        }
        if (places_.size() >= agents_max_) {
            return false;
        }
        Place& place = places_[agent];
        place.entry = {agent, marked};
        order_.push_back(place);
        return true;
    }

    // The one that is in for longest; nothing: it is empty.
    [[nodiscard]] std::optional<Entry> pop() {
        return empty() ? std::nullopt : take(routing::AgentId(order_.first()->entry.agent));
    }

    // That one, wherever it is; nothing: it is not in.
    std::optional<Entry> take(const routing::AgentId& agent) {
        const auto held = places_.find(agent);
        if (held == places_.end()) {
            return std::nullopt;
        }
        const Entry entry = held->second.entry;
        order_.remove(held->second);
        places_.erase(held);
        return entry;
    }

    [[nodiscard]] bool empty() const noexcept { return places_.empty(); }

    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

  private:
    struct Place {
        Entry entry;
        routing::ListPlace<Place> at{};
    };

    std::size_t agents_max_;
    std::unordered_map<routing::AgentId, Place, routing::KeyedIdHash> places_;
    routing::IntrusiveList<Place, &Place::at> order_;
};

}  // namespace posthaste::controlplane
