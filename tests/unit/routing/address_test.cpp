// SPDX-License-Identifier: BSD-3-Clause
#include "routing/address.h"

#include <gtest/gtest.h>

#include <unordered_set>

using namespace posthaste::routing;

namespace {

IpAddress ip(std::string_view text) {
    return IpAddress::from_text(text).value();
}

Prefix prefix(std::string_view text) {
    return Prefix::from_text(text).value();
}

}  // namespace

TEST(address, macs_are_read_in_either_case_and_written_in_lower_case) {
    const auto mac = Mac::from_text("02:Ab:cD:00:9f:FF");
    ASSERT_TRUE(mac);
    EXPECT_EQ(mac->bytes, (std::array<std::uint8_t, 6>{0x02, 0xab, 0xcd, 0x00, 0x9f, 0xff}));
    EXPECT_EQ(mac->to_text(), "02:ab:cd:00:9f:ff");
}

TEST(address, macs_of_another_shape_are_refused) {
    for (const std::string_view text : {"",
                                        "02:ab:cd:00:9f",
                                        "02:ab:cd:00:9f:ff:",
                                        "02-ab-cd-00-9f-ff",
                                        "02:ab:cd:00:9f:fg",
                                        "2:ab:cd:00:9f:ff0",
                                        "02:ab:cd:00:9f:f "}) {
        EXPECT_FALSE(Mac::from_text(text)) << text;
    }
}

TEST(address, the_lowest_bit_of_the_first_byte_makes_a_group_mac) {
    EXPECT_TRUE(Mac::from_text("ff:ff:ff:ff:ff:ff")->is_group());
    EXPECT_TRUE(Mac::from_text("01:00:5e:00:00:01")->is_group());
    EXPECT_FALSE(Mac::from_text("02:00:00:00:00:01")->is_group());
    EXPECT_TRUE(Mac{}.is_zero());
}

TEST(address, ipv4_uses_four_bytes_and_leaves_the_rest_zero) {
    const IpAddress address = ip("10.1.2.3");
    EXPECT_EQ(address.family, Family::ipv4);
    EXPECT_EQ(address.size(), 4U);
    EXPECT_EQ(address.bytes, (std::array<std::uint8_t, 16>{10, 1, 2, 3}));
    EXPECT_EQ(address.to_text(), "10.1.2.3");
}

TEST(address, ipv6_is_written_in_its_shortest_form) {
    EXPECT_EQ(ip("2001:DB8:0:0:0:0:0:1").to_text(), "2001:db8::1");
    EXPECT_EQ(ip("::").family, Family::ipv6);
    EXPECT_EQ(ip("fe80::1").size(), 16U);
    EXPECT_EQ(ip("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255").to_text(),
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(address, what_is_not_an_address_is_refused) {
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv,
          "10.0.0"sv,
          "10.0.0.256"sv,
          "10.0.0.1 "sv,
          "010.0.0.1"sv,
          "10.0.0.1\0"sv,
          "1::2::3"sv,
          "fe80::1%eth0"sv,
          "host"sv,
          "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"sv}) {
        EXPECT_FALSE(IpAddress::from_text(text)) << text;
    }
    EXPECT_EQ(IpAddress{}.to_text(), "none");
}

TEST(address, only_addresses_of_one_reachable_host_are_unicast_hosts) {
    for (const std::string_view text : {"10.0.0.1", "223.255.255.255", "fe80::1", "2001:db8::"}) {
        EXPECT_TRUE(ip(text).is_unicast_host()) << text;
    }
    for (const std::string_view text : {"0.0.0.0",
                                        "127.0.0.1",
                                        "224.0.0.1",
                                        "255.255.255.255",
                                        "::",
                                        "::1",
                                        "ff02::1",
                                        "::ffff:10.0.0.1"}) {
        EXPECT_FALSE(ip(text).is_unicast_host()) << text;
    }
    EXPECT_FALSE(IpAddress{}.is_unicast_host());
}

TEST(address, a_prefix_contains_what_agrees_in_its_bits) {
    EXPECT_TRUE(prefix("10.0.0.1/24").contains(ip("10.0.0.255")));
    EXPECT_FALSE(prefix("10.0.0.1/24").contains(ip("10.0.1.0")));
    EXPECT_TRUE(prefix("10.0.0.130/25").contains(ip("10.0.0.128")));
    EXPECT_FALSE(prefix("10.0.0.130/25").contains(ip("10.0.0.127")));
    EXPECT_TRUE(prefix("10.0.0.1/0").contains(ip("192.168.0.1")));
    EXPECT_TRUE(prefix("10.0.0.1/32").contains(ip("10.0.0.1")));
    EXPECT_FALSE(prefix("10.0.0.1/32").contains(ip("10.0.0.0")));
    EXPECT_TRUE(prefix("2001:db8::1/126").contains(ip("2001:db8::3")));
    EXPECT_FALSE(prefix("2001:db8::1/126").contains(ip("2001:db8::4")));
    EXPECT_TRUE(prefix("2001:db8::1/128").contains(ip("2001:db8::1")));
}

TEST(address, a_prefix_never_contains_the_other_family) {
    EXPECT_FALSE(prefix("0.0.0.0/0").contains(ip("::1")));
    EXPECT_FALSE(prefix("::/0").contains(ip("10.0.0.1")));
    EXPECT_FALSE(Prefix{}.contains(IpAddress{}));
}

TEST(address, prefixes_keep_the_host_part) {
    EXPECT_EQ(prefix("10.0.0.1/24").to_text(), "10.0.0.1/24");
    EXPECT_EQ(prefix("fd00::2/64").to_text(), "fd00::2/64");
}

TEST(address, prefixes_need_a_plain_length_that_fits_the_family) {
    for (const std::string_view text : {"10.0.0.1",
                                        "10.0.0.1/",
                                        "10.0.0.1/33",
                                        "10.0.0.1/-1",
                                        "10.0.0.1/+1",
                                        "10.0.0.1/024",
                                        "10.0.0.1/24 ",
                                        "::/129",
                                        "/24",
                                        "10.0.0.1/4294967297"}) {
        EXPECT_FALSE(Prefix::from_text(text)) << text;
    }
}

TEST(address, hashes_of_neighbouring_addresses_differ) {
    std::unordered_set<std::size_t> hashes;
    for (unsigned i = 0; i < 256; ++i) {
        IpAddress four = ip("10.0.0.0");
        four.bytes[3] = static_cast<std::uint8_t>(i);
        IpAddress six = ip("2001:db8::");
        six.bytes[15] = static_cast<std::uint8_t>(i);
        hashes.insert(IpAddressHash{}(four));
        hashes.insert(IpAddressHash{}(six));
    }
    EXPECT_EQ(hashes.size(), 512U);
}
