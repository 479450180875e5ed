// SPDX-License-Identifier: BSD-3-Clause
// ARP, discovery and echo frames: against scapy's bytes, and against bytes nobody should send.
#include "controlplane/neighbour_frames.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/neighbour_golden.h"

namespace posthaste::controlplane {
namespace {

namespace golden = test::golden;
using golden::bytes_of;
using routing::Drop;
using routing::IpAddress;
using routing::Mac;
using Kind = NeighbourMessageKind;

const Mac kOurMac = *Mac::from_text("02:00:00:00:00:01");
const Mac kTheirMac = *Mac::from_text("02:00:00:00:00:02");
const IpAddress kOur4 = *IpAddress::from_text("10.0.0.1");
const IpAddress kTheir4 = *IpAddress::from_text("10.0.0.2");
const IpAddress kOur6 = *IpAddress::from_text("2001:db8::1");
const IpAddress kTheir6 = *IpAddress::from_text("2001:db8::2");
const LinkSide kLink{kOurMac, 0};
const LinkSide kTagged{kOurMac, 7};

constexpr std::size_t kIcmp6 = 14 + 40;  // offset of the ICMPv6 message in an untagged frame

// A plain RFC 1071 sum, written apart from the one under test.
std::uint16_t plain_checksum(const std::vector<std::uint8_t>& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

// Sets the payload length and checksum of an untagged ICMPv6 frame after it was changed.
void mend_icmp6(std::vector<std::uint8_t>& frame) {
    const std::size_t icmp_bytes = frame.size() - kIcmp6;
    frame[18] = static_cast<std::uint8_t>(icmp_bytes >> 8);
    frame[19] = static_cast<std::uint8_t>(icmp_bytes);
    frame[kIcmp6 + 2] = frame[kIcmp6 + 3] = 0;
    std::vector<std::uint8_t> covered(frame.begin() + 22, frame.begin() + 54);
    covered.insert(covered.end(), {0, 0, frame[18], frame[19], 0, 0, 0, 58});
    covered.insert(covered.end(), frame.begin() + kIcmp6, frame.end());
    const std::uint16_t checksum = plain_checksum(covered);
    frame[kIcmp6 + 2] = static_cast<std::uint8_t>(checksum >> 8);
    frame[kIcmp6 + 3] = static_cast<std::uint8_t>(checksum);
}

struct SoundCase {
    std::string_view hex;
    Kind kind;
};

constexpr SoundCase kSound[] = {
    {golden::kArpAskBroadcast, Kind::arp_request},
    {golden::kArpReplyToUs, Kind::arp_reply},
    {golden::kOurGratuitous, Kind::arp_request},
    {golden::kNsToUs, Kind::solicitation},
    {golden::kDadForUs, Kind::solicitation},
    {golden::kNaToUs, Kind::advertisement},
    {golden::kOurNaDad, Kind::advertisement},
    {golden::kEcho4, Kind::echo_request},
    {golden::kEcho4Options, Kind::echo_request},
    {golden::kEcho6, Kind::echo_request},
    {golden::kOurEcho4, Kind::ignored},
    {golden::kOurEcho6, Kind::ignored},
    {golden::kRs, Kind::ignored},
    {golden::kRa, Kind::ignored},
    {golden::kRedirect, Kind::ignored},
};

TEST(neighbour_frames, scapys_frames_are_recognised) {
    for (const SoundCase& sound : kSound) {
        const auto parsed = parse_neighbour_frame(bytes_of(sound.hex), 0);
        ASSERT_TRUE(parsed) << sound.hex << ": " << name_of(parsed.error());
        EXPECT_EQ(parsed->kind, sound.kind) << sound.hex;
    }
}

TEST(neighbour_frames, an_arp_request_gives_all_its_addresses) {
    const auto parsed = parse_neighbour_frame(bytes_of(golden::kArpAskBroadcast), 0);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->frame_source, kTheirMac);
    EXPECT_EQ(parsed->frame_destination, kBroadcastMac);
    EXPECT_EQ(parsed->source, kTheir4);
    EXPECT_EQ(parsed->target, kOur4);
    EXPECT_EQ(parsed->link_address, kTheirMac);
}

TEST(neighbour_frames, an_advertisement_gives_flags_target_and_option) {
    const auto parsed = parse_neighbour_frame(bytes_of(golden::kNaToUs), 0);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->source, kTheir6);
    EXPECT_EQ(parsed->destination, kOur6);
    EXPECT_EQ(parsed->target, kTheir6);
    EXPECT_EQ(parsed->link_address, kTheirMac);
    EXPECT_TRUE(parsed->solicited);
    EXPECT_TRUE(parsed->override_known);
}

TEST(neighbour_frames, what_is_emitted_is_what_scapy_emits) {
    const auto parsed = [](std::string_view hex) {
        static std::vector<std::uint8_t> frame;  // an echo's bytes must outlive the parse
        frame = bytes_of(hex);
        return *parse_neighbour_frame(frame, 0);
    };
    EXPECT_EQ(make_request(kLink, kOur4, kTheir4, nullptr), bytes_of(golden::kOurArpAsk));
    EXPECT_EQ(make_request(kLink, kOur4, kTheir4, &kTheirMac), bytes_of(golden::kOurArpProbe));
    EXPECT_EQ(make_request(kLink, kOur6, kTheir6, nullptr), bytes_of(golden::kOurNs));
    EXPECT_EQ(make_request(kLink, kOur6, kTheir6, &kTheirMac), bytes_of(golden::kOurNsUnicast));
    EXPECT_EQ(make_reply(kLink, kOur4, parsed(golden::kArpAskBroadcast)),
              bytes_of(golden::kOurArpReply));
    EXPECT_EQ(make_reply(kTagged, kOur4, parsed(golden::kArpAskBroadcast)),
              bytes_of(golden::kOurArpReplyVlan));
    EXPECT_EQ(make_reply(kLink, kOur6, parsed(golden::kNsToUs)), bytes_of(golden::kOurNa));
    EXPECT_EQ(make_reply(kTagged, kOur6, parsed(golden::kNsToUs)), bytes_of(golden::kOurNaVlan));
    EXPECT_EQ(make_reply(kLink, kOur6, parsed(golden::kDadForUs)), bytes_of(golden::kOurNaDad));
    EXPECT_EQ(make_announcement(kLink, kOur4), bytes_of(golden::kOurGratuitous));
    EXPECT_EQ(make_announcement(kLink, kOur6), bytes_of(golden::kOurNaDad));
    EXPECT_EQ(make_echo_reply(kLink, parsed(golden::kEcho4)), bytes_of(golden::kOurEcho4));
    EXPECT_EQ(make_echo_reply(kLink, parsed(golden::kEcho4Options)), bytes_of(golden::kOurEcho4));
    EXPECT_EQ(make_echo_reply(kLink, parsed(golden::kEcho6)), bytes_of(golden::kOurEcho6));
}

TEST(neighbour_frames, an_arp_probe_has_no_sender_address) {
    const IpAddress nobody{{}, routing::Family::ipv4};
    const auto frame = make_request(kLink, nobody, kTheir4, nullptr);
    const auto parsed = parse_neighbour_frame(frame, 0);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->kind, Kind::arp_request);
    EXPECT_EQ(parsed->source, nobody);
    EXPECT_EQ(parsed->target, kTheir4);
}

TEST(neighbour_frames, a_cut_frame_is_too_short_and_never_read_past_its_end) {
    for (const SoundCase& sound : kSound) {
        const auto whole = bytes_of(sound.hex);
        // Padding is no part of the packet: 42 bytes of ARP, 14 and the total length of IPv4.
        const bool arp = whole[12] == 0x08 && whole[13] == 0x06;
        const bool ipv4 = whole[12] == 0x08 && whole[13] == 0x00;
        const std::size_t proper = arp ? 42 : ipv4 ? 14U + whole[17] : whole.size();
        for (std::size_t length = 0; length < proper; ++length) {
            // On the heap with its exact size, so that a sanitizer sees any read behind it.
            const std::vector<std::uint8_t> cut(
                whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            const auto parsed = parse_neighbour_frame(cut, 0);
            ASSERT_FALSE(parsed) << sound.hex << " cut to " << length;
            EXPECT_EQ(parsed.error(), Drop::too_short) << sound.hex << " cut to " << length;
        }
    }
}

TEST(neighbour_frames, a_flipped_bit_in_an_icmp_message_is_noticed) {
    for (const std::string_view hex : {golden::kEcho4, golden::kEcho6, golden::kNsToUs}) {
        const auto sound = bytes_of(hex);
        const bool ipv4 = sound[12] == 0x08;
        const std::size_t begin = ipv4 ? 34 : kIcmp6;
        const std::size_t end = ipv4 ? 14U + sound[17] : sound.size();
        for (std::size_t at = begin; at < end; ++at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                auto frame = sound;
                frame[at] ^= static_cast<std::uint8_t>(1U << bit);
                const auto parsed = parse_neighbour_frame(frame, 0);
                ASSERT_FALSE(parsed) << hex << " byte " << at;
                EXPECT_EQ(parsed.error(), Drop::bad_checksum);
            }
        }
    }
}

struct VlanCase {
    const char* what;
    bool tagged;
    std::uint16_t tag;
    std::uint16_t wanted;
    bool taken;
};

TEST(neighbour_frames, the_tag_must_be_the_ports) {
    constexpr VlanCase kCases[] = {
        {"untagged on an untagged port", false, 0, 0, true},
        {"priority tag on an untagged port", true, 0xe000, 0, true},
        {"tag on an untagged port", true, 7, 0, false},
        {"tag of the port", true, 7, 7, true},
        {"tag of the port with a priority", true, 0xa007, 7, true},
        {"another tag", true, 8, 7, false},
        {"untagged on a tagged port", false, 0, 7, false},
    };
    for (const VlanCase& row : kCases) {
        auto frame = bytes_of(golden::kNsToUs);
        if (row.tagged) {
            const std::uint8_t tag[] = {0x81,
                                        0x00,
                                        static_cast<std::uint8_t>(row.tag >> 8),
                                        static_cast<std::uint8_t>(row.tag)};
            frame.insert(frame.begin() + 12, std::begin(tag), std::end(tag));
        }
        const auto parsed = parse_neighbour_frame(frame, row.wanted);
        EXPECT_EQ(parsed.has_value(), row.taken) << row.what;
        if (!parsed) {
            EXPECT_EQ(parsed.error(), Drop::wrong_vlan) << row.what;
        }
    }
}

struct PatchCase {
    const char* what;
    std::string_view hex;
    std::size_t at;
    std::uint8_t value;
    Drop why;
};

TEST(neighbour_frames, malformed_headers_have_their_reason) {
    constexpr PatchCase kCases[] = {
        {"ethertype", golden::kEcho4, 12, 0x09, Drop::bad_ethertype},
        {"group source MAC", golden::kEcho4, 6, 0x03, Drop::bad_neighbour},
        {"ARP hardware type", golden::kArpAskBroadcast, 15, 6, Drop::bad_neighbour},
        {"ARP protocol type", golden::kArpAskBroadcast, 16, 9, Drop::bad_neighbour},
        {"ARP hardware length", golden::kArpAskBroadcast, 18, 8, Drop::bad_neighbour},
        {"ARP protocol length", golden::kArpAskBroadcast, 19, 16, Drop::bad_neighbour},
        {"ARP from a group MAC", golden::kArpAskBroadcast, 22, 0x01, Drop::bad_neighbour},
        {"ARP from a multicast address", golden::kArpAskBroadcast, 28, 224, Drop::bad_neighbour},
        {"IPv4 version", golden::kEcho4, 14, 0x65, Drop::bad_ip_header},
        {"IPv4 header length", golden::kEcho4, 14, 0x44, Drop::bad_ip_header},
        {"IPv4 header checksum", golden::kEcho4, 24, 0, Drop::bad_ip_header},
        {"IPv4 longer than the frame", golden::kEcho4, 16, 1, Drop::too_short},
        {"IPv6 version", golden::kEcho6, 14, 0x40, Drop::bad_ip_header},
        {"IPv6 next header", golden::kEcho6, 20, 17, Drop::wrong_protocol},
        {"IPv6 from a group", golden::kEcho6, 22, 0xff, Drop::bad_ip_header},
        {"IPv6 longer than the frame", golden::kEcho6, 18, 1, Drop::too_short},
    };
    for (const PatchCase& row : kCases) {
        auto frame = bytes_of(row.hex);
        frame[row.at] = row.value;
        const auto parsed = parse_neighbour_frame(frame, 0);
        ASSERT_FALSE(parsed) << row.what;
        EXPECT_EQ(parsed.error(), row.why) << row.what;
    }
    const auto fragment = parse_neighbour_frame(bytes_of(golden::kFragment4), 0);
    ASSERT_FALSE(fragment);
    EXPECT_EQ(fragment.error(), Drop::ip_fragment);
}

TEST(neighbour_frames, an_arp_answer_from_nobody_is_refused) {
    auto frame = bytes_of(golden::kArpReplyToUs);
    std::fill_n(frame.begin() + 28, 4, std::uint8_t{0});
    const auto parsed = parse_neighbour_frame(frame, 0);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error(), Drop::bad_neighbour);
}

TEST(neighbour_frames, unsound_discovery_is_refused) {
    constexpr PatchCase kCases[] = {
        {"hop limit 254", golden::kNsToUs, 21, 254, Drop::bad_neighbour},
        {"hop limit 254, NA", golden::kNaToUs, 21, 254, Drop::bad_neighbour},
        {"code", golden::kNsToUs, kIcmp6 + 1, 1, Drop::bad_neighbour},
        {"multicast target", golden::kNsToUs, kIcmp6 + 8, 0xff, Drop::bad_neighbour},
        {"option of length 0", golden::kNsToUs, kIcmp6 + 25, 0, Drop::bad_neighbour},
        {"option past the end", golden::kNsToUs, kIcmp6 + 25, 2, Drop::bad_neighbour},
        {"group MAC in the option", golden::kNsToUs, kIcmp6 + 26, 1, Drop::bad_neighbour},
        {"solicited to a group", golden::kOurNaDad, kIcmp6 + 4, 0x60, Drop::bad_neighbour},
        {"duplicate detection to another group", golden::kDadForUs, 53, 9, Drop::bad_neighbour},
    };
    for (const PatchCase& row : kCases) {
        auto frame = bytes_of(row.hex);
        frame[row.at] = row.value;
        mend_icmp6(frame);
        const auto parsed = parse_neighbour_frame(frame, 0);
        ASSERT_FALSE(parsed) << row.what;
        EXPECT_EQ(parsed.error(), row.why) << row.what;
    }
    auto with_option = bytes_of(golden::kDadForUs);
    with_option.insert(with_option.end(), {1, 1, 2, 0, 0, 0, 0, 2});
    mend_icmp6(with_option);
    EXPECT_FALSE(parse_neighbour_frame(with_option, 0)) << "duplicate detection with an option";
    auto half_option = bytes_of(golden::kDadForUs);
    half_option.push_back(14);
    mend_icmp6(half_option);
    EXPECT_FALSE(parse_neighbour_frame(half_option, 0)) << "half an option";
}

TEST(neighbour_frames, unknown_options_are_skipped) {
    auto frame = bytes_of(golden::kNsToUs);
    const std::uint8_t nonce[] = {14, 1, 1, 2, 3, 4, 5, 6};
    frame.insert(frame.begin() + kIcmp6 + 24, std::begin(nonce), std::end(nonce));
    mend_icmp6(frame);
    const auto parsed = parse_neighbour_frame(frame, 0);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->link_address, kTheirMac);
}

TEST(neighbour_frames, a_jumbo_echo_comes_back_whole) {
    auto frame = bytes_of(golden::kEcho6);
    for (std::size_t i = frame.size(); i < 14 + 9000; ++i) {
        frame.push_back(static_cast<std::uint8_t>(i * 7));
    }
    mend_icmp6(frame);
    const auto parsed = parse_neighbour_frame(frame, 0);
    ASSERT_TRUE(parsed);
    const auto reply = make_echo_reply(kLink, *parsed);
    ASSERT_EQ(reply.size(), frame.size());
    EXPECT_TRUE(std::equal(reply.begin() + kIcmp6 + 4, reply.end(), frame.begin() + kIcmp6 + 4));
    const auto answer = parse_neighbour_frame(reply, 0);
    ASSERT_TRUE(answer) << "checksum";
    EXPECT_EQ(answer->kind, Kind::ignored);
}

}  // namespace
}  // namespace posthaste::controlplane
