// SPDX-License-Identifier: BSD-3-Clause
// The network between simulated members: delay, loss, copies, late ones, and one-way cuts. Streams
// are TCP's: what is lost is sent again later, what is cut comes to nothing. All from one seed.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "tests/sim/dice.h"
#include "tests/support/member_world.h"

namespace posthaste::sim {

using test::MemberWorld;
using Number = MemberWorld::Number;

struct Weather {
    double loss = 0;
    double duplicated = 0;
    double late = 0;  // and overtaken by others
    std::uint64_t delay_min_ms = 0;
    std::uint64_t delay_max_ms = 1;
    std::uint64_t late_ms = 0;  // at most so much more
};

class Network {
  public:
    // Of that world from now on; it must live as long.
    Network(MemberWorld& world, std::uint64_t seed);

    void set(const Weather& weather) { weather_ = weather; }

    // Nothing from the one to the other.
    void cut(Number from, Number to) { cuts_.emplace(from, to); }

    void mend() { cuts_.clear(); }

  private:
    [[nodiscard]] std::uint64_t delay_ms();
    void copies(Number from, Number to, std::vector<std::uint64_t>& delays_ms);
    [[nodiscard]] std::uint64_t stream_delay(Number from, Number to, bool connect);

    [[nodiscard]] bool is_cut(Number from, Number to) const {
        return !cuts_.empty() && cuts_.contains({from, to});
    }

    Dice dice_;
    Weather weather_;
    std::set<std::pair<Number, Number>> cuts_;
};

}  // namespace posthaste::sim
