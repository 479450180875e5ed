// SPDX-License-Identifier: BSD-3-Clause
// ARP, neighbour discovery and ping: what parse_frame() hands to the control thread.
#include <gtest/gtest.h>

#include "routing/frame.h"
#include "tests/support/drop_text.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

namespace {

const Mac kBroadcast = *Mac::from_text("ff:ff:ff:ff:ff:ff");

FrameBytes arp(const Mac& to, const IpAddress& sender, const IpAddress& target) {
    FrameBytes frame(to.bytes.begin(), to.bytes.end());
    const Mac from = mac(kSenderNumber);
    const auto put = [&](auto begin, auto end) { frame.insert(frame.end(), begin, end); };
    put(from.bytes.begin(), from.bytes.end());
    const std::uint8_t fixed[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1};
    put(std::begin(fixed), std::end(fixed));
    put(from.bytes.begin(), from.bytes.end());
    put(sender.bytes.begin(), sender.bytes.begin() + 4);
    put(to.bytes.begin(), to.bytes.end());
    put(target.bytes.begin(), target.bytes.begin() + 4);
    return frame;
}

// A UDP frame made into ICMP of the same length; `type` is its first byte.
FrameBytes icmp(const FrameSpec& spec, std::uint8_t type) {
    FrameBytes frame = build(spec);
    const bool four = spec.source_ip.family == Family::ipv4;
    frame[ip_offset(frame) + (four ? 9 : 6)] = four ? 1 : 58;
    frame[udp_offset(frame)] = type;
    seal(frame);
    return frame;
}

FrameSpec to_group(const char* group, const char* group_mac) {
    FrameSpec spec = ipv6_spec();
    spec.destination_ip = ip(group);
    spec.destination_mac = *Mac::from_text(group_mac);
    return spec;
}

void expect_neighbour(const FrameBytes& frame) {
    const Parsed parsed = parse(frame);
    EXPECT_EQ(parsed.drop, Drop::none);
    EXPECT_EQ(parsed.view.kind, FrameKind::neighbour);
    EXPECT_EQ(parsed.view.message, 0);
}

}  // namespace

TEST(parse_neighbour, arp_for_the_ports_addresses_goes_to_the_control_thread) {
    expect_neighbour(arp(kBroadcast, ipv4(9), ipv4(1)));
    expect_neighbour(arp(mac(kBoxNumber), ipv4(9), ipv4(1)));
    FrameBytes padded = arp(kBroadcast, ipv4(9), ipv4(1));
    padded.resize(60);
    expect_neighbour(padded);
}

TEST(parse_neighbour, arp_for_others_stops_here_but_announcements_pass) {
    EXPECT_EQ(parse(arp(kBroadcast, ipv4(9), ipv4(2))).drop, Drop::wrong_address);
    EXPECT_EQ(parse(arp(mac(5), ipv4(9), ipv4(1))).drop, Drop::wrong_mac);
    expect_neighbour(arp(kBroadcast, ipv4(9), ipv4(9)));
}

TEST(parse_neighbour, cut_or_foreign_arp_is_refused) {
    FrameBytes frame = arp(kBroadcast, ipv4(9), ipv4(1));
    for (std::size_t at = 14; at < 20; ++at) {
        FrameBytes foreign = frame;
        foreign[at] ^= 0x20;
        EXPECT_EQ(parse(foreign).drop, Drop::wrong_protocol) << at;
    }
    frame.pop_back();
    EXPECT_EQ(parse(frame).drop, Drop::too_short);
}

TEST(parse_neighbour, discovery_is_taken_for_the_port_and_its_groups) {
    for (const std::uint8_t type : {133, 134, 135, 136, 137}) {
        expect_neighbour(icmp(ipv6_spec(), type));
        expect_neighbour(icmp(to_group("ff02::1", "33:33:00:00:00:01"), type));
        expect_neighbour(icmp(to_group("ff02::1:ff00:1", "33:33:ff:00:00:01"), type));
    }
    FrameSpec unspecified = to_group("ff02::1:ff00:1", "33:33:ff:00:00:01");
    unspecified.source_ip = ip("::");  // duplicate address detection
    expect_neighbour(icmp(unspecified, 135));
}

TEST(parse_neighbour, discovery_for_other_nodes_is_refused) {
    for (const char* group : {"ff02::1:ff00:2", "ff02::2", "ff02::1:fe00:1", "ff05::1"}) {
        EXPECT_EQ(parse(icmp(to_group(group, "33:33:ff:00:00:02"), 135)).drop, Drop::wrong_address)
            << group;
    }
}

TEST(parse_neighbour, echo_requests_to_an_address_of_the_port_are_taken) {
    expect_neighbour(icmp(FrameSpec{}, 8));
    expect_neighbour(icmp(ipv6_spec(), 128));
    FrameSpec elsewhere;
    elsewhere.destination_ip = ipv4(2);
    EXPECT_EQ(parse(icmp(elsewhere, 8)).drop, Drop::wrong_address);
    FrameSpec broadcast;
    broadcast.destination_mac = kBroadcast;
    EXPECT_EQ(parse(icmp(broadcast, 8)).drop, Drop::wrong_mac);
    EXPECT_EQ(parse(icmp(to_group("ff02::1", "33:33:00:00:00:01"), 128)).drop, Drop::wrong_address);
}

TEST(parse_neighbour, other_icmp_is_refused) {
    for (unsigned type = 0; type < 256; ++type) {
        const auto byte = static_cast<std::uint8_t>(type);
        EXPECT_EQ(parse(icmp(FrameSpec{}, byte)).drop == Drop::none, type == 8) << type;
        const bool six = type == 128 || (type >= 133 && type <= 137);
        EXPECT_EQ(parse(icmp(ipv6_spec(), byte)).drop == Drop::none, six) << type;
    }
}
