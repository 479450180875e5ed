// SPDX-License-Identifier: BSD-3-Clause
// Grave: how far the keyspaces of forgotten routers had got, so that those who still know them
// cannot bring them back. The oldest is given up when there are too many.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "gossip/claims/identity.h"

namespace posthaste::gossip::claims {

class Grave {
  public:
    explicit Grave(std::uint32_t graves_max) : graves_max_(graves_max) {}

    // What was put in last for a router counts.
    void put(RouterId router, const Position& at) {
        if (graves_max_ == 0) {
            return;
        }
        if (!positions_.contains(number(router))) {
            while (positions_.size() >= graves_max_) {
                positions_.erase(number(order_.front()));
                order_.pop_front();
            }
            order_.push_back(router);
        }
        positions_[number(router)] = at;
    }

    // It keeps its place in the order, and is not counted as forgotten.
    void lift(RouterId router) {
        const auto found = positions_.find(number(router));
        if (found != positions_.end()) {
            found->second = {};
        }
    }

    [[nodiscard]] bool covers(RouterId router, const Position& at) const {
        const auto found = positions_.find(number(router));
        return found != positions_.end() && found->second != Position{} && at <= found->second;
    }

    [[nodiscard]] std::size_t count() const noexcept { return positions_.size(); }

  private:
    std::uint32_t graves_max_;
    std::unordered_map<std::uint64_t, Position> positions_;
    std::deque<RouterId> order_;
};

}  // namespace posthaste::gossip::claims
