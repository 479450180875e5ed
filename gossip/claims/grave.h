// SPDX-License-Identifier: BSD-3-Clause
// Grave: routers that were forgotten, so that those who still know them cannot bring them back.
// Only membership can: a router that lives may be just where it was. The oldest is given up when
// there are too many. Control thread only.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "gossip/claims/identity.h"

namespace posthaste::gossip::claims {

class Grave {
  public:
    explicit Grave(std::uint32_t graves_max) : graves_max_(graves_max) {}

    void put(RouterId router) {
        if (graves_max_ == 0 || holds(router)) {
            return;
        }
        if (places_.size() >= graves_max_) {
            places_.erase(number(order_.front()));
            order_.pop_front();
        }
        places_.emplace(number(router), order_.insert(order_.end(), router));
    }

    void lift(RouterId router) {
        const auto found = places_.find(number(router));
        if (found != places_.end()) {
            order_.erase(found->second);
            places_.erase(found);
        }
    }

    [[nodiscard]] bool holds(RouterId router) const { return places_.contains(number(router)); }

    [[nodiscard]] std::size_t count() const noexcept { return places_.size(); }

  private:
    std::uint32_t graves_max_;
    std::list<RouterId> order_;
    std::unordered_map<std::uint64_t, std::list<RouterId>::iterator> places_;
};

}  // namespace posthaste::gossip::claims
