// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "routing/frame.h"
#include "tests/support/frame_builder.h"

using namespace posthaste::routing;
using namespace posthaste::test;

TEST(checksum, the_example_of_rfc_1071_sums_up) {
    const std::array<std::uint8_t, 8> bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    EXPECT_EQ(fold_checksum(ones_sum(bytes)), 0xffff & ~0xddf2);
}

TEST(checksum, every_length_and_alignment_agrees_with_the_plain_way) {
    FrameBytes bytes(600);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{101});
    for (std::size_t start = 0; start < 9; ++start) {
        for (std::size_t size = 0; size + start < bytes.size(); ++size) {
            const auto part = std::span(bytes).subspan(start, size);
            ASSERT_EQ(fold_checksum(ones_sum(part)),
                      plain_checksum(FrameBytes(part.begin(), part.end())))
                << start << "+" << size;
        }
    }
}

TEST(checksum, carries_are_not_lost) {
    const FrameBytes ones(65535, 0xff);
    EXPECT_EQ(fold_checksum(ones_sum(ones)), plain_checksum(ones));
    EXPECT_EQ(fold_checksum(~std::uint64_t{0}), 0);
    EXPECT_EQ(fold_checksum(0xffff'ffff'0000'0001U), 0xffff & ~1);
}

TEST(checksum, pieces_may_be_split_at_odd_offsets) {
    FrameBytes bytes(101);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{33});
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        const auto all = std::span(bytes);
        const std::uint64_t sum =
            ones_sum(all.subspan(cut), ones_sum(all.first(cut)), cut % 2 == 1);
        EXPECT_EQ(fold_checksum(sum), plain_checksum(bytes)) << cut;
    }
}

TEST(checksum, a_datagram_in_pieces_is_verified_with_its_pseudo_header) {
    for (FrameSpec spec : {FrameSpec{}, ipv6_spec()}) {
        spec.payload = {1, 2, 3};
        FrameBytes frame = build(spec);
        const FrameView view = parse(frame).view;
        const auto udp_bytes = static_cast<std::uint16_t>(frame.size() - view.l4);
        EXPECT_TRUE(udp_checksum_holds(frame.data(), view, udp_bytes));
        const auto datagram = std::span(frame).subspan(view.l4);
        std::uint64_t sum = pseudo_sum(frame.data(), view, udp_bytes);
        sum = ones_sum(datagram.first(73), sum);
        sum = ones_sum(datagram.subspan(73), sum, true);
        EXPECT_EQ(fold_checksum(sum), 0);
        frame.back() ^= 4;
        EXPECT_FALSE(udp_checksum_holds(frame.data(), view, udp_bytes));
    }
}
