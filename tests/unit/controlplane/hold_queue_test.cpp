// SPDX-License-Identifier: BSD-3-Clause
// The hold queue: bounds, order, expiry, and that every frame comes back exactly once.
#include "controlplane/hold_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace posthaste::controlplane {
namespace {

using routing::Drop;

constexpr HoldLimits kLimits{.per_neighbour = 2, .total = 3, .hold_ms = 1'000};

HeldFrame frame(std::uint64_t handle, std::uint32_t lifetime_ms = 0) {
    return {.handle = handle, .adjacency = 0, .lifetime_ms = lifetime_ms};
}

TEST(hold_queue, keeps_the_order_of_arrival_per_neighbour) {
    HoldQueue queue(kLimits);
    ASSERT_TRUE(queue.hold(1, frame(11), 0));
    ASSERT_TRUE(queue.hold(2, frame(21), 0));
    ASSERT_TRUE(queue.hold(1, frame(12), 5));
    std::vector<HeldFrame> out;
    queue.release(1, out);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].handle, 11U);
    EXPECT_EQ(out[1].handle, 12U);
    EXPECT_EQ(out[1].held_at_ms, 5U);
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.size_for(1), 0U);
    EXPECT_EQ(queue.size_for(2), 1U);
}

TEST(hold_queue, is_bounded_per_neighbour_and_in_total) {
    HoldQueue queue(kLimits);
    EXPECT_TRUE(queue.hold(1, frame(1), 0));
    EXPECT_TRUE(queue.hold(1, frame(2), 0));
    EXPECT_FALSE(queue.hold(1, frame(3), 0)) << "two per neighbour";
    EXPECT_TRUE(queue.hold(2, frame(4), 0));
    EXPECT_FALSE(queue.hold(3, frame(5), 0)) << "three in total";
    EXPECT_EQ(queue.size(), 3U);
}

TEST(hold_queue, a_short_lifetime_ends_before_the_longest_wait) {
    HoldQueue queue(kLimits);
    ASSERT_TRUE(queue.hold(1, frame(1, 300), 100));
    ASSERT_TRUE(queue.hold(1, frame(2, 5'000), 100));
    EXPECT_EQ(queue.next_deadline_ms(), 400U);
    std::vector<DroppedFrame> out;
    queue.expire(399, out);
    EXPECT_TRUE(out.empty());
    queue.expire(400, out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].frame.handle, 1U);
    EXPECT_EQ(out[0].why, Drop::lifetime);
    EXPECT_EQ(queue.next_deadline_ms(), 1'100U);
    queue.expire(1'100, out);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[1].why, Drop::neighbour_unresolved);
    EXPECT_EQ(queue.next_deadline_ms(), std::nullopt);
}

TEST(hold_queue, lifetime_0_means_the_default) {
    HoldQueue queue({.per_neighbour = 2, .total = 2, .hold_ms = 60'000});
    ASSERT_TRUE(queue.hold(1, frame(1), 0));
    EXPECT_EQ(queue.next_deadline_ms(), routing::kLifetimeDefaultMs);
}

TEST(hold_queue, drops_one_adjacency_and_leaves_its_sibling) {
    HoldQueue queue(kLimits);
    auto other = frame(2);
    other.adjacency = 9;
    ASSERT_TRUE(queue.hold(1, frame(1), 0));
    ASSERT_TRUE(queue.hold(1, other, 0));
    std::vector<DroppedFrame> out;
    queue.drop_adjacency(1, 9, Drop::neighbour_unresolved, out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].frame.handle, 2U);
    EXPECT_EQ(queue.size_for(1), 1U);
}

// Any order of calls: what went in is out once, or still inside.
TEST(hold_queue, gives_every_frame_back_exactly_once) {
    std::mt19937 random(20'240'607);
    HoldQueue queue({.per_neighbour = 8, .total = 40, .hold_ms = 50});
    std::vector<unsigned> seen;
    std::size_t inside = 0;
    std::vector<HeldFrame> released;
    std::vector<DroppedFrame> dropped;
    for (std::uint64_t now = 0; now < 5'000; ++now) {
        const std::uint64_t neighbour = random() % 10;
        switch (random() % 8) {
            case 0:
                queue.release(neighbour, released);
                break;
            case 1:
                queue.drop(neighbour, Drop::port_down, dropped);
                break;
            case 2:
                queue.expire(now, dropped);
                break;
            default:
                if (queue.hold(neighbour, frame(seen.size(), random() % 100 + 1), now)) {
                    seen.push_back(0);
                    ++inside;
                }
        }
        for (const HeldFrame& out : released) {
            ++seen[out.handle], --inside;
        }
        for (const DroppedFrame& out : dropped) {
            ++seen[out.frame.handle], --inside;
        }
        released.clear();
        dropped.clear();
        ASSERT_EQ(queue.size(), inside);
        ASSERT_LE(queue.size(), 40U);
    }
    queue.drop_all(Drop::draining, dropped);
    for (const DroppedFrame& out : dropped) {
        ++seen[out.frame.handle];
    }
    EXPECT_GT(seen.size(), 1'000U);
    EXPECT_TRUE(std::ranges::all_of(seen, [](unsigned times) { return times == 1; }));
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_EQ(queue.next_deadline_ms(), std::nullopt);
}

}  // namespace
}  // namespace posthaste::controlplane
