// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: parse_frame(), then what a router may do with the frame it described: rewrite it
// for a next hop of either family, or answer it. Anything that reads or writes outside a buffer,
// or breaks a promise of routing/frame.h, ends the program.
//
// Input: one byte of choices, one byte for the size of the first segment (255: all), the frame.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "routing/frame.h"

using namespace posthaste::routing;

namespace {

enum Choice : std::uint8_t {
    kFabric = 1,
    kVlan = 2,
    kVerify = 4,
    kToIpv6 = 8,
    kToVlan = 16,
    kAnyMac = 32,
    kAck = 64,
};

void demand(bool fact) {
    if (!fact) {
        std::abort();
    }
}

IpAddress port_address(Family family) {
    IpAddress ip{{10, 0, 0, 1}, family};
    if (family == Family::ipv6) {
        ip.bytes = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    }
    return ip;
}

PortRules port_rules(std::uint8_t choice) {
    PortRules rules;
    rules.mac = Mac{{2, 0, 0, 0, 0, 1}};
    rules.edge = (choice & kFabric) == 0;
    rules.vlan = (choice & kVlan) != 0 ? 100 : 0;
    rules.verify_checksum = (choice & kVerify) != 0;
    rules.accept_any_mac = (choice & kAnyMac) != 0;
    rules.ipv4_count = rules.ipv6_count = 1;
    rules.ipv4[0] = port_address(Family::ipv4);
    rules.ipv6[0] = port_address(Family::ipv6);
    return rules;
}

void check_rewrite(std::span<const std::uint8_t> first,
                   const FrameView& view,
                   std::uint8_t choice) {
    // Exactly the room rewriting asks for, and exactly the bytes that are contiguous.
    Hop hop;
    const Family family = (choice & kToIpv6) != 0 ? Family::ipv6 : Family::ipv4;
    hop.vlan = (choice & kToVlan) != 0 ? 7 : 0;
    hop.source_ip = hop.destination_ip = port_address(family);
    hop.udp_port = kUdpPortDefault;
    const std::size_t outer = outer_bytes(family, hop.vlan != 0);
    const auto message_bytes = static_cast<std::uint16_t>(view.header_bytes + view.payload_bytes);
    const std::size_t there = std::min<std::size_t>(first.size() - view.message, message_bytes);
    const auto block = std::make_unique<std::uint8_t[]>(outer + there);
    std::copy_n(first.data() + view.message, there, block.get() + outer);
    const HeaderChange change{7, flag::relayed, 1000};
    const OldOuter old = read_outer(first.data(), view);
    const bool written =
        rewrite_frame(block.get(), {block.get() + outer, there}, message_bytes, old, hop, change);
    demand(written || (old.checksum == 0 && family == Family::ipv6 && there < message_bytes));
    if (!written || there < message_bytes || (choice & kVerify) == 0) {
        return;
    }
    PortRules next = port_rules(kFabric | kVerify);
    next.mac = hop.destination_mac;
    next.vlan = hop.vlan;
    next.udp_port = hop.udp_port;
    FrameView again;
    const ParseResult result = parse_frame({block.get(), outer + there},
                                           static_cast<std::uint32_t>(outer + there),
                                           next,
                                           ChecksumHint::unknown,
                                           again);
    demand(result.drop == Drop::none || result.drop == Drop::bad_type);
    demand(again.payload_bytes == view.payload_bytes && again.header_bytes == view.header_bytes);
}

void check_answer(std::vector<std::uint8_t> first, const FrameView& view, std::uint8_t choice) {
    static constexpr std::uint8_t kLease[] = {33, 4, 0, 0, 1, 0};
    const Type type = (choice & kAck) != 0 ? Type::ack : Type::error;
    const std::size_t bytes = answer_in_place(first, view, type, ErrorCode::malformed, kLease);
    demand(bytes <= first.size() && bytes <= frame_end(view));
    const Family family = view.family;
    FrameView answer;
    answer.family = family;
    answer.l3 = view.l3;
    answer.l4 = static_cast<std::uint16_t>(view.l3 + (family == Family::ipv4 ? 20 : 40));
    demand(udp_checksum_holds(first.data(), answer, static_cast<std::uint16_t>(bytes - answer.l4)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::uint8_t choice = data[0];
    const std::size_t whole = size - 2;
    const std::size_t first_bytes = data[1] == 255 ? whole : std::min<std::size_t>(data[1], whole);
    const std::vector<std::uint8_t> first(data + 2, data + 2 + first_bytes);
    FrameView view;
    const ParseResult result = parse_frame(
        first, static_cast<std::uint32_t>(whole), port_rules(choice), ChecksumHint::unknown, view);
    demand(result.drop < Drop::count);
    if (view.message == 0) {
        demand(result.drop != Drop::none || view.kind == FrameKind::neighbour);
        return 0;
    }
    demand(view.message + kHeaderBytesMin <= first_bytes && frame_end(view) <= whole);
    demand(view.l3 < view.l4 && view.l4 + 8 == view.message);
    if (result.drop == Drop::none) {
        demand(std::size_t{view.message} + view.header_bytes <= first_bytes);
        check_rewrite(first, view, choice);
    }
    check_answer(first, view, choice);
    return 0;
}
