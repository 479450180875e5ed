// SPDX-License-Identifier: BSD-3-Clause
// A neighbour table with one port, and hosts on its link, for the tests beside it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "controlplane/neighbours.h"
#include "tests/support/neighbour_golden.h"

namespace posthaste::controlplane {

namespace golden = test::golden;
using golden::bytes_of;
using routing::Drop;
using routing::IpAddress;
using routing::Mac;
using routing::Prefix;

inline Mac mac(std::uint8_t number) {
    return {{2, 0, 0, 0, 0, number}};
}

inline IpAddress ip(const char* text) {
    return *IpAddress::from_text(text);
}

inline Prefix prefix(const char* text) {
    return *Prefix::from_text(text);
}

inline constexpr std::uint16_t kUdp = 4747;

inline std::vector<FrameBytes> only(FrameBytes frame) {
    std::vector<FrameBytes> frames;
    frames.push_back(std::move(frame));
    return frames;
}

// A box with one port, 10.0.0.1/24 and 2001:db8::1/64; others answer as hosts of that link.
class neighbours : public testing::Test {
  protected:
    neighbours() { box_.set_port_up(0, true, now_); }

    static NeighboursConfig limits() {
        NeighboursConfig limits;
        limits.neighbours_max = 8;
        limits.held_per_neighbour = 2;
        limits.held_max = 3;
        limits.hold_ms = 600;
        limits.retry_ms = 100;
        limits.retries = 2;
        limits.reachable_ms = 10'000;
        limits.stale_ms = 60'000;
        return limits;
    }

    static NeighbourPort port() {
        return {.mac = mac(1),
                .vlan = 0,
                .mtu = 1'500,
                .addresses = {prefix("10.0.0.1/24"), prefix("2001:db8::1/64")},
                .gateway = ip("10.0.0.254"),
                .gateway6 = {}};
    }

    void up_to(std::uint64_t now_ms) {
        while (box_.next_deadline_ms().value_or(now_ms + 1) <= now_ms) {
            now_ = std::max(now_, *box_.next_deadline_ms());
            box_.advance(now_);
        }
        now_ = now_ms;
    }

    std::vector<FrameBytes> sent() {
        std::vector<FrameBytes> frames;
        for (auto& frame : box_.take_output().frames) {
            frames.push_back(std::move(frame.bytes));
        }
        return frames;
    }

    std::uint16_t acquire(const IpAddress& hop) {
        const auto slot = box_.acquire(0, hop, kUdp, now_);
        EXPECT_TRUE(slot) << slot.error();
        return slot.value_or(routing::kNoAdjacency);
    }

    Drop receive(const FrameBytes& frame) { return box_.receive(0, frame, now_); }

    // The answer of host `who` at MAC `number` to a request of ours.
    void answer(const IpAddress& who, std::uint8_t number) {
        const bool v4 = who.family == routing::Family::ipv4;
        const LinkSide us{mac(1), 0};
        const auto question = make_request(us, ip(v4 ? "10.0.0.1" : "2001:db8::1"), who, nullptr);
        const auto reply = make_reply({mac(number), 0}, who, *parse_neighbour_frame(question, 0));
        EXPECT_EQ(receive(reply), Drop::none);
    }

    void announce(const IpAddress& who, std::uint8_t number) {
        EXPECT_EQ(receive(make_announcement({mac(number), 0}, who)), Drop::none);
    }

    NeighbourRow row(const IpAddress& who) {
        for (const NeighbourRow& each : box_.rows()) {
            if (each.ip == who) {
                return each;
            }
        }
        ADD_FAILURE() << who.to_text() << " is not in the table";
        return {};
    }

    const dataplane::Adjacency& adjacency(std::uint16_t slot) { return box_.adjacencies()[slot]; }

    const IpAddress host_ = ip("10.0.0.2");
    const IpAddress host6_ = ip("2001:db8::2");
    std::uint64_t now_ = 1'000;
    Neighbours box_{limits(), {port()}};
};

}  // namespace posthaste::controlplane
