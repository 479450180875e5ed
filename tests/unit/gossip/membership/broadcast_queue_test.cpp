// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/broadcast_queue.h"

#include <gtest/gtest.h>

namespace posthaste::gossip::membership {

namespace {

constexpr unsigned kLimit = 4;

std::vector<std::uint8_t> message(std::uint8_t mark, std::size_t bytes) {
    return std::vector<std::uint8_t>(bytes, mark);
}

PacketRoom room(std::size_t bytes, std::size_t parts = 127) {
    return {.bytes = bytes, .per_part = 2, .parts_left = parts};
}

std::string marks(BroadcastQueue& queue, PacketRoom space, std::size_t kept = 0) {
    queue.fill(space, kept);
    queue.packet_done(kLimit);
    std::string text;
    for (const auto& part : space.parts) {
        text.push_back(static_cast<char>(part.front()));
    }
    return text;
}

TEST(broadcast_queue, told_least_often_first_then_the_longest_then_the_newest) {
    BroadcastQueue queue(10);
    queue.add("a", message('a', 10));
    EXPECT_EQ(marks(queue, room(100)), "a");
    queue.add("b", message('b', 5));
    queue.add("c", message('c', 20));
    queue.add("d", message('d', 5));
    EXPECT_EQ(marks(queue, room(100)), "cdba");
}

TEST(broadcast_queue, a_packet_is_filled_with_what_still_fits) {
    BroadcastQueue queue(10);
    queue.add("a", message('a', 50));
    queue.add("b", message('b', 40));
    queue.add("c", message('c', 8));
    EXPECT_EQ(marks(queue, room(62)), "ac");
    EXPECT_EQ(marks(queue, room(62)), "bc");
}

TEST(broadcast_queue, an_entry_goes_into_as_many_packets_as_the_limit_says) {
    BroadcastQueue queue(10);
    const BroadcastNumber number = queue.add("a", message('a', 5));
    for (unsigned i = 0; i < kLimit; ++i) {
        EXPECT_TRUE(queue.contains(number));
        EXPECT_TRUE(queue.contains_subject("a"));
        EXPECT_EQ(marks(queue, room(100)), "a");
    }
    EXPECT_FALSE(queue.contains(number));
    EXPECT_FALSE(queue.contains_subject("a"));
    EXPECT_TRUE(queue.empty());
}

TEST(broadcast_queue, news_of_a_subject_take_the_place_of_older_ones) {
    BroadcastQueue queue(10);
    queue.add("a", message('1', 5));
    static_cast<void>(marks(queue, room(100)));
    queue.add("a", message('2', 5));
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(marks(queue, room(100)), "2");
}

TEST(broadcast_queue, entries_without_a_subject_stay_beside_each_other) {
    BroadcastQueue queue(10);
    queue.add("", message('1', 5));
    queue.add("", message('2', 5));
    EXPECT_EQ(marks(queue, room(100)), "21");
}

TEST(broadcast_queue, a_full_one_drops_what_was_told_most_often) {
    BroadcastQueue queue(2);
    queue.add("a", message('a', 5));
    static_cast<void>(marks(queue, room(100)));
    queue.add("b", message('b', 5));
    queue.add("c", message('c', 5));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.dropped(), 1U);
    EXPECT_EQ(marks(queue, room(100)), "cb");
}

TEST(broadcast_queue, what_is_kept_for_others_and_the_number_of_parts_are_limits) {
    BroadcastQueue queue(10);
    queue.add("a", message('a', 5));
    queue.add("b", message('b', 5));
    queue.add("c", message('c', 5));
    EXPECT_EQ(marks(queue, room(100, 2)), "cb");
    EXPECT_EQ(marks(queue, room(100), 92), "a");
}

TEST(broadcast_queue, what_is_in_a_packet_does_not_come_into_it_again) {
    BroadcastQueue queue(10);
    const BroadcastNumber number = queue.add("a", message('a', 5));
    PacketRoom packet = room(100);
    for (unsigned i = 0; i < kLimit; ++i) {
        queue.fill(packet, 0);
    }
    EXPECT_EQ(packet.parts.size(), 1U);
    queue.packet_done(kLimit);
    EXPECT_TRUE(queue.contains(number));
    EXPECT_EQ(marks(queue, room(100)), "a");
}

}  // namespace

}  // namespace posthaste::gossip::membership
