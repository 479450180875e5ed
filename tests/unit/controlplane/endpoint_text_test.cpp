// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/endpoint_text.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {
namespace {

struct EndpointCase {
    const char* text;
    const char* address;  // null: refused
    std::optional<std::uint16_t> port;
};

TEST(endpoint_text, is_read_strictly) {
    const EndpointCase cases[] = {
        {"10.0.0.1", "10.0.0.1", std::nullopt},
        {"10.0.0.1:1", "10.0.0.1", 1},
        {"10.0.0.1:65535", "10.0.0.1", 65535},
        {"2001:db8::1", "2001:db8::1", std::nullopt},
        {"[2001:db8::1]", "2001:db8::1", std::nullopt},
        {"[2001:db8::1]:4747", "2001:db8::1", 4747},
        {"10.0.0.1:", nullptr, {}},
        {"10.0.0.1:0", nullptr, {}},
        {"10.0.0.1:65536", nullptr, {}},
        {"10.0.0.1:4747 ", nullptr, {}},
        {"[10.0.0.1]:4747", nullptr, {}},
        {"[2001:db8::1]x:1", nullptr, {}},
        {"[2001:db8::1", nullptr, {}},
        {"[2001:db8::1]1", nullptr, {}},
        {"[2001:db8::1]:", nullptr, {}},
        {"[]:1", nullptr, {}},
        {"[", nullptr, {}},
        {":", nullptr, {}},
        {"", nullptr, {}},
        {"0.0.0.0", nullptr, {}},
        {"127.0.0.1", nullptr, {}},
        {"224.0.0.1", nullptr, {}},
        {"255.255.255.255", nullptr, {}},
        {"ff02::1", nullptr, {}},
    };
    for (const EndpointCase& test : cases) {
        const std::optional<EndpointText> endpoint = host_endpoint_from_text(test.text);
        ASSERT_EQ(endpoint.has_value(), test.address != nullptr) << test.text;
        if (endpoint) {
            EXPECT_EQ(endpoint->address.to_text(), test.address);
            EXPECT_EQ(endpoint->port, test.port) << test.text;
        }
    }
}

TEST(endpoint_text, an_address_nobody_sends_to_is_one_too_but_no_host) {
    for (const char* const text : {"127.0.0.1:7946", "[::1]:7946", "0.0.0.0:1"}) {
        EXPECT_TRUE(endpoint_from_text(text)) << text;
        EXPECT_FALSE(host_endpoint_from_text(text)) << text;
    }
}

}  // namespace
}  // namespace posthaste::controlplane
