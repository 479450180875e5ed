// SPDX-License-Identifier: BSD-3-Clause
// Random frames: what is built is what is parsed, checksums are those of a full computation, no
// read leaves the buffer (each lies in a heap block of its exact size, which AddressSanitizer
// watches), no answer is larger than its request.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>

#include "routing/frame.h"
#include "tests/support/drop_text.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint8_t in_range(unsigned from, unsigned to) {
    return static_cast<std::uint8_t>(*rc::gen::inRange(from, to));
}

AgentId any_id() {
    AgentId id;
    const auto bytes = *rc::gen::container<Bytes>(16, rc::gen::arbitrary<std::uint8_t>());
    std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
    return id;
}

Bytes any_tlvs() {
    Bytes tlvs;
    while (*rc::gen::inRange(0, 3) != 0) {
        const auto value = *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, 40),
                                                      rc::gen::arbitrary<std::uint8_t>());
        if (tlvs.size() + 2 + value.size() > kHeaderBytesMax - kHeaderBytesMin) {
            break;
        }
        tlvs.push_back(in_range(1, 256));
        tlvs.push_back(static_cast<std::uint8_t>(value.size()));
        tlvs.insert(tlvs.end(), value.begin(), value.end());
    }
    return tlvs;
}

// A valid message as an edge port takes it.
FrameSpec any_spec() {
    FrameSpec spec = *rc::gen::arbitrary<bool>() ? FrameSpec{} : ipv6_spec();
    const bool four = spec.source_ip.family == Family::ipv4;
    const std::size_t last = four ? 3 : 15;
    spec.source_ip.bytes[last] = in_range(0, 256);
    spec.source_ip.bytes[last - 1] = in_range(0, 256);
    spec.source_port = *rc::gen::arbitrary<std::uint16_t>();
    if (*rc::gen::arbitrary<bool>()) {
        spec.tag = static_cast<std::uint16_t>(in_range(0, 8) << 13);
    }
    if (four) {
        spec.ipv4_options.assign(in_range(0, 11) * 4U, 1);
        spec.udp_checksum = *rc::gen::inRange(0, 5) != 0;
    }
    spec.performative = in_range(0, 256);
    spec.addressing_strategy = static_cast<std::uint8_t>(in_range(0, 3) | in_range(0, 4) << 4);
    spec.priority = in_range(0, 256);
    spec.hop_limit = in_range(1, 256);
    spec.flags = static_cast<std::uint16_t>(*rc::gen::arbitrary<std::uint16_t>() &
                                            ~(flag::relayed | flag::redirected));
    spec.lifetime_ms = *rc::gen::arbitrary<std::uint32_t>();
    spec.destination = any_id();
    spec.source = any_id();
    spec.conversation = *rc::gen::arbitrary<std::uint64_t>();
    spec.message = *rc::gen::arbitrary<std::uint64_t>();
    spec.tlvs = any_tlvs();
    spec.payload = *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, 200),
                                              rc::gen::arbitrary<std::uint8_t>());
    spec.ethernet_padding = in_range(0, 9);
    RC_PRE(!spec.destination.is_nil() && !spec.source.is_nil());
    RC_PRE(spec.destination != spec.source && spec.source != kRouterId);
    return spec;
}

Hop any_hop() {
    Hop hop = hop_to(*rc::gen::arbitrary<bool>() ? Family::ipv4 : Family::ipv6,
                     *rc::gen::arbitrary<bool>() ? std::uint16_t{0} : std::uint16_t{100});
    const std::size_t last = hop.source_ip.size() - 1;
    hop.source_ip.bytes[last] = in_range(0, 256);
    hop.destination_ip.bytes[last] = in_range(0, 256);
    hop.udp_port = *rc::gen::arbitrary<std::uint16_t>();
    return hop;
}

HeaderChange any_change() {
    return {in_range(0, 256),
            *rc::gen::arbitrary<std::uint16_t>(),
            *rc::gen::arbitrary<std::uint32_t>()};
}

// A frame that begins well and is then spoilt: up to four bytes changed; one in four is cut.
Bytes spoilt_frame() {
    Bytes frame = build(any_spec());
    for (unsigned changes = in_range(0, 5); changes > 0; --changes) {
        frame[*rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(frame.size(), 180))] =
            in_range(0, 256);
    }
    if (*rc::gen::inRange(0, 4) == 0) {
        frame.resize(*rc::gen::inRange<std::size_t>(0, frame.size() + 1));
    }
    return frame;
}

// parse_frame() over the first `first` bytes of the frame, which are all there is to read.
ParseResult parse_exactly(const Bytes& frame, std::size_t first, PortRules rules, FrameView& view) {
    const auto block = std::make_unique<std::uint8_t[]>(first);
    std::copy_n(frame.begin(), first, block.get());
    return parse_frame({block.get(), first},
                       static_cast<std::uint32_t>(frame.size()),
                       rules,
                       ChecksumHint::unknown,
                       view);
}

}  // namespace

RC_GTEST_PROP(frame, what_is_built_is_what_is_parsed, ()) {
    const FrameSpec spec = any_spec();
    const Bytes frame = build(spec);
    const Parsed parsed = parse(frame);
    RC_ASSERT(parsed.drop == Drop::none);
    RC_ASSERT(parsed.view.kind == FrameKind::message);
    RC_ASSERT(parsed.view.message == message_offset(frame));
    RC_ASSERT(parsed.view.payload_bytes == spec.payload.size());
    RC_ASSERT(frame_end(parsed.view) + spec.ethernet_padding == frame.size());
    const WireHeader& header = header_of(frame.data(), parsed.view);
    RC_ASSERT(header.performative == spec.performative);
    RC_ASSERT(header.hop_limit == spec.hop_limit);
    RC_ASSERT(header.flags == spec.flags);
    RC_ASSERT(header.lifetime_ms == spec.lifetime_ms);
    RC_ASSERT(header.destination == spec.destination);
    RC_ASSERT(header.source == spec.source);
    RC_ASSERT(header.conversation == spec.conversation);
    RC_ASSERT(header.message == spec.message);
    const auto payload =
        frame.begin() + static_cast<std::ptrdiff_t>(parsed.view.message + parsed.view.header_bytes);
    RC_ASSERT(std::equal(spec.payload.begin(), spec.payload.end(), payload));
}

RC_GTEST_PROP(frame, a_rewritten_frame_has_the_checksum_of_a_full_computation, ()) {
    const FrameSpec spec = any_spec();
    const Bytes frame = build(spec);
    const Hop hop = any_hop();
    const Bytes out = rewritten(frame, parse(frame).view, hop, any_change());
    const bool four = hop.destination_ip.family == Family::ipv4;
    const std::uint16_t field = udp_checksum_field(out);
    RC_ASSERT(field == (four && !spec.udp_checksum ? 0 : full_udp_checksum(out)));
    Bytes resealed = out;
    seal(resealed);
    RC_ASSERT(resealed == out);  // the IPv4 header checksum, too
}

RC_GTEST_PROP(frame, a_rewritten_frame_is_parsed_at_the_next_hop, ()) {
    const Bytes frame = build(any_spec());
    const Hop hop = any_hop();
    HeaderChange change = any_change();
    change.flags |= flag::relayed;
    change.hop_limit |= 1;
    const Bytes out = rewritten(frame, parse(frame).view, hop, change);
    PortRules rules = fabric_rules();
    rules.mac = hop.destination_mac;
    rules.vlan = hop.vlan;
    rules.udp_port = hop.udp_port;
    rules.ipv4[0] = rules.ipv6[0] = hop.destination_ip;
    const Parsed parsed = parse(out, rules);
    RC_ASSERT(parsed.drop == Drop::none);
    RC_ASSERT(frame_end(parsed.view) == out.size());
    RC_ASSERT(outer_source(out.data(), parsed.view).ip == hop.source_ip);
    RC_ASSERT(header_of(out.data(), parsed.view).flags == change.flags);
    RC_ASSERT(header_of(out.data(), parsed.view).lifetime_ms == change.lifetime_ms);
}

RC_GTEST_PROP(frame, no_bytes_make_parsing_leave_the_buffer, ()) {
    const auto frame = *rc::gen::arbitrary<Bytes>();
    FrameView view;
    PortRules rules = edge_rules();
    rules.accept_any_mac = true;
    const ParseResult result = parse_exactly(frame, frame.size(), rules, view);
    RC_ASSERT(result.drop != Drop::none);
}

RC_GTEST_PROP(frame, a_view_never_points_outside_what_was_there, ()) {
    const Bytes frame = spoilt_frame();
    const std::size_t first = *rc::gen::arbitrary<bool>()
                                  ? frame.size()
                                  : *rc::gen::inRange<std::size_t>(0, frame.size() + 1);
    PortRules rules = *rc::gen::arbitrary<bool>() ? edge_rules() : fabric_rules();
    rules.verify_checksum = *rc::gen::arbitrary<bool>();
    FrameView view;
    const ParseResult result = parse_exactly(frame, first, rules, view);
    RC_CLASSIFY(result.drop == Drop::none, "taken");
    if (view.message != 0) {
        RC_ASSERT(view.message + kHeaderBytesMin <= first);
        RC_ASSERT(frame_end(view) <= frame.size());
    }
    if (result.drop == Drop::none && view.kind != FrameKind::neighbour) {
        RC_ASSERT(view.message != 0);
        RC_ASSERT(std::size_t{view.message} + view.header_bytes <= first);
        RC_ASSERT(!rules.verify_checksum || !result.checksum_pending || frame_end(view) > first);
    }
}

RC_GTEST_PROP(frame, an_answer_is_never_larger_and_always_sound, ()) {
    FrameSpec spec = any_spec();
    spec.type = *rc::gen::element(Type::message, Type::heartbeat, Type::query, Type::ack);
    if (spec.type != Type::message) {
        spec.destination = kRouterId;
        spec.addressing_strategy = 0;
    }
    spec.flags = *rc::gen::element<std::uint16_t>(0, flag::want_error, flag::relayed);
    spec.hop_limit = in_range(0, 3);
    Bytes frame = build(spec);
    FrameView view;
    const PortRules rules = *rc::gen::arbitrary<bool>() ? edge_rules() : fabric_rules();
    const ParseResult result = parse_exactly(frame, frame.size(), rules, view);
    RC_CLASSIFY(result.drop != Drop::none, "dropped");
    RC_PRE(view.message != 0);
    const OuterSource to = outer_source(frame.data(), view);
    const auto tlvs = *rc::gen::arbitrary<Bytes>();
    const std::size_t before = frame_end(view);
    const std::size_t bytes = answer_in_place(frame, view, Type::error, ErrorCode::malformed, tlvs);
    RC_ASSERT(bytes <= before);
    frame.resize(bytes);

    // The sender would take it, were it a router (agents are no concern of parse_frame()).
    const bool to_router = (frame[message_offset(frame) + 9] & flag::relayed) != 0;
    frame[message_offset(frame) + 9] |= flag::relayed;
    seal(frame);
    PortRules sender = fabric_rules();
    sender.mac = to.mac;
    sender.udp_port = to_router ? rules.udp_port : to.udp_port;
    sender.ipv4[0] = sender.ipv6[0] = to.ip;
    const Parsed there = parse(frame, sender);
    RC_ASSERT(there.drop == Drop::none);
    RC_ASSERT(frame_end(there.view) == bytes);
}
