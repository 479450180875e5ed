// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/sockets.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {
namespace {

std::string seed(std::string_view text) {
    const auto address = seed_address(text, 7946);
    return address ? text_of(*address) : address.error();
}

TEST(sockets, a_seed_is_an_address_with_or_without_a_port) {
    EXPECT_EQ(seed("10.0.0.1"), "10.0.0.1:7946");
    EXPECT_EQ(seed("10.0.0.1:99"), "10.0.0.1:99");
    EXPECT_EQ(seed("fd00::1"), "[fd00::1]:7946");
    EXPECT_EQ(seed("[fd00::1]"), "[fd00::1]:7946");
    EXPECT_EQ(seed("[fd00::1]:99"), "[fd00::1]:99");
}

TEST(sockets, anything_else_is_refused_in_one_sentence) {
    for (const char* const text : {"",
                                   "host",
                                   "10.0.0.1:",
                                   "10.0.0.1:0",
                                   "10.0.0.1:70000",
                                   "10.0.0.1:1x",
                                   "[10.0.0.1]:1",
                                   "[fd00::1]:",
                                   ":7946"}) {
        EXPECT_EQ(seed(text),
                  "'" + std::string(text) + "' is not ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.");
    }
}

TEST(sockets, an_address_comes_back_as_it_was) {
    for (const char* const text : {"10.1.2.3", "fd00::1", "::1", "::"}) {
        const auto ip = routing::IpAddress::from_text(text);
        ASSERT_TRUE(ip) << text;
        EXPECT_EQ(ip_of(socket_address(*ip, 1)), *ip) << text;
    }
}

TEST(sockets, a_port_in_use_is_an_error_that_names_the_address) {
    const SocketAddress any = seed_address("127.0.0.1", 0).value();
    const auto first = open_listener(any);
    ASSERT_TRUE(first);
    SocketAddress same = any;
    same.port = bound_port(*first);
    const auto second = open_listener(same);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find(text_of(same)), std::string::npos) << second.error();
}

}  // namespace
}  // namespace posthaste::controlplane
