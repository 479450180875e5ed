// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "routing/frame.h"
#include "tests/support/drop_text.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

namespace {

using Change = void (*)(FrameSpec&);

Drop verdict(const FrameSpec& spec, const PortRules& rules = edge_rules()) {
    return parse(build(spec), rules).drop;
}

Drop verdict(Change change) {
    FrameSpec spec;
    change(spec);
    return verdict(spec);
}

// The verdict on a valid frame whose byte at `at` was changed, with the checksums put right again.
Drop after_byte(FrameBytes frame, std::size_t at, std::uint8_t value) {
    frame.at(at) = value;
    seal(frame);
    return parse(frame).drop;
}

}  // namespace

TEST(parse, a_plain_message_gives_its_offsets) {
    FrameSpec spec;
    spec.payload = {1, 2, 3};
    const Parsed parsed = parse(build(spec));
    ASSERT_EQ(parsed.drop, Drop::none);
    EXPECT_FALSE(parsed.checksum_pending);
    EXPECT_EQ(parsed.view.kind, FrameKind::message);
    EXPECT_EQ(parsed.view.family, Family::ipv4);
    EXPECT_EQ(parsed.view.l3, 14);
    EXPECT_EQ(parsed.view.l4, 34);
    EXPECT_EQ(parsed.view.message, 42);
    EXPECT_EQ(parsed.view.header_bytes, 64);
    EXPECT_EQ(parsed.view.payload_bytes, 3);
    EXPECT_EQ(frame_end(parsed.view), build(spec).size());
}

TEST(parse, ipv6_tag_options_and_tlvs_move_the_offsets) {
    FrameSpec spec = ipv6_spec();
    spec.tag = 0;
    spec.tlvs = {1, 3, 'a', 'b', 'c'};
    const Parsed six = parse(build(spec));
    ASSERT_EQ(six.drop, Drop::none);
    EXPECT_EQ(six.view.family, Family::ipv6);
    EXPECT_EQ(six.view.l3, 18);
    EXPECT_EQ(six.view.l4, 58);
    EXPECT_EQ(six.view.message, 66);
    EXPECT_EQ(six.view.header_bytes, 80);
    EXPECT_EQ(six.view.payload_bytes, 0);

    FrameSpec options;
    options.ipv4_options = std::vector<std::uint8_t>(40, 1);
    const Parsed four = parse(build(options));
    ASSERT_EQ(four.drop, Drop::none);
    EXPECT_EQ(four.view.l4, 74);
}

TEST(parse, ethernet_padding_is_no_part_of_the_frame) {
    FrameSpec spec;
    spec.ethernet_padding = 7;
    const FrameBytes frame = build(spec);
    const Parsed parsed = parse(frame);
    ASSERT_EQ(parsed.drop, Drop::none);
    EXPECT_EQ(frame_end(parsed.view), frame.size() - 7);
}

TEST(parse, every_shorter_frame_is_too_short) {
    for (FrameSpec spec : {FrameSpec{}, ipv6_spec()}) {
        spec.tag = 0;
        spec.payload = {1, 2, 3, 4};
        const FrameBytes frame = build(spec);
        for (std::size_t size = 0; size < frame.size(); ++size) {
            FrameBytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_EQ(parse(cut).drop, Drop::too_short) << size;
        }
    }
}

TEST(parse, headers_must_lie_in_the_first_segment) {
    for (FrameSpec spec : {FrameSpec{}, ipv6_spec()}) {
        spec.tlvs = {1, 3, 'a', 'b', 'c'};
        spec.payload = {1, 2, 3, 4};
        const FrameBytes frame = build(spec);
        for (std::size_t first = 0; first <= frame.size(); ++first) {
            FrameView view;
            const ParseResult result = parse_frame(std::span(frame).first(first),
                                                   static_cast<std::uint32_t>(frame.size()),
                                                   edge_rules(),
                                                   ChecksumHint::unknown,
                                                   view);
            const bool headers_there = first + 4 >= frame.size();
            EXPECT_EQ(result.drop, headers_there ? Drop::none : Drop::segmented) << first;
            EXPECT_EQ(result.checksum_pending, headers_there && first < frame.size()) << first;
        }
    }
}

TEST(parse, a_chained_frame_that_is_dropped_is_not_answerable_unverified) {
    FrameSpec spec;
    spec.hop_limit = 0;
    spec.payload = {1, 2, 3, 4};
    const FrameBytes frame = build(spec);
    FrameView view;
    const ParseResult result = parse_frame(std::span(frame).first(frame.size() - 1),
                                           static_cast<std::uint32_t>(frame.size()),
                                           edge_rules(),
                                           ChecksumHint::unknown,
                                           view);
    EXPECT_EQ(result.drop, Drop::hop_limit);
    EXPECT_EQ(view.message, 0);
    EXPECT_NE(parse(frame).view.message, 0);
}

TEST(parse, only_the_ports_mac_is_taken_unless_told_otherwise) {
    FrameSpec spec;
    spec.destination_mac = mac(77);
    EXPECT_EQ(verdict(spec), Drop::wrong_mac);
    PortRules any = edge_rules();
    any.accept_any_mac = true;
    EXPECT_EQ(verdict(spec, any), Drop::none);
    spec.destination_mac = *Mac::from_text("ff:ff:ff:ff:ff:ff");
    EXPECT_EQ(verdict(spec), Drop::wrong_mac);
    EXPECT_EQ(verdict(spec, any), Drop::wrong_mac);
}

TEST(parse, a_sender_with_a_group_mac_is_refused) {
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.source_mac.bytes[0] |= 1; }), Drop::wrong_mac);
}

TEST(parse, the_tag_must_be_the_ports_vlan) {
    PortRules tagged = edge_rules();
    tagged.vlan = 100;
    FrameSpec spec;
    EXPECT_EQ(verdict(spec, tagged), Drop::wrong_vlan);
    spec.tag = 100;
    EXPECT_EQ(verdict(spec, tagged), Drop::none);
    EXPECT_EQ(verdict(spec), Drop::wrong_vlan);
    spec.tag = 101;
    EXPECT_EQ(verdict(spec, tagged), Drop::wrong_vlan);
    spec.tag = 0;
    EXPECT_EQ(verdict(spec, tagged), Drop::wrong_vlan);
    EXPECT_EQ(verdict(spec), Drop::none);
    spec.tag = 0xe000 | 100;  // the priority bits do not matter
    EXPECT_EQ(verdict(spec, tagged), Drop::none);
}

TEST(parse, other_ethertypes_and_second_tags_are_refused) {
    FrameSpec tagged;
    tagged.tag = 0;
    for (const std::uint16_t ethertype : {0x8100, 0x88a8, 0x88cc, 0x0026, 0x8847}) {
        FrameBytes frame = build(tagged);
        frame[16] = static_cast<std::uint8_t>(ethertype >> 8);
        frame[17] = static_cast<std::uint8_t>(ethertype);
        EXPECT_EQ(parse(frame).drop, Drop::bad_ethertype);
    }
}

TEST(parse, unsound_ipv4_headers_are_refused) {
    const FrameBytes good = build(FrameSpec{});
    EXPECT_EQ(after_byte(good, 14, 0x44), Drop::bad_ip_header);  // 16 bytes
    EXPECT_EQ(after_byte(good, 14, 0x65), Drop::bad_ip_header);
    FrameBytes total = good;
    total[16] = 0;
    total[17] = 19;
    EXPECT_EQ(parse(total).drop, Drop::bad_ip_header);
    FrameBytes sum = good;
    sum[24] ^= 1;
    EXPECT_EQ(parse(sum).drop, Drop::bad_ip_header);
    FrameSpec options;
    options.ipv4_options = {1, 1, 1, 0};
    FrameBytes option = build(options);
    option[34] = 7;
    EXPECT_EQ(parse(option).drop, Drop::bad_ip_header);
}

TEST(parse, fragments_are_refused_and_dont_fragment_is_fine) {
    const FrameBytes good = build(FrameSpec{});
    EXPECT_EQ(after_byte(good, 20, 0x20), Drop::ip_fragment);  // more fragments
    EXPECT_EQ(after_byte(good, 20, 0x1f), Drop::ip_fragment);  // offset
    EXPECT_EQ(after_byte(good, 21, 0x01), Drop::ip_fragment);
    EXPECT_EQ(after_byte(good, 20, 0x00), Drop::none);
}

TEST(parse, ipv6_extension_headers_are_refused_by_name) {
    const FrameBytes good = build(ipv6_spec());
    for (const std::uint8_t next : {0, 43, 44, 50, 51, 60, 135, 139, 140}) {
        FrameBytes frame = good;
        frame[20] = next;
        EXPECT_EQ(parse(frame).drop, Drop::ip_extension) << int{next};
    }
    FrameBytes none = good;
    none[20] = 59;
    EXPECT_EQ(parse(none).drop, Drop::wrong_protocol);
    FrameBytes version = good;
    version[14] = 0x40;
    EXPECT_EQ(parse(version).drop, Drop::bad_ip_header);
}

TEST(parse, only_the_ports_addresses_are_taken) {
    FrameSpec four;
    four.destination_ip = ipv4(2);
    EXPECT_EQ(verdict(four), Drop::wrong_address);
    FrameSpec six = ipv6_spec();
    six.destination_ip = ipv6(2);
    EXPECT_EQ(verdict(six), Drop::wrong_address);
    PortRules rules = edge_rules();
    rules.ipv4_count = kPortAddressesMax;
    rules.ipv4[kPortAddressesMax - 1] = ipv4(2);
    rules.ipv6_count = kPortAddressesMax;
    rules.ipv6[kPortAddressesMax - 1] = ipv6(2);
    EXPECT_EQ(verdict(four, rules), Drop::none);
    EXPECT_EQ(verdict(six, rules), Drop::none);
}

TEST(parse, senders_that_are_no_hosts_are_refused) {
    for (const char* text : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"}) {
        FrameSpec spec;
        spec.source_ip = ip(text);
        EXPECT_EQ(verdict(spec), Drop::bad_ip_header) << text;
    }
    for (const char* text : {"::", "::1", "::ffff:10.0.0.9", "ff02::1"}) {
        FrameSpec spec = ipv6_spec();
        spec.source_ip = ip(text);
        EXPECT_EQ(verdict(spec), Drop::bad_ip_header) << text;
    }
}

TEST(parse, protocols_and_ports_other_than_ours_are_refused) {
    EXPECT_EQ(after_byte(build(FrameSpec{}), 23, 6), Drop::wrong_protocol);
    FrameBytes six = build(ipv6_spec());
    six[20] = 6;
    EXPECT_EQ(parse(six).drop, Drop::wrong_protocol);
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.destination_port = 4748; }), Drop::wrong_udp_port);
    PortRules rules = edge_rules();
    rules.udp_port = 4748;
    FrameSpec spec;
    EXPECT_EQ(verdict(spec, rules), Drop::wrong_udp_port);
    spec.destination_port = 4748;
    EXPECT_EQ(verdict(spec, rules), Drop::none);
}

TEST(parse, the_udp_length_must_be_the_ip_payloads) {
    for (const FrameSpec& spec : {FrameSpec{}, ipv6_spec()}) {
        FrameBytes frame = build(spec);
        const std::size_t at = udp_offset(frame) + 5;
        for (const std::uint8_t length : {71, 73, 7, 0}) {
            frame[at] = length;
            EXPECT_EQ(parse(frame).drop, Drop::bad_udp_length) << int{length};
        }
    }
    FrameBytes six = build(ipv6_spec());
    six[19] = 7;  // IPv6 payload length: no room for a UDP header
    EXPECT_EQ(parse(six).drop, Drop::bad_udp_length);
}

TEST(parse, udp_checksums_are_verified_where_present_and_demanded_over_ipv6) {
    for (FrameSpec spec : {FrameSpec{}, ipv6_spec()}) {
        spec.payload = {1, 2, 3};
        const FrameBytes good = build(spec);
        for (std::size_t at = udp_offset(good) + 6; at < good.size(); ++at) {
            FrameBytes frame = good;
            frame[at] ^= 0x10;
            EXPECT_EQ(parse(frame).drop, Drop::bad_checksum) << at;
            EXPECT_EQ(parse(frame).view.message, 0);
        }
        spec.udp_checksum = false;
        EXPECT_EQ(verdict(spec),
                  spec.source_ip.family == Family::ipv4 ? Drop::none : Drop::bad_checksum);
    }
}

TEST(parse, the_ports_word_on_checksums_replaces_our_own_sum) {
    FrameBytes good = build(FrameSpec{});
    FrameBytes bad = good;
    bad.back() ^= 1;
    FrameView view;
    const auto with = [&](const FrameBytes& frame, ChecksumHint hint, bool verify) {
        PortRules rules = edge_rules();
        rules.verify_checksum = verify;
        return parse_frame(frame, static_cast<std::uint32_t>(frame.size()), rules, hint, view).drop;
    };
    EXPECT_EQ(with(bad, ChecksumHint::good, true), Drop::none);
    EXPECT_EQ(with(good, ChecksumHint::bad, true), Drop::bad_checksum);
    EXPECT_EQ(with(bad, ChecksumHint::unknown, true), Drop::bad_checksum);
    EXPECT_EQ(with(bad, ChecksumHint::unknown, false), Drop::none);
}

TEST(parse, lengths_that_disagree_with_udp_are_refused) {
    const FrameBytes good = build(FrameSpec{});
    const std::size_t at = message_offset(good);
    EXPECT_EQ(after_byte(good, at + 2, 0x13), Drop::bad_length);  // header of 48 bytes
    EXPECT_EQ(after_byte(good, at + 2, 0x10), Drop::bad_length);
    EXPECT_EQ(after_byte(good, at + 2, 0x15), Drop::bad_length);  // header longer than UDP
    EXPECT_EQ(after_byte(good, at + 11, 1), Drop::bad_length);    // payload longer than UDP
    FrameSpec spec;
    spec.payload = {1, 2};
    EXPECT_EQ(after_byte(build(spec), at + 11, 1), Drop::bad_length);  // and shorter
    FrameBytes runt(good.begin(), good.end() - 1);
    runt[17] = 91;
    runt[39] = 71;
    seal(runt);
    EXPECT_EQ(parse(runt).drop, Drop::bad_length);
}

TEST(parse, magic_and_version_are_checked_before_the_rest) {
    const FrameBytes good = build(FrameSpec{});
    const std::size_t at = message_offset(good);
    EXPECT_EQ(after_byte(good, at, 0x51), Drop::bad_magic);
    EXPECT_EQ(after_byte(good, at + 1, 0), Drop::bad_magic);
    EXPECT_EQ(after_byte(good, at + 2, 0x24), Drop::bad_version);
    EXPECT_EQ(after_byte(good, at + 2, 0x04), Drop::bad_version);
    EXPECT_EQ(after_byte(good, at + 2, 0x2f), Drop::bad_version);  // its length is not read
}

TEST(parse, each_port_role_takes_its_own_types) {
    for (unsigned type = 0; type < 256; ++type) {
        FrameSpec spec = control_spec(static_cast<Type>(type));
        if (type == 1 || type == 22) {
            spec.destination = agent(2);
        }
        const bool edge = type == 1 || (type >= 16 && type <= 19);
        EXPECT_EQ(verdict(spec), edge ? Drop::none : Drop::bad_type) << type;
        spec.flags = flag::relayed;
        const bool fabric = type == 1 || type == 22;
        EXPECT_EQ(verdict(spec, fabric_rules()), fabric ? Drop::none : Drop::bad_type) << type;
    }
}

TEST(parse, the_type_gives_the_kind) {
    EXPECT_EQ(parse(build(control_spec(Type::register_agent))).view.kind, FrameKind::control);
    EXPECT_EQ(parse(build(control_spec(Type::deregister))).view.kind, FrameKind::control);
    EXPECT_EQ(parse(build(control_spec(Type::heartbeat))).view.kind, FrameKind::heartbeat);
    FrameSpec error;
    error.type = Type::error;
    error.source = kRouterId;
    error.flags = flag::relayed;
    EXPECT_EQ(parse(build(error), fabric_rules()).view.kind, FrameKind::message);
    EXPECT_EQ(parse(build(error), fabric_rules()).drop, Drop::none);
}

TEST(parse, ids_that_name_nobody_are_refused) {
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.destination = {}; }), Drop::bad_agent_id);
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.source = {}; }), Drop::bad_agent_id);
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.source = spec.destination; }), Drop::bad_agent_id);
    // Nobody speaks for the router but routers, and they only in errors.
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.source = kRouterId; }), Drop::bad_agent_id);
}

TEST(parse, addressing_and_strategy_must_be_known) {
    for (unsigned value = 0; value < 256; ++value) {
        FrameSpec spec;
        spec.addressing_strategy = static_cast<std::uint8_t>(value);
        const bool known = (value & 15) <= 2 && value >> 4 <= 3;
        EXPECT_EQ(verdict(spec), known ? Drop::none : Drop::bad_addressing) << value;
    }
}

TEST(parse, control_frames_are_addressed_to_the_router) {
    for (const Type type : {Type::register_agent, Type::heartbeat, Type::deregister}) {
        FrameSpec spec = control_spec(type);
        EXPECT_EQ(verdict(spec), Drop::none);
        spec.addressing_strategy = 1;
        EXPECT_EQ(verdict(spec), Drop::bad_addressing);
        spec.addressing_strategy = 0;
        spec.destination = agent(2);
        EXPECT_EQ(verdict(spec), Drop::bad_addressing);
    }
}

TEST(parse, tlvs_must_end_within_the_header) {
    FrameSpec spec;
    spec.tlvs = {200, 14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};  // unknown, skipped
    EXPECT_EQ(verdict(spec), Drop::none);
    spec.tlvs[1] = 15;
    EXPECT_EQ(verdict(spec), Drop::bad_tlv);
    spec.tlvs = std::vector<std::uint8_t>(176, 0);
    spec.tlvs[0] = 3;
    spec.tlvs[1] = 173;
    spec.tlvs[175] = 9;  // a type without a length
    EXPECT_EQ(verdict(spec), Drop::bad_tlv);
    spec.tlvs[1] = 174;
    EXPECT_EQ(verdict(spec), Drop::none);
    EXPECT_EQ(parse(build(spec)).view.header_bytes, 240);
}

TEST(parse, relayed_frames_come_over_the_fabric_and_no_others_do) {
    FrameSpec spec;
    EXPECT_EQ(verdict(spec, fabric_rules()), Drop::bad_flags);
    spec.flags = flag::redirected;
    EXPECT_EQ(verdict(spec), Drop::bad_flags);
    EXPECT_EQ(verdict(spec, fabric_rules()), Drop::bad_flags);
    spec.flags = flag::relayed;
    EXPECT_EQ(verdict(spec), Drop::bad_flags);
    EXPECT_EQ(verdict(spec, fabric_rules()), Drop::none);
    spec.flags = flag::relayed | flag::redirected;
    EXPECT_EQ(verdict(spec, fabric_rules()), Drop::none);
    spec.flags = 0xfff0 | flag::want_error | flag::trace;  // unknown bits are no reason
    EXPECT_EQ(verdict(spec), Drop::none);
}

TEST(parse, a_spent_hop_limit_is_refused_last) {
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.hop_limit = 0; }), Drop::hop_limit);
    EXPECT_EQ(verdict([](FrameSpec& spec) { spec.hop_limit = 1; }), Drop::none);
    EXPECT_EQ(verdict([](FrameSpec& spec) {
                  spec.hop_limit = 0;
                  spec.flags = flag::relayed;
              }),
              Drop::bad_flags);
}

TEST(parse, of_several_faults_the_first_in_the_list_of_drops_is_named) {
    FrameSpec spec;
    const std::pair<Drop, Change> faults[] = {
        {Drop::hop_limit, [](FrameSpec& s) { s.hop_limit = 0; }},
        {Drop::bad_flags, [](FrameSpec& s) { s.flags = flag::relayed; }},
        {Drop::bad_tlv,
         [](FrameSpec& s) {
             s.tlvs = {9, 200};
         }},
        {Drop::bad_addressing, [](FrameSpec& s) { s.addressing_strategy = 9; }},
        {Drop::bad_agent_id, [](FrameSpec& s) { s.source = {}; }},
        {Drop::bad_type, [](FrameSpec& s) { s.type = Type::hello; }},
        {Drop::wrong_udp_port, [](FrameSpec& s) { s.destination_port = 53; }},
        {Drop::wrong_address, [](FrameSpec& s) { s.destination_ip = ipv4(3); }},
        {Drop::wrong_vlan, [](FrameSpec& s) { s.tag = 7; }},
        {Drop::wrong_mac, [](FrameSpec& s) { s.destination_mac = mac(3); }},
    };
    for (const auto& [drop, add] : faults) {
        add(spec);
        EXPECT_EQ(verdict(spec), drop);
    }
}

TEST(parse, senders_of_sound_headers_may_be_answered_and_others_not) {
    const auto answerable = [](FrameSpec spec, Change change) {
        change(spec);
        const Parsed parsed = parse(build(spec));
        EXPECT_NE(parsed.drop, Drop::none);
        return parsed.view.message != 0;
    };
    EXPECT_TRUE(answerable({}, [](FrameSpec& s) { s.hop_limit = 0; }));
    EXPECT_TRUE(answerable({}, [](FrameSpec& s) { s.flags = flag::relayed; }));
    EXPECT_TRUE(answerable({}, [](FrameSpec& s) { s.tlvs = {9, 200}; }));
    EXPECT_TRUE(answerable({}, [](FrameSpec& s) { s.destination = {}; }));
    EXPECT_TRUE(answerable({}, [](FrameSpec& s) { s.type = static_cast<Type>(2); }));
    EXPECT_FALSE(answerable({}, [](FrameSpec& s) { s.source = {}; }));
    EXPECT_FALSE(answerable({}, [](FrameSpec& s) { s.source = kRouterId; }));
    EXPECT_FALSE(answerable({}, [](FrameSpec& s) { s.type = Type::error; }));
    EXPECT_FALSE(answerable({}, [](FrameSpec& s) { s.type = Type::ack; }));
    EXPECT_FALSE(answerable({}, [](FrameSpec& s) { s.destination_port = 1; }));

    FrameBytes version = build(FrameSpec{});
    version[message_offset(version) + 2] = 0x24;
    seal(version);
    EXPECT_NE(parse(version).view.message, 0);
}

TEST(parse, requests_always_want_an_error_and_messages_when_they_say_so) {
    WireHeader header{};
    const auto wants = [&](Type type, std::uint16_t flags) {
        header.type = static_cast<std::uint8_t>(type);
        header.flags = flags;
        return wants_error(header);
    };
    EXPECT_TRUE(wants(Type::register_agent, 0));
    EXPECT_TRUE(wants(Type::heartbeat, 0));
    EXPECT_TRUE(wants(Type::deregister, 0));
    EXPECT_FALSE(wants(Type::message, 0));
    EXPECT_TRUE(wants(Type::message, flag::want_error));
    EXPECT_FALSE(wants(Type::error, flag::want_error));
    EXPECT_FALSE(wants(Type::ack, flag::want_error));
}
