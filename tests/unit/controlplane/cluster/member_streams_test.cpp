// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/member_streams.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace posthaste::controlplane {
namespace {

using gossip::membership::Membership;
using gossip::membership::MembershipOptions;
using gossip::membership::StreamOut;

constexpr std::uint64_t kNow = 1'000;

struct Scene {
    Watch watch = Watch::open().value();
    SocketAddress address = seed_address("127.0.0.1", 0).value();
    Descriptor listener = open_listener(address).value();
    Membership membership{options(), {}, 1, kNow};
    MemberStreams streams{watch, membership, ip_of(address)};
    std::vector<Descriptor> callers;

    Scene() { address.port = bound_port(listener); }

    // More than the transport would ever let through.
    static MembershipOptions options() {
        MembershipOptions options{.name = "self", .address = seed_address("127.0.0.1", 1).value()};
        options.limits.streams_max = 10'000;
        return options;
    }

    void call(const char* from) {
        auto socket = begin_connect(routing::IpAddress::from_text(from).value(), address);
        ASSERT_TRUE(socket);
        callers.push_back(std::move(*socket));
        pollfd waiting{.fd = listener.get(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&waiting, 1, -1), 1);
        streams.accept(listener, kNow);
    }
};

TEST(member_streams, one_address_has_only_so_many) {
    Scene scene;
    for (std::size_t i = 0; i <= MemberStreams::kAcceptedOfOneMax; ++i) {
        scene.call("127.0.0.2");
    }
    EXPECT_EQ(scene.streams.count(), MemberStreams::kAcceptedOfOneMax);
    EXPECT_EQ(scene.streams.refused(), 1U);
    scene.call("127.0.0.3");
    EXPECT_EQ(scene.streams.count(), MemberStreams::kAcceptedOfOneMax + 1);
    EXPECT_EQ(scene.streams.refused(), 1U);
}

TEST(member_streams, however_many_call_there_are_some_for_us) {
    Scene scene;
    const char* const hosts[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6"};
    for (const char* const host : hosts) {
        for (std::size_t i = 0; i < MemberStreams::kAcceptedOfOneMax; ++i) {
            scene.call(host);
        }
    }
    EXPECT_EQ(scene.streams.count(), MemberStreams::kAcceptedMax);
    EXPECT_EQ(scene.streams.refused(), MemberStreams::kAcceptedOfOneMax);
    std::vector<StreamOut> wanted(2);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i] = {.kind = StreamOut::Kind::connect,
                     .stream = static_cast<gossip::membership::StreamId>(1 + i),
                     .to = scene.address};
    }
    scene.streams.apply(wanted, kNow);
    EXPECT_EQ(scene.streams.count(), MemberStreams::kAcceptedMax + 2);
}

}  // namespace
}  // namespace posthaste::controlplane
