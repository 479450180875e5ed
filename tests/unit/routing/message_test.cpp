// SPDX-License-Identifier: BSD-3-Clause
#include "routing/message.h"

#include <gtest/gtest.h>

#include <vector>

using namespace posthaste::routing;

TEST(message, fields_lie_where_the_wire_format_puts_them) {
    WireHeader header{};
    header.magic = kMagic;
    header.version_length = 0x14;
    header.flags = flag::relayed | flag::want_error;
    header.payload_length = 0x0102;
    header.lifetime_ms = 0x01020304;
    header.conversation = 0x1122334455667788;
    std::vector<std::uint8_t> bytes(sizeof header);
    std::memcpy(bytes.data(), &header, sizeof header);
    EXPECT_EQ(bytes[0], 0x50);
    EXPECT_EQ(bytes[1], 0x48);
    EXPECT_EQ(bytes[8], 0);
    EXPECT_EQ(bytes[9], 5);
    EXPECT_EQ(bytes[10], 1);
    EXPECT_EQ(bytes[11], 2);
    EXPECT_EQ(bytes[12], 1);
    EXPECT_EQ(bytes[15], 4);
    EXPECT_EQ(bytes[48], 0x11);
    EXPECT_EQ(bytes[55], 0x88);
    EXPECT_EQ(header.version(), 1);
    EXPECT_EQ(header.header_bytes(), 64U);
}

TEST(message, tlvs_round_trip_and_padding_ends_the_list) {
    std::array<std::uint8_t, 32> buffer{};
    TlvWriter writer(buffer);
    writer.put(Tlv::capability_name, "vision");
    writer.put_u32(Tlv::lease_ms, 5000);
    ASSERT_TRUE(writer.ok());
    TlvReader reader(buffer);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.type(), 1);
    EXPECT_EQ(reader.value().size(), 6U);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.type(), 33);
    EXPECT_EQ(reader.value().size(), 4U);
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.ok());
}

TEST(message, a_tlv_running_past_the_end_makes_the_list_unsound) {
    for (const std::vector<std::uint8_t>& bytes :
         {std::vector<std::uint8_t>{1}, {1, 1}, {1, 2, 0}, {9, 255, 0, 0}}) {
        TlvReader reader(bytes);
        EXPECT_FALSE(reader.next());
        EXPECT_FALSE(reader.ok());
    }
}

TEST(message, a_tlv_that_does_not_fit_writes_nothing) {
    std::array<std::uint8_t, 4> buffer{};
    TlvWriter writer(buffer);
    writer.put(Tlv::agent_name, "abc");
    EXPECT_FALSE(writer.ok());
    EXPECT_EQ(writer.size(), 0U);
    EXPECT_EQ(buffer, (std::array<std::uint8_t, 4>{}));
}
