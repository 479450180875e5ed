// SPDX-License-Identifier: BSD-3-Clause
// Every order in which programs of a few steps each can run beside one another. A step is one
// access to what they share, so the orders are those of a machine that is sequentially consistent.
//
// A program that would have to wait has a step that does nothing yet, as code has that polls.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace posthaste::support {

// One program's steps over a world that is made anew for each order.
template <typename World>
using Steps = std::vector<std::function<void(World&)>>;

template <typename World>
Steps<World> operator+(Steps<World> first, const Steps<World>& then) {
    first.insert(first.end(), then.begin(), then.end());
    return first;
}

struct Interleavings {
    std::uint64_t orders = 0;            // all of them
    std::uint64_t bad = 0;               // those after which the world was wrong
    std::vector<std::size_t> first_bad;  // which program did each step
};

// `make()` gives a world, `wrong(world)` judges it after the last step.
template <typename World, typename Make, typename Wrong>
Interleavings interleave(const std::vector<Steps<World>>& programs, Make&& make, Wrong&& wrong) {
    std::vector<std::size_t> order;
    for (std::size_t program = 0; program < programs.size(); ++program) {
        order.insert(order.end(), programs[program].size(), program);
    }
    Interleavings result;
    std::vector<std::size_t> next(programs.size());
    do {
        decltype(auto) world = make();
        std::fill(next.begin(), next.end(), 0);
        for (const std::size_t program : order) {
            programs[program][next[program]++](world);
        }
        ++result.orders;
        if (wrong(world) && ++result.bad == 1) {
            result.first_bad = order;
        }
    } while (std::next_permutation(order.begin(), order.end()));
    return result;
}

}  // namespace posthaste::support
