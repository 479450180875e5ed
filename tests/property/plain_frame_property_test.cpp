// SPDX-License-Identifier: BSD-3-Clause
// The plain frame's short way gives what the long way gives: of the same frames the same view, of
// the same hop the same bytes. And plain frames do take it.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <memory>

#include "routing/plain_frame.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

template <typename T>
T any() {
    return *rc::gen::arbitrary<T>();
}

AgentId any_id() {
    AgentId id;
    for (std::uint8_t& byte : id.bytes) {
        byte = any<std::uint8_t>();
    }
    id.bytes[0] |= 1;  // not nil, and not the router's
    return id;
}

FrameSpec any_plain_spec(bool edge) {
    FrameSpec spec;
    spec.source_ip.bytes[3] = any<std::uint8_t>();
    spec.source_port = any<std::uint16_t>();
    spec.udp_checksum = any<bool>();
    spec.performative = any<std::uint8_t>();
    spec.addressing_strategy =
        static_cast<std::uint8_t>(*rc::gen::inRange(0, 3) | *rc::gen::inRange(0, 4) << 4);
    spec.priority = any<std::uint8_t>();
    spec.hop_limit = static_cast<std::uint8_t>(*rc::gen::inRange(1, 256));
    const auto flags = any<std::uint16_t>();
    spec.flags = static_cast<std::uint16_t>(edge ? flags & ~(flag::relayed | flag::redirected)
                                                 : flags | flag::relayed);
    spec.lifetime_ms = any<std::uint32_t>();
    spec.destination = any_id();
    spec.source = any_id();
    RC_PRE(spec.source != spec.destination);
    spec.conversation = any<std::uint64_t>();
    spec.message = any<std::uint64_t>();
    spec.payload.resize(*rc::gen::inRange<std::size_t>(0, 1'300));
    std::ranges::generate(spec.payload, [] { return any<std::uint8_t>(); });
    return spec;
}

PortRules rules_of(bool edge) {
    PortRules rules = edge_rules();
    rules.edge = edge;
    return rules;
}

// In a heap block of its exact size, which AddressSanitizer watches.
bool takes(const Bytes& frame, const PortRules& rules, ChecksumHint hint, FrameView& view) {
    const auto block = std::make_unique<std::uint8_t[]>(frame.size());
    std::ranges::copy(frame, block.get());
    return parse_plain({block.get(), frame.size()}, PlainRules(rules), hint, view);
}

bool same(const FrameView& a, const FrameView& b) {
    return a.kind == b.kind && a.family == b.family && a.l3 == b.l3 && a.l4 == b.l4 &&
           a.message == b.message && a.header_bytes == b.header_bytes &&
           a.payload_bytes == b.payload_bytes;
}

ChecksumHint any_hint() {
    return static_cast<ChecksumHint>(*rc::gen::inRange(0, 3));
}

}  // namespace

RC_GTEST_PROP(plain_frame, plain_frames_take_the_short_way, ()) {
    const bool edge = any<bool>();
    FrameView view;
    RC_ASSERT(takes(build(any_plain_spec(edge)), rules_of(edge), ChecksumHint::unknown, view));
}

// Up to three bytes of the headers changed, sums put right again for half of them.
RC_GTEST_PROP(plain_frame, what_the_short_way_takes_the_long_way_takes_alike, ()) {
    const bool edge = any<bool>();
    Bytes frame = build(any_plain_spec(edge));
    for (int changes = *rc::gen::inRange(0, 4); changes > 0; --changes) {
        const auto at = *rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(frame.size(), 106));
        frame[at] ^= static_cast<std::uint8_t>(1U << *rc::gen::inRange(0, 8));
    }
    PortRules rules = rules_of(any<bool>() ? edge : !edge);
    rules.verify_checksum = any<bool>();
    rules.vlan = *rc::gen::inRange(0, 10) == 0 ? 7 : 0;
    const ChecksumHint hint = any_hint();
    FrameView short_view;
    FrameView long_view;
    const bool taken = takes(frame, rules, hint, short_view);
    const ParseResult result =
        parse_frame(frame, static_cast<std::uint32_t>(frame.size()), rules, hint, long_view);
    RC_CLASSIFY(taken);
    if (taken) {
        RC_ASSERT(result.drop == Drop::none);
        RC_ASSERT(!result.checksum_pending);
        RC_ASSERT(same(short_view, long_view));
    }
}

RC_GTEST_PROP(plain_frame, cut_frames_are_not_taken, ()) {
    Bytes frame = build(any_plain_spec(true));
    frame.resize(*rc::gen::inRange<std::size_t>(0, frame.size()));
    FrameView view;
    RC_ASSERT(!takes(frame, rules_of(true), ChecksumHint::good, view));
}

RC_GTEST_PROP(plain_frame, rewritten_alike, ()) {
    Bytes frame = build(any_plain_spec(true));
    FrameView view;
    RC_ASSERT(takes(frame, rules_of(true), ChecksumHint::unknown, view));
    Hop hop = hop_to(Family::ipv4, 0);
    hop.destination_ip.bytes[3] = any<std::uint8_t>();
    hop.source_ip.bytes[3] = any<std::uint8_t>();
    hop.udp_port = any<std::uint16_t>();
    const auto flags = any<std::uint16_t>();

    Bytes expected = frame;
    const WireHeader& header = header_of(frame.data(), view);
    const HeaderChange change{
        static_cast<std::uint8_t>(header.hop_limit - 1), flags, header.lifetime_ms};
    const OldOuter old = read_outer(frame.data(), view);
    const auto message_bytes = static_cast<std::uint16_t>(view.header_bytes + view.payload_bytes);
    RC_ASSERT(rewrite_frame(expected.data(),
                            std::span(expected).subspan(kPlainMessage),
                            message_bytes,
                            old,
                            hop,
                            change));

    const PlainTarget target{
        .mac = hop.destination_mac.bytes.data(),
        .ip = outer::load<std::uint32_t>(hop.destination_ip.bytes.data()),
        .udp_port = __builtin_bswap16(hop.udp_port),
    };
    rewrite_plain(frame.data(), PlainSource(hop.source_mac, hop.source_ip), target, flags);
    RC_ASSERT(frame == expected);
}
