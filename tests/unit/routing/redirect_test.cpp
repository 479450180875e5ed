// SPDX-License-Identifier: BSD-3-Clause
// Goal: a redirected frame is the frame a sender would have sent to that capability. Method:
// built frames, redirected and compared with built ones, checksums included.
#include "routing/redirect.h"

#include <gtest/gtest.h>

#include <string_view>

#include "routing/capability_name.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

namespace {

const AgentId kOcr = capability_id("vision/ocr");

// Two TLVs as bytes.
std::vector<std::uint8_t> tlvs(Tlv type,
                               std::string_view value,
                               Tlv type2,
                               std::string_view value2) {
    std::vector<std::uint8_t> bytes;
    const auto add = [&bytes](Tlv each, std::string_view text) {
        bytes.push_back(static_cast<std::uint8_t>(each));
        bytes.push_back(static_cast<std::uint8_t>(text.size()));
        bytes.insert(bytes.end(), text.begin(), text.end());
    };
    add(type, value);
    add(type2, value2);
    return bytes;
}

FrameBytes redirected(const FrameSpec& spec) {
    FrameBytes frame = build(spec);
    const Parsed parsed = parse(frame);
    EXPECT_EQ(parsed.drop, Drop::none);
    redirect_to_capability(frame, parsed.view, kOcr);
    return frame;
}

FrameBytes expected(FrameSpec spec) {
    spec.destination = kOcr;
    spec.addressing_strategy = static_cast<std::uint8_t>(Addressing::capability_any);
    return build(spec);
}

}  // namespace

TEST(redirect, the_destination_becomes_the_capability) {
    FrameSpec spec;
    for (std::uint32_t number = 2; number < 300; ++number) {
        spec.destination = agent(number);
        spec.payload.assign(number, static_cast<std::uint8_t>(number));
        ASSERT_EQ(redirected(spec), expected(spec)) << number;
    }
}

TEST(redirect, over_ipv6_too) {
    FrameSpec spec = ipv6_spec();
    spec.payload = {1, 2, 3};
    EXPECT_EQ(redirected(spec), expected(spec));
}

TEST(redirect, another_capability_and_strategy_are_replaced) {
    FrameSpec spec;
    spec.destination = capability_id("vision/faces");
    spec.addressing_strategy = 0x22;  // to all, weighted
    EXPECT_EQ(redirected(spec), expected(spec));
}

TEST(redirect, the_name_of_what_it_was_addressed_to_is_not_believed_any_more) {
    FrameSpec spec;
    spec.destination = capability_id("vision/faces");
    spec.addressing_strategy = 1;
    spec.tlvs = tlvs(Tlv::capability_name, "vision/faces", Tlv::trace_context, "0123456789");
    FrameSpec without = spec;
    without.tlvs = tlvs(Tlv::removed, "vision/faces", Tlv::trace_context, "0123456789");
    EXPECT_EQ(redirected(spec), expected(without));
}

TEST(redirect, an_absent_checksum_stays_absent_and_a_wrong_one_wrong) {
    FrameSpec spec;
    spec.udp_checksum = false;
    EXPECT_EQ(redirected(spec), expected(spec));

    PortRules rules = edge_rules();
    rules.verify_checksum = false;
    FrameBytes frame = build(FrameSpec{});
    FrameBytes right = expected(FrameSpec{});
    frame[udp_offset(frame) + 7] ^= 0x10;
    const Parsed parsed = parse(frame, rules);
    ASSERT_EQ(parsed.drop, Drop::none);
    redirect_to_capability(frame, parsed.view, kOcr);
    EXPECT_NE(udp_checksum_field(frame), full_udp_checksum(frame));
    right[udp_offset(right) + 6] = frame[udp_offset(frame) + 6];
    right[udp_offset(right) + 7] = frame[udp_offset(frame) + 7];
    EXPECT_EQ(frame, right);
}
