// SPDX-License-Identifier: BSD-3-Clause
// The neighbour table: answering, resolving, refreshing, learning. Time is a number here.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/controlplane/neighbours_fixture.h"

namespace posthaste::controlplane {
namespace {

// --- answering ---

TEST_F(neighbours, start_with_announcements_of_every_address) {
    const std::vector<FrameBytes> expected = {bytes_of(golden::kOurGratuitous),
                                              bytes_of(golden::kOurNaDad)};
    EXPECT_EQ(sent(), expected);
    up_to(now_ + Neighbours::kAnnounceIntervalMs);
    EXPECT_EQ(sent(), expected);
    EXPECT_EQ(box_.next_deadline_ms(), std::nullopt);
    EXPECT_EQ(box_.counters().announcements, 4U);
}

TEST_F(neighbours, answer_who_asks_for_the_ports_addresses) {
    struct Case {
        const char* what;
        std::string_view question;
        std::string_view answer;
    };

    constexpr Case kCases[] = {
        {"ARP", golden::kArpAskBroadcast, golden::kOurArpReply},
        {"NS", golden::kNsToUs, golden::kOurNa},
        {"duplicate detection", golden::kDadForUs, golden::kOurNaDad},
        {"ping", golden::kEcho4, golden::kOurEcho4},
        {"ping with options", golden::kEcho4Options, golden::kOurEcho4},
        {"ping over IPv6", golden::kEcho6, golden::kOurEcho6},
    };
    sent();
    for (const Case& row : kCases) {
        EXPECT_EQ(receive(bytes_of(row.question)), Drop::none) << row.what;
        EXPECT_EQ(sent(), only(bytes_of(row.answer))) << row.what;
    }
    EXPECT_EQ(box_.count(), 0U) << "who asks is not remembered";
    EXPECT_EQ(box_.counters().strangers, 0U) << "nor is it suspicious";
    EXPECT_EQ(box_.counters().replies, 3U);
    EXPECT_EQ(box_.counters().echo_replies, 3U);
}

TEST_F(neighbours, say_nothing_to_what_is_not_for_the_box) {
    sent();
    for (const auto hex : {golden::kRs, golden::kRa, golden::kRedirect, golden::kOurEcho4}) {
        auto frame = bytes_of(hex);
        if (hex == golden::kOurEcho4) {  // an echo reply, to us
            std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
        }
        EXPECT_EQ(receive(frame), Drop::none) << hex;
    }
    const LinkSide them{mac(2), 0};
    EXPECT_EQ(receive(make_request(them, host_, ip("10.0.0.3"), nullptr)), Drop::none);
    EXPECT_EQ(receive(make_request(them, host6_, ip("2001:db8::3"), nullptr)), Drop::none);
    EXPECT_TRUE(sent().empty());
    auto other = bytes_of(golden::kEcho4);
    other[5] = 9;
    EXPECT_EQ(receive(other), Drop::wrong_mac);
    auto group = bytes_of(golden::kEcho4);
    std::fill_n(group.begin(), 6, std::uint8_t{0xff});
    EXPECT_EQ(receive(group), Drop::none);
    EXPECT_TRUE(sent().empty()) << "a ping to everybody has no answer";
    EXPECT_EQ(receive(make_request({mac(1), 0}, host_, ip("10.0.0.1"), nullptr)), Drop::none);
    EXPECT_TRUE(sent().empty()) << "our own frame come back";
    EXPECT_EQ(box_.receive(7, bytes_of(golden::kEcho4), now_), Drop::port_down);
}

TEST_F(neighbours, count_malformed_frames_and_give_their_reason) {
    auto frame = bytes_of(golden::kNsToUs);
    frame[60] ^= 1;
    EXPECT_EQ(receive(frame), Drop::bad_checksum);
    EXPECT_EQ(receive({1, 2, 3}), Drop::too_short);
    EXPECT_EQ(box_.counters().malformed, 2U);
}

TEST_F(neighbours, limit_their_answers_and_a_ping_flood_leaves_arp_alone) {
    sent();
    for (unsigned i = 0; i < Neighbours::kReplyRate + 50; ++i) {
        EXPECT_EQ(receive(bytes_of(golden::kEcho4)), Drop::none);
    }
    EXPECT_EQ(sent().size(), Neighbours::kReplyRate);
    EXPECT_EQ(box_.counters().replies_suppressed, 50U);
    EXPECT_EQ(receive(bytes_of(golden::kArpAskBroadcast)), Drop::none);
    EXPECT_EQ(sent().size(), 1U);
    now_ += 1;
    EXPECT_EQ(receive(bytes_of(golden::kEcho4)), Drop::none);
    EXPECT_EQ(sent().size(), 1U) << "one millisecond earns one answer";
}

TEST_F(neighbours, defend_the_ports_addresses_once_in_a_while) {
    sent();
    announce(ip("10.0.0.1"), 9);
    EXPECT_EQ(sent(), only(bytes_of(golden::kOurGratuitous)));
    announce(ip("10.0.0.1"), 9);
    announce(ip("2001:db8::1"), 9);
    EXPECT_TRUE(sent().empty());
    now_ += Neighbours::kDefendIntervalMs;
    announce(ip("2001:db8::1"), 9);
    EXPECT_EQ(sent(), only(bytes_of(golden::kOurNaDad)));
    EXPECT_EQ(box_.counters().conflicts, 4U);
}

// --- resolving ---

TEST_F(neighbours, resolve_a_next_hop_at_once) {
    sent();
    const auto slot = acquire(host_);
    EXPECT_EQ(sent(), only(bytes_of(golden::kOurArpAsk)));
    EXPECT_TRUE(adjacency(slot).used);
    EXPECT_FALSE(adjacency(slot).resolved);
    EXPECT_EQ(adjacency(slot).udp_port, kUdp);
    EXPECT_EQ(receive(bytes_of(golden::kArpReplyToUs)), Drop::none);
    EXPECT_TRUE(box_.take_output().adjacencies_changed);
    EXPECT_TRUE(adjacency(slot).resolved);
    EXPECT_EQ(adjacency(slot).mac, mac(2));
    EXPECT_EQ(adjacency(slot).ip, host_);
    EXPECT_EQ(row(host_).state, NeighbourState::reachable);
}

TEST_F(neighbours, resolve_ipv6_by_solicitation) {
    sent();
    const auto slot = acquire(host6_);
    EXPECT_EQ(sent(), only(bytes_of(golden::kOurNs)));
    EXPECT_EQ(receive(bytes_of(golden::kNaToUs)), Drop::none);
    EXPECT_EQ(adjacency(slot).mac, mac(2));
    EXPECT_EQ(row(host6_).state, NeighbourState::reachable);
}

TEST_F(neighbours, reach_an_off_link_router_through_the_gateway) {
    sent();
    const auto router = acquire(ip("192.0.2.7"));
    const auto other = acquire(ip("192.0.2.8"));
    EXPECT_EQ(box_.count(), 1U) << "both need the gateway only";
    EXPECT_EQ(box_.rows().front().ip, ip("10.0.0.254"));
    EXPECT_EQ(sent().size(), 1U);
    answer(ip("10.0.0.254"), 5);
    EXPECT_EQ(adjacency(router).ip, ip("192.0.2.7"));
    EXPECT_EQ(adjacency(router).mac, mac(5));
    EXPECT_EQ(adjacency(other).mac, mac(5));
}

TEST_F(neighbours, never_resolve_an_off_link_router_without_a_gateway) {
    const auto router = acquire(ip("2001:db8:1::7"));
    EXPECT_EQ(box_.count(), 0U);
    EXPECT_FALSE(adjacency(router).resolved);
    EXPECT_EQ(box_.hold({.handle = 1, .adjacency = router}, now_), Drop::neighbour_unresolved);
}

TEST_F(neighbours, give_the_same_slot_for_the_same_next_hop) {
    const auto slot = acquire(host_);
    EXPECT_EQ(acquire(host_), slot);
    EXPECT_NE(box_.acquire(0, host_, 0, now_), slot) << "another UDP port";
    box_.release(slot, now_);
    EXPECT_TRUE(adjacency(slot).used) << "still one user";
    box_.release(slot, now_);
    EXPECT_FALSE(adjacency(slot).used);
}

TEST_F(neighbours, let_a_released_slot_rest_before_it_means_something_else) {
    const auto slot = acquire(host_);
    answer(host_, 2);
    box_.release(slot, now_);
    EXPECT_FALSE(adjacency(slot).resolved);
    now_ += Neighbours::kSlotRestMs - 1;
    EXPECT_NE(acquire(ip("10.0.0.3")), slot);
    now_ += 1;
    EXPECT_EQ(acquire(ip("10.0.0.4")), slot);
}

TEST_F(neighbours, refuse_next_hops_that_cannot_be) {
    EXPECT_FALSE(box_.acquire(1, host_, kUdp, now_)) << "no such port";
    EXPECT_FALSE(box_.acquire(0, ip("10.0.0.1"), kUdp, now_)) << "this box";
    EXPECT_FALSE(box_.acquire(0, ip("224.0.0.1"), kUdp, now_)) << "a group";
    for (std::uint8_t i = 0; i < limits().neighbours_max; ++i) {
        acquire(ip(("10.0.0." + std::to_string(10 + i)).c_str()));
    }
    const auto refused = box_.acquire(0, ip("10.0.0.99"), kUdp, now_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), "neighbours_max (8) next hops are in use");
    EXPECT_EQ(box_.count(), 8U);
    EXPECT_EQ(box_.adjacencies().size(), 8U);
}

TEST_F(neighbours, ask_again_and_then_give_up_for_growing_intervals) {
    up_to(now_ + Neighbours::kAnnounceIntervalMs);  // out of the way
    sent();
    const auto slot = acquire(host_);
    up_to(now_ + 300);  // retries + 1 requests, 100 ms apart
    EXPECT_EQ(sent().size(), 3U);
    EXPECT_EQ(row(host_).state, NeighbourState::failed);
    EXPECT_EQ(box_.counters().failures, 1U);
    EXPECT_FALSE(adjacency(slot).resolved);
    std::vector<std::uint64_t> pauses;
    for (int i = 0; i < 7; ++i) {
        const std::uint64_t begin = now_;
        up_to(*box_.next_deadline_ms());
        pauses.push_back(now_ - begin);
        up_to(now_ + 300);
    }
    EXPECT_EQ(pauses,
              (std::vector<std::uint64_t>{1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}));
    answer(host_, 2);  // unsolicited by now, yet better than nothing
    EXPECT_TRUE(adjacency(slot).resolved);
    answer(host_, 2);
    EXPECT_EQ(row(host_).state, NeighbourState::reachable);
}

// --- refreshing ---

TEST_F(neighbours, refresh_a_next_hop_by_unicast_then_by_broadcast_before_they_give_up) {
    up_to(now_ + Neighbours::kAnnounceIntervalMs);
    const auto slot = acquire(host_);
    answer(host_, 2);
    sent();
    up_to(now_ + limits().reachable_ms);
    EXPECT_EQ(sent(), only(bytes_of(golden::kOurArpProbe)));
    EXPECT_EQ(row(host_).state, NeighbourState::probe);
    up_to(now_ + 599);
    const auto probe = bytes_of(golden::kOurArpProbe);
    const auto ask = bytes_of(golden::kOurArpAsk);
    EXPECT_EQ(sent(), (std::vector<FrameBytes>{probe, probe, ask, ask, ask}));
    EXPECT_TRUE(adjacency(slot).resolved) << "in use until it has failed";
    up_to(now_ + 1);
    EXPECT_EQ(row(host_).state, NeighbourState::failed);
    EXPECT_FALSE(adjacency(slot).resolved);
    EXPECT_EQ(adjacency(slot).mac, Mac{});
}

TEST_F(neighbours, stay_reachable_while_probes_are_answered) {
    const auto slot = acquire(host_);
    answer(host_, 2);
    for (int i = 0; i < 20; ++i) {
        up_to(now_ + limits().reachable_ms);
        static_cast<void>(box_.take_output());
        answer(host_, 2);
        EXPECT_EQ(row(host_).state, NeighbourState::reachable);
        EXPECT_FALSE(box_.take_output().adjacencies_changed);
    }
    EXPECT_TRUE(adjacency(slot).resolved);
    EXPECT_EQ(box_.counters().failures, 0U);
}

TEST_F(neighbours, follow_a_neighbour_to_another_mac_and_verify_it) {
    const auto slot = acquire(host_);
    answer(host_, 2);
    now_ += Neighbours::kMacLockMs;
    sent();
    announce(host_, 7);
    EXPECT_EQ(adjacency(slot).mac, mac(7));
    EXPECT_EQ(row(host_).state, NeighbourState::probe);
    EXPECT_EQ(sent().size(), 1U) << "asked at its new place";
    EXPECT_EQ(box_.counters().mac_changes, 1U);
    announce(host_, 8);
    EXPECT_EQ(adjacency(slot).mac, mac(7)) << "too soon after the last change";
    EXPECT_EQ(box_.counters().mac_changes_ignored, 1U);
    answer(host_, 2);
    EXPECT_EQ(adjacency(slot).mac, mac(2)) << "an answer to our probe counts at any time";
    EXPECT_EQ(row(host_).state, NeighbourState::reachable);
}

TEST_F(neighbours, follow_a_known_neighbour_that_asks_from_another_mac) {
    const auto slot = acquire(host6_);
    answer(host6_, 3);
    now_ += Neighbours::kMacLockMs;
    EXPECT_EQ(receive(bytes_of(golden::kNsToUs)), Drop::none);
    EXPECT_EQ(adjacency(slot).mac, mac(2));
}

TEST_F(neighbours, keep_the_mac_when_an_advertisement_does_not_override) {
    const auto slot = acquire(host6_);
    answer(host6_, 3);
    now_ += Neighbours::kMacLockMs;
    auto frame = bytes_of(golden::kNaToUs);
    frame[14 + 40 + 4] = 0x40;   // solicited, no override
    frame[14 + 40 + 2] += 0x20;  // the checksum moves by as much
    EXPECT_EQ(receive(frame), Drop::none);
    EXPECT_EQ(adjacency(slot).mac, mac(3));
    EXPECT_EQ(row(host6_).state, NeighbourState::probe) << "but there is doubt";
}

TEST_F(neighbours, do_not_grow_by_strangers) {
    for (unsigned i = 2; i < 200; ++i) {
        const auto stranger = ip(("10.0.0." + std::to_string(i)).c_str());
        announce(stranger, static_cast<std::uint8_t>(i));
        answer(stranger, static_cast<std::uint8_t>(i));
        answer(ip(("2001:db8::" + std::to_string(i)).c_str()), static_cast<std::uint8_t>(i));
    }
    EXPECT_EQ(box_.count(), 0U);
    EXPECT_EQ(box_.counters().strangers, 3U * 198);
}

// --- learning ---

TEST_F(neighbours, learn_registered_hosts_and_forget_them_when_they_are_silent) {
    box_.learn(0, host_, mac(2), now_);
    EXPECT_EQ(row(host_).state, NeighbourState::reachable);
    const std::uint64_t begin = now_;
    up_to(begin + limits().reachable_ms);
    EXPECT_EQ(row(host_).state, NeighbourState::stale);
    EXPECT_EQ(box_.counters().requests, 0U) << "nobody needs it";
    up_to(begin + limits().stale_ms - 1);
    EXPECT_EQ(box_.count(), 1U);
    up_to(begin + limits().stale_ms);
    EXPECT_EQ(box_.count(), 0U);
    EXPECT_EQ(box_.counters().forgotten, 1U);
}

TEST_F(neighbours, learn_no_more_than_the_table_holds_and_make_room_for_next_hops) {
    for (std::uint8_t i = 0; i < 20; ++i) {
        box_.learn(0, ip(("10.0.0." + std::to_string(20 + i)).c_str()), mac(20 + i), now_ + i);
    }
    EXPECT_EQ(box_.count(), 8U);
    EXPECT_EQ(box_.counters().learn_refused, 12U);
    acquire(host_);
    EXPECT_EQ(box_.count(), 8U);
    EXPECT_EQ(box_.counters().forgotten, 1U);
    EXPECT_NE(box_.rows().front().ip, ip("10.0.0.20")) << "the oldest went";
}

TEST_F(neighbours, learn_nothing_that_is_off_link_or_no_host) {
    box_.learn(0, ip("192.0.2.7"), mac(2), now_);
    box_.learn(0, ip("10.0.0.1"), mac(2), now_);
    box_.learn(0, host_, kBroadcastMac, now_);
    box_.learn(3, host_, mac(2), now_);
    EXPECT_EQ(box_.count(), 0U);
}

TEST_F(neighbours, let_no_registration_redirect_a_next_hop) {
    const auto slot = acquire(ip("10.0.0.254"));
    answer(ip("10.0.0.254"), 5);
    now_ += Neighbours::kMacLockMs;
    box_.learn(0, ip("10.0.0.254"), mac(66), now_);
    EXPECT_EQ(adjacency(slot).mac, mac(5));
}

TEST_F(neighbours, use_what_was_learnt_when_it_becomes_a_next_hop) {
    box_.learn(0, host_, mac(2), now_);
    const auto slot = acquire(host_);
    EXPECT_TRUE(adjacency(slot).resolved);
    EXPECT_EQ(box_.counters().requests, 0U);
}

}  // namespace
}  // namespace posthaste::controlplane
