// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster_text.h"

#include <gtest/gtest.h>

namespace {

using namespace posthaste::controlplane;
using posthaste::routing::IpAddress;

TEST(cluster_text, addresses_are_mapped_and_shown_as_people_write_them) {
    for (const char* const text : {"10.9.0.1", "2001:db8::1"}) {
        const IpAddress address = *IpAddress::from_text(text);
        EXPECT_EQ(text_of(socket_address(address, 7'946)), text_of(address, 7'946));
    }
    EXPECT_EQ(text_of(*IpAddress::from_text("10.9.0.1"), 1), "10.9.0.1:1");
    EXPECT_EQ(text_of(*IpAddress::from_text("2001:db8::1"), 1), "[2001:db8::1]:1");
    EXPECT_EQ(socket_address(*IpAddress::from_text("10.9.0.1"), 1).ip[11], 0xff);
}

TEST(cluster_text, numbers_have_sixteen_digits) {
    EXPECT_EQ(hex_text(0), "0000000000000000");
    EXPECT_EQ(hex_text(0x1234'5678'9abc'def0), "123456789abcdef0");
}

}  // namespace
