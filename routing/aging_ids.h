// SPDX-License-Identifier: BSD-3-Clause
// AgingIds: ids that something is waited for, with what is kept of each, in the order of time.
//
// Owned by one thread; time is an argument and never goes back. Each id has one place, however
// often it is put in. Bounded by `ids_max`: one more takes the place of the oldest. Strangers
// choose the ids, so the hash is keyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

#include "routing/keyed_id_hash.h"

namespace posthaste::routing {

template <typename Value>
class AgingIds {
  public:
    struct Item {
        AgentId id;
        std::uint64_t at_ms = 0;
        Value value{};
    };

    AgingIds(std::size_t ids_max, const KeyHash::Key& key)
        : ids_max_(ids_max), places_(0, KeyedIdHash{KeyHash(key)}) {}

    AgingIds(const AgingIds&) = delete;
    AgingIds& operator=(const AgingIds&) = delete;

    // The id is the youngest now, with that value. False: another lost its place, or there is none.
    bool put(const AgentId& id, Value value, std::uint64_t now_ms) {
        erase(id);
        if (ids_max_ == 0) {
            return false;
        }
        const bool full = places_.size() >= ids_max_;
        if (full) {
            erase(order_.front().id);
        }
        places_.emplace(id, order_.insert(order_.end(), {id, now_ms, std::move(value)}));
        return !full;
    }

    // Null: not in. Until the next call that changes.
    [[nodiscard]] Value* find(const AgentId& id) {
        const auto place = places_.find(id);
        return place == places_.end() ? nullptr : &place->second->value;
    }

    [[nodiscard]] bool contains(const AgentId& id) const { return places_.contains(id); }

    // False: was not in.
    bool erase(const AgentId& id) {
        const auto place = places_.find(id);
        if (place == places_.end()) {
            return false;
        }
        order_.erase(place->second);
        places_.erase(place);
        return true;
    }

    // Those put in `age_ms` ago or before that go; gives how many.
    std::size_t expire(std::uint64_t age_ms, std::uint64_t now_ms) {
        std::size_t gone = 0;
        while (!order_.empty() && order_.front().at_ms + age_ms <= now_ms) {
            erase(order_.front().id);
            ++gone;
        }
        return gone;
    }

    // The oldest first.
    [[nodiscard]] std::list<Item>& items() noexcept { return order_; }

    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

    [[nodiscard]] bool empty() const noexcept { return places_.empty(); }

  private:
    using Places = std::unordered_map<AgentId, typename std::list<Item>::iterator, KeyedIdHash>;

    std::size_t ids_max_;
    std::list<Item> order_;
    Places places_;
};

}  // namespace posthaste::routing
