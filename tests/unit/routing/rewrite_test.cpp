// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "routing/frame.h"
#include "tests/support/drop_text.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

namespace {

constexpr HeaderChange kChange{7, flag::relayed | flag::want_error, 1234};

FrameSpec spec_of(Family family, bool tagged) {
    FrameSpec spec = family == Family::ipv4 ? FrameSpec{} : ipv6_spec();
    if (tagged) {
        spec.tag = 0;
    }
    spec.payload = {'h', 'e', 'l', 'l', 'o'};
    return spec;
}

// What a frame to the next hop looks like when it is built from nothing.
FrameBytes expected(FrameSpec spec, const Hop& hop) {
    spec.source_mac = hop.source_mac;
    spec.destination_mac = hop.destination_mac;
    spec.tag.reset();
    if (hop.vlan != 0) {
        spec.tag = hop.vlan;
    }
    spec.source_ip = hop.source_ip;
    spec.destination_ip = hop.destination_ip;
    spec.ipv4_options.clear();
    spec.destination_port = hop.udp_port;
    spec.hop_limit = kChange.hop_limit;
    spec.flags = kChange.flags;
    spec.lifetime_ms = kChange.lifetime_ms;
    if (hop.destination_ip.family == Family::ipv6) {
        spec.udp_checksum = true;
        return build(spec);
    }
    FrameBytes frame = build(spec);
    frame[ip_offset(frame) + 4] = 0;  // no identification
    frame[ip_offset(frame) + 5] = 0;
    seal(frame);
    return frame;
}

FrameBytes rewritten(const FrameSpec& spec, const Hop& hop) {
    const FrameBytes frame = build(spec);
    const Parsed parsed = parse(frame);
    EXPECT_EQ(parsed.drop, Drop::none);
    return posthaste::test::rewritten(frame, parsed.view, hop, kChange);
}

}  // namespace

TEST(rewrite, any_family_and_tag_becomes_any_other) {
    for (const Family from : {Family::ipv4, Family::ipv6}) {
        for (const Family to : {Family::ipv4, Family::ipv6}) {
            for (const bool tagged : {false, true}) {
                for (const std::uint16_t vlan : {0, 100}) {
                    const FrameSpec spec = spec_of(from, tagged);
                    const Hop hop = hop_to(to, vlan);
                    EXPECT_EQ(rewritten(spec, hop), expected(spec, hop))
                        << int(from) << " to " << int(to) << " vlan " << vlan;
                }
            }
        }
    }
}

TEST(rewrite, ipv4_options_end_at_the_first_router) {
    FrameSpec spec = spec_of(Family::ipv4, false);
    spec.ipv4_options = std::vector<std::uint8_t>(40, 1);
    for (const Family to : {Family::ipv4, Family::ipv6}) {
        EXPECT_EQ(rewritten(spec, hop_to(to)), expected(spec, hop_to(to)));
    }
}

TEST(rewrite, tlvs_and_payload_stay_as_they_are) {
    FrameSpec spec = spec_of(Family::ipv6, false);
    spec.tlvs = {1, 3, 'a', 'b', 'c', 200, 2, 9, 9};
    spec.payload.assign(8000, 0xa5);
    EXPECT_EQ(rewritten(spec, hop_to(Family::ipv4, 3)), expected(spec, hop_to(Family::ipv4, 3)));
}

TEST(rewrite, an_absent_checksum_stays_absent_towards_ipv4) {
    FrameSpec spec = spec_of(Family::ipv4, false);
    spec.udp_checksum = false;
    const FrameBytes frame = rewritten(spec, hop_to(Family::ipv4));
    EXPECT_EQ(udp_checksum_field(frame), 0);
    EXPECT_EQ(frame, expected(spec, hop_to(Family::ipv4)));
}

TEST(rewrite, an_absent_checksum_is_computed_towards_ipv6) {
    FrameSpec spec = spec_of(Family::ipv4, false);
    spec.udp_checksum = false;
    const FrameBytes frame = rewritten(spec, hop_to(Family::ipv6));
    EXPECT_EQ(frame, expected(spec, hop_to(Family::ipv6)));
    EXPECT_EQ(udp_checksum_field(frame), full_udp_checksum(frame));
}

TEST(rewrite, an_absent_checksum_over_a_chain_writes_nothing_towards_ipv6) {
    FrameSpec spec = spec_of(Family::ipv4, false);
    spec.udp_checksum = false;
    FrameBytes frame = build(spec);
    const FrameView view = parse(frame).view;
    FrameBytes buffer(128);
    buffer.insert(buffer.end(), frame.begin(), frame.end());
    const FrameBytes before = buffer;
    const OldOuter old = read_outer(buffer.data() + 128, view);
    const auto message = std::span(buffer).subspan(128U + view.message);
    const auto bytes = static_cast<std::uint16_t>(message.size());
    std::uint8_t* const out = message.data() - outer_bytes(Family::ipv6, false);
    EXPECT_FALSE(rewrite_frame(
        out, message.first(message.size() - 1), bytes, old, hop_to(Family::ipv6), kChange));
    EXPECT_EQ(buffer, before);
    EXPECT_TRUE(rewrite_frame(out, message, bytes, old, hop_to(Family::ipv6), kChange));
}

// All values of the last two payload bytes give all checksums, 0xffff (for zero) among them.
TEST(rewrite, every_checksum_value_is_updated_as_if_computed_in_full) {
    for (const Family to : {Family::ipv4, Family::ipv6}) {
        FrameSpec spec = spec_of(Family::ipv4, false);
        spec.payload = {0, 0};
        FrameBytes frame = build(spec);
        const FrameView view = parse(frame).view;
        unsigned all_ones = 0;
        for (unsigned value = 0; value < 0x10000; ++value) {
            frame[frame.size() - 2] = static_cast<std::uint8_t>(value >> 8);
            frame[frame.size() - 1] = static_cast<std::uint8_t>(value);
            seal(frame);
            const FrameBytes out = posthaste::test::rewritten(frame, view, hop_to(to), kChange);
            ASSERT_EQ(udp_checksum_field(out), full_udp_checksum(out)) << value;
            all_ones += udp_checksum_field(out) == 0xffff ? 1 : 0;
        }
        EXPECT_GE(all_ones, 1U);
    }
}

TEST(rewrite, a_wrong_checksum_does_not_become_right) {
    FrameBytes frame = build(spec_of(Family::ipv4, false));
    frame.back() ^= 1;
    PortRules rules = edge_rules();
    rules.verify_checksum = false;
    const Parsed parsed = parse(frame, rules);
    ASSERT_EQ(parsed.drop, Drop::none);
    const FrameBytes out =
        posthaste::test::rewritten(frame, parsed.view, hop_to(Family::ipv6), kChange);
    EXPECT_NE(udp_checksum_field(out), full_udp_checksum(out));
}

TEST(rewrite, the_outer_source_is_read_from_either_family) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        const FrameSpec spec = spec_of(family, true);
        const FrameBytes frame = build(spec);
        const OuterSource source = outer_source(frame.data(), parse(frame).view);
        EXPECT_EQ(source.mac, spec.source_mac);
        EXPECT_EQ(source.ip, spec.source_ip);
        EXPECT_EQ(source.udp_port, spec.source_port);
    }
}
