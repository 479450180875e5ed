// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "routing/frame.h"
#include "tests/support/drop_text.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

namespace {

FrameBytes answer(const FrameSpec& spec,
                  Type type,
                  ErrorCode code = ErrorCode::none,
                  const std::vector<std::uint8_t>& tlvs = {},
                  const PortRules& rules = edge_rules()) {
    FrameBytes frame = build(spec);
    const Parsed parsed = parse(frame, rules);
    EXPECT_NE(parsed.view.message, 0);
    const std::size_t size = answer_in_place(frame, parsed.view, type, code, tlvs);
    EXPECT_LE(size, frame.size());
    frame.resize(size);
    return frame;
}

// The answer to `spec`, built from nothing.
FrameSpec mirrored(const FrameSpec& spec, Type type, std::uint8_t performative) {
    FrameSpec out;
    out.destination_mac = spec.source_mac;
    out.source_mac = spec.destination_mac;
    out.tag = spec.tag;
    out.source_ip = spec.destination_ip;
    out.destination_ip = spec.source_ip;
    out.source_port = spec.destination_port;
    out.destination_port = spec.source_port;
    out.type = type;
    out.performative = performative;
    out.priority = spec.priority;
    out.destination = spec.source;
    out.source = kRouterId;
    out.conversation = spec.conversation;
    out.message = spec.message;
    return out;
}

FrameBytes without_identification(FrameBytes frame) {
    if (frame[ip_offset(frame)] >> 4 == 4) {
        frame[ip_offset(frame) + 4] = 0;
        frame[ip_offset(frame) + 5] = 0;
        seal(frame);
    }
    return frame;
}

}  // namespace

TEST(answer, a_heartbeat_becomes_its_own_ack) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        for (const bool tagged : {false, true}) {
            FrameSpec spec = control_spec(Type::heartbeat);
            if (family == Family::ipv6) {
                spec.source_ip = ipv6(kSenderNumber);
                spec.destination_ip = ipv6(kBoxNumber);
            }
            if (tagged) {
                spec.tag = 0x6000;
            }
            EXPECT_EQ(answer(spec, Type::ack),
                      without_identification(build(mirrored(spec, Type::ack, 17))));
        }
    }
}

TEST(answer, an_error_names_its_code_and_drops_the_payload) {
    FrameSpec spec;
    spec.flags = flag::want_error | flag::trace;
    spec.hop_limit = 0;
    spec.tlvs = {1, 1, 'x'};
    spec.payload.assign(1000, 7);
    EXPECT_EQ(answer(spec, Type::error, ErrorCode::hop_limit),
              without_identification(build(mirrored(spec, Type::error, 4))));
}

TEST(answer, tlvs_are_the_payload_where_they_fit_in_full) {
    const std::vector<std::uint8_t> lease = {33, 4, 0, 0, 0x75, 0x30};
    FrameSpec spec = control_spec(Type::register_agent, std::vector<std::uint8_t>(6));
    FrameSpec full = mirrored(spec, Type::ack, 16);
    full.payload = lease;
    EXPECT_EQ(answer(spec, Type::ack, ErrorCode::none, lease), without_identification(build(full)));

    spec.payload.resize(5);
    const FrameSpec bare = mirrored(spec, Type::ack, 16);
    EXPECT_EQ(answer(spec, Type::ack, ErrorCode::none, lease), without_identification(build(bare)));
}

TEST(answer, ethernet_padding_gives_no_room) {
    FrameSpec spec = control_spec(Type::register_agent);
    spec.ethernet_padding = 20;
    const FrameBytes frame = answer(spec, Type::ack, ErrorCode::none, {33, 4, 0, 0, 0, 1});
    EXPECT_EQ(frame.size(), build(spec).size() - 20);
}

TEST(answer, ipv4_options_are_not_sent_back) {
    FrameSpec spec = control_spec(Type::heartbeat);
    spec.ipv4_options = {7, 7, 4, 0, 0, 0, 0, 0};  // record route
    EXPECT_EQ(answer(spec, Type::ack),
              without_identification(build(mirrored(spec, Type::ack, 17))));
}

TEST(answer, an_absent_checksum_is_answered_with_one) {
    FrameSpec spec = control_spec(Type::heartbeat);
    spec.udp_checksum = false;
    const FrameBytes frame = answer(spec, Type::ack);
    EXPECT_EQ(udp_checksum_field(frame), full_udp_checksum(frame));
}

TEST(answer, an_error_to_the_fabric_is_itself_a_relayed_frame) {
    FrameSpec spec;
    spec.flags = flag::relayed | flag::redirected | flag::want_error;
    const FrameBytes frame =
        answer(spec, Type::error, ErrorCode::unknown_agent, {}, fabric_rules());
    FrameSpec mirror = mirrored(spec, Type::error, 1);
    mirror.flags = flag::relayed;
    mirror.source_port = spec.source_port;
    mirror.destination_port = spec.destination_port;
    EXPECT_EQ(frame, without_identification(build(mirror)));

    PortRules sender = fabric_rules();
    sender.mac = spec.source_mac;
    sender.ipv4[0] = spec.source_ip;
    const Parsed there = parse(frame, sender);
    EXPECT_EQ(there.drop, Drop::none);
    EXPECT_EQ(there.view.kind, FrameKind::message);
}

TEST(answer, another_version_is_told_in_version_1) {
    FrameBytes frame = build(FrameSpec{});
    frame[message_offset(frame) + 2] = 0x7f;
    seal(frame);
    const Parsed parsed = parse(frame);
    ASSERT_EQ(parsed.drop, Drop::bad_version);
    frame.resize(answer_in_place(frame, parsed.view, Type::error, ErrorCode::bad_version, {}));
    EXPECT_EQ(frame, without_identification(build(mirrored(FrameSpec{}, Type::error, 12))));
}

TEST(answer, only_the_first_segment_is_written) {
    FrameSpec spec = control_spec(Type::register_agent, std::vector<std::uint8_t>(100));
    FrameBytes frame = build(spec);
    const Parsed parsed = parse(frame);
    FrameBytes first(frame.begin(), frame.begin() + parsed.view.message + 64 + 5);
    const std::vector<std::uint8_t> lease = {33, 4, 0, 0, 0, 1};
    EXPECT_EQ(answer_in_place(first, parsed.view, Type::ack, ErrorCode::none, lease),
              parsed.view.message + 64U);
}
