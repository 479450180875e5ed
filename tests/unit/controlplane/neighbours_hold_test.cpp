// SPDX-License-Identifier: BSD-3-Clause
// The neighbour table: frames that wait, and ports that come and go.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/controlplane/neighbours_fixture.h"

namespace posthaste::controlplane {
namespace {

// --- holding ---

TEST_F(neighbours, resubmit_what_waited_in_order_when_the_answer_comes) {
    const auto slot = acquire(host_);
    EXPECT_EQ(box_.hold({.handle = 11, .ingress = 4, .adjacency = slot}, now_), Drop::none);
    now_ += 50;
    EXPECT_EQ(box_.hold({.handle = 12, .adjacency = slot}, now_), Drop::none);
    EXPECT_EQ(row(host_).held, 2U);
    EXPECT_EQ(box_.held_count(), 2U);
    answer(host_, 2);
    const auto output = box_.take_output();
    ASSERT_EQ(output.resubmit.size(), 2U);
    EXPECT_EQ(output.resubmit[0].handle, 11U);
    EXPECT_EQ(output.resubmit[0].ingress, 4U);
    EXPECT_EQ(output.resubmit[0].held_at_ms, now_ - 50);
    EXPECT_EQ(output.resubmit[1].handle, 12U);
    EXPECT_TRUE(output.adjacencies_changed);
    EXPECT_EQ(box_.held_count(), 0U);
}

TEST_F(neighbours, hold_no_more_than_their_bounds) {
    const auto one = acquire(host_);
    const auto two = acquire(ip("10.0.0.3"));
    EXPECT_EQ(box_.hold({.handle = 1, .adjacency = one}, now_), Drop::none);
    EXPECT_EQ(box_.hold({.handle = 2, .adjacency = one}, now_), Drop::none);
    EXPECT_EQ(box_.hold({.handle = 3, .adjacency = one}, now_), Drop::hold_full);
    EXPECT_EQ(box_.hold({.handle = 4, .adjacency = two}, now_), Drop::none);
    EXPECT_EQ(box_.hold({.handle = 5, .adjacency = two}, now_), Drop::hold_full);
    EXPECT_EQ(box_.counters().held, 3U);
    EXPECT_EQ(box_.counters().hold_refused, 2U);
}

TEST_F(neighbours, drop_what_waited_when_nobody_answers_and_refuse_more_for_a_while) {
    up_to(now_ + Neighbours::kAnnounceIntervalMs);
    const auto slot = acquire(host_);
    EXPECT_EQ(box_.hold({.handle = 1, .adjacency = slot}, now_), Drop::none);
    up_to(now_ + 300);
    auto output = box_.take_output();
    ASSERT_EQ(output.dropped.size(), 1U);
    EXPECT_EQ(output.dropped[0].frame.handle, 1U);
    EXPECT_EQ(output.dropped[0].why, Drop::neighbour_unresolved);
    EXPECT_EQ(box_.hold({.handle = 2, .adjacency = slot}, now_), Drop::neighbour_unresolved);
    now_ += Neighbours::kFailedBackoffMs - 1;
    EXPECT_EQ(box_.hold({.handle = 3, .adjacency = slot}, now_), Drop::neighbour_unresolved);
    now_ += 1;
    EXPECT_EQ(box_.hold({.handle = 4, .adjacency = slot}, now_), Drop::none);
    EXPECT_EQ(row(host_).state, NeighbourState::incomplete) << "a frame asks again";
    EXPECT_EQ(sent().size(), 1U);
}

TEST_F(neighbours, drop_a_waiting_frame_when_its_lifetime_ends) {
    const auto slot = acquire(host_);
    EXPECT_EQ(box_.hold({.handle = 1, .adjacency = slot, .lifetime_ms = 40}, now_), Drop::none);
    EXPECT_EQ(box_.next_deadline_ms(), now_ + 40);
    up_to(now_ + 40);
    const auto output = box_.take_output();
    ASSERT_EQ(output.dropped.size(), 1U);
    EXPECT_EQ(output.dropped[0].why, Drop::lifetime);
}

TEST_F(neighbours, hand_a_frame_straight_back_when_the_next_hop_is_resolved_by_now) {
    const auto slot = acquire(host_);
    answer(host_, 2);
    static_cast<void>(box_.take_output());
    EXPECT_EQ(box_.hold({.handle = 1, .adjacency = slot}, now_), Drop::none);
    const auto output = box_.take_output();
    ASSERT_EQ(output.resubmit.size(), 1U);
    EXPECT_EQ(output.resubmit[0].held_at_ms, now_);
    EXPECT_EQ(box_.held_count(), 0U);
}

TEST_F(neighbours, drop_what_waits_for_a_released_next_hop_or_at_shutdown) {
    const auto one = acquire(host_);
    const auto two = acquire(ip("10.0.0.3"));
    EXPECT_EQ(box_.hold({.handle = 1, .adjacency = one}, now_), Drop::none);
    EXPECT_EQ(box_.hold({.handle = 2, .adjacency = two}, now_), Drop::none);
    box_.release(one, now_);
    auto output = box_.take_output();
    ASSERT_EQ(output.dropped.size(), 1U);
    EXPECT_EQ(output.dropped[0].frame.handle, 1U);
    EXPECT_EQ(box_.hold({.handle = 3, .adjacency = one}, now_), Drop::neighbour_unresolved);
    EXPECT_EQ(box_.hold({.handle = 3, .adjacency = 999}, now_), Drop::neighbour_unresolved);
    box_.drop_held(Drop::draining);
    output = box_.take_output();
    ASSERT_EQ(output.dropped.size(), 1U);
    EXPECT_EQ(output.dropped[0].why, Drop::draining);
}

// --- ports ---

TEST_F(neighbours, wait_while_a_port_is_down_and_go_on_when_it_is_up) {
    const auto unresolved = acquire(host_);
    const auto resolved = acquire(ip("10.0.0.3"));
    answer(ip("10.0.0.3"), 3);
    EXPECT_EQ(box_.hold({.handle = 1, .adjacency = unresolved}, now_), Drop::none);
    static_cast<void>(box_.take_output());

    box_.set_port_up(0, false, now_);
    auto output = box_.take_output();
    ASSERT_EQ(output.dropped.size(), 1U);
    EXPECT_EQ(output.dropped[0].why, Drop::port_down);
    EXPECT_EQ(box_.next_deadline_ms(), std::nullopt) << "nothing to do on a dead port";
    EXPECT_FALSE(adjacency(resolved).resolved) << "another host may be there afterwards";
    EXPECT_EQ(row(ip("10.0.0.3")).state, NeighbourState::incomplete);
    EXPECT_EQ(box_.hold({.handle = 2, .adjacency = unresolved}, now_), Drop::port_down);
    EXPECT_EQ(receive(bytes_of(golden::kEcho4)), Drop::none);
    EXPECT_TRUE(sent().empty());

    box_.set_port_up(0, true, now_);
    EXPECT_EQ(sent().size(), 4U) << "two announcements, two requests";
    EXPECT_EQ(row(host_).state, NeighbourState::incomplete);
    answer(ip("10.0.0.3"), 4);
    EXPECT_EQ(adjacency(resolved).mac, mac(4));
}

TEST_F(neighbours, are_forgotten_with_their_link_unless_needed) {
    const auto slot = acquire(host_);
    answer(host_, 2);
    box_.learn(0, ip("10.0.0.3"), mac(3), now_);
    EXPECT_EQ(box_.count(), 2U);
    box_.set_port_up(0, false, now_);
    EXPECT_EQ(box_.count(), 1U);
    box_.release(slot, now_);
    EXPECT_EQ(box_.count(), 0U);
}

TEST_F(neighbours, resolve_next_hops_anew_when_the_port_gets_another_gateway) {
    const auto router = acquire(ip("192.0.2.7"));
    const auto direct = acquire(host_);
    answer(ip("10.0.0.254"), 5);
    answer(host_, 2);
    static_cast<void>(box_.take_output());
    auto next = port();
    next.gateway = ip("10.0.0.253");
    box_.set_port(0, next, now_);
    EXPECT_FALSE(adjacency(router).resolved);
    EXPECT_TRUE(adjacency(direct).resolved) << "untouched";
    answer(ip("10.0.0.253"), 6);
    EXPECT_EQ(adjacency(router).mac, mac(6));
}

TEST_F(neighbours, speak_with_the_tag_of_a_tagged_port) {
    auto tagged = port();
    tagged.vlan = 7;
    box_.set_port(0, tagged, now_);
    sent();
    auto question = bytes_of(golden::kNsToUs);
    EXPECT_EQ(receive(question), Drop::wrong_vlan);
    const std::uint8_t tag[] = {0x81, 0x00, 0x00, 0x07};
    question.insert(question.begin() + 12, std::begin(tag), std::end(tag));
    EXPECT_EQ(receive(question), Drop::none);
    EXPECT_EQ(sent(), only(bytes_of(golden::kOurNaVlan)));
}

}  // namespace
}  // namespace posthaste::controlplane
