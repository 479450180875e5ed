// SPDX-License-Identifier: BSD-3-Clause
// Goal: a message to all who have a capability reaches each of them once, whatever else happens.
// Method: a worker between rings; by hand, then at random against a model that lists recipients;
// ~RingRouter aborts if an mbuf is missing.
#include "dataplane/fan_out.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/support/capability_router.h"
#include "tests/support/eal_fixture.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;
using routing::AgentState;
using routing::Drop;
using Frames = std::vector<FrameBytes>;

namespace {

constexpr std::string_view kName = "translate";

// `in`, as it leaves the box towards an agent of small_world().
FrameSpec towards(const FrameSpec& in,
                  std::uint16_t port,
                  std::uint8_t to_mac,
                  std::string_view to_ip,
                  std::uint16_t udp_port) {
    constexpr std::string_view kIpv4[] = {"10.0.0.1", "10.1.0.1", "10.2.0.1"};
    constexpr std::string_view kIpv6[] = {"fd00::1", "fd01::1", "fd02::1"};
    FrameSpec out = in;
    out.destination_mac = mac(to_mac);
    out.source_mac = mac(static_cast<std::uint8_t>(port + 1));
    out.destination_ip = ip(to_ip);
    const bool ipv6 = out.destination_ip.family == routing::Family::ipv6;
    out.source_ip = ip(ipv6 ? kIpv6[port] : kIpv4[port]);
    out.destination_port = udp_port;
    out.udp_checksum = in.udp_checksum || ipv6;
    --out.hop_limit;
    out.ethernet_padding = 0;
    if (port == kTagged) {
        out.tag = 100;
    }
    if (port == kFabric) {
        out.flags |= routing::flag::relayed;
    }
    return out;
}

Frames sorted(Frames frames) {
    std::ranges::sort(frames);
    return frames;
}

std::uint64_t field(const FrameBytes& frame, std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
        value = value << 8 | frame[at + i];
    }
    return value;
}

std::uint64_t message_of(const FrameBytes& frame) {
    return field(frame, message_offset(frame) + 56, 8);
}

std::uint64_t udp_port_of(const FrameBytes& frame) {
    return field(frame, udp_offset(frame) + 2, 2);
}

void add_edge_agents(CapabilityRouter& router, std::uint32_t first, std::uint32_t end) {
    for (std::uint32_t number = first; number < end; ++number) {
        ASSERT_TRUE(router.fib().set(edge_agent(number), 0));
    }
}

std::vector<std::uint32_t> numbers(std::uint32_t first, std::uint32_t end) {
    std::vector<std::uint32_t> all;
    for (; first < end; ++first) {
        all.push_back(first);
    }
    return all;
}

}  // namespace

TEST(fan_out, every_running_provider_here_and_every_router_with_one_gets_it_once) {
    for (const bool in_segments : {false, true}) {
        for (const bool checksum : {false, true}) {
            CapabilityRouter router;
            router.provide(kName,
                           {kSender,
                            kReceiver,
                            kReceiverIpv6,
                            kReceiverTagged,
                            kStatic,
                            kDraining,
                            kStopped,
                            kRemote,
                            kRemoteIpv6});
            FrameSpec spec = to_capability(kName, To::all);
            spec.payload.assign(300, 0x5a);
            spec.udp_checksum = checksum;
            spec.ethernet_padding = 7;
            const FrameBytes bytes = build(spec);
            std::vector<std::size_t> cuts;
            if (in_segments) {
                cuts = {130, 250};
            }
            ASSERT_TRUE(router.arrive(kEdge, router.make(bytes, cuts)));
            router.turn();
            EXPECT_EQ(sorted(router.leave(kEdge)),
                      sorted({as_sent(towards(spec, kEdge, 20, "10.0.0.20", 5020)),
                              as_sent(towards(spec, kEdge, 21, "fd00::21", 5021))}));
            EXPECT_EQ(sorted(router.leave(kTagged)),
                      sorted({as_sent(towards(spec, kTagged, 22, "10.1.0.22", 5022)),
                              as_sent(towards(spec, kTagged, 55, "10.1.0.55", 5055))}));
            EXPECT_EQ(sorted(router.leave(kFabric)),
                      sorted({as_sent(towards(spec, kFabric, 77, "10.2.0.7", 4750)),
                              as_sent(towards(spec, kFabric, 78, "fd02::7", 4750))}));
            EXPECT_EQ(router.port(kEdge).copied.read(), 5U);
            EXPECT_EQ(router.port(kEdge).sent.read(), 6U);
            EXPECT_EQ(router.capabilities().fan_outs.read(), 1U);
            EXPECT_EQ(router.capabilities().copies.read(), 5U);
            EXPECT_EQ(router.broken_law(), "");
        }
    }
}

TEST(fan_out, a_relayed_message_stays_here) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver, kReceiverTagged, kRemote, kRemoteIpv6});
    FrameSpec spec = to_capability(kName, To::all);
    from_fabric(spec);
    router.arrive(kFabric, build(spec));
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 1U);
    EXPECT_EQ(router.discard(kTagged), 1U);
    EXPECT_EQ(router.discard(kFabric), 0U);

    router.provide(kName, {kRemote});
    router.arrive(kFabric, build(spec));
    router.turn();
    EXPECT_EQ(router.drops(kFabric, Drop::no_provider), 1U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(fan_out, a_router_that_is_out_gets_nothing) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver, kRemote, kRemoteIpv6});
    router.fib().routers().set_out(kRouterNumber, true);
    router.arrive(kEdge, build(to_capability(kName, To::all)));
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 1U);
    const Frames left = router.leave(kFabric);
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0][12], 0x86);  // the one reached over IPv6
    // The World may know it later than the set does.
    World world = small_world();
    world.routers.clear();
    router.publish(world);
    router.arrive(kEdge, build(to_capability(kName, To::all)));
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 1U);
    EXPECT_EQ(router.drops(kEdge, Drop::port_down), 1U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(fan_out, more_recipients_than_allowed_get_nothing) {
    CapabilityRouter router;
    add_edge_agents(router, 60, 100);
    std::vector<std::uint32_t> members = numbers(60, 72);
    members.push_back(kSender);
    router.provide(kName, members);
    World world = small_world();
    FrameSpec spec = to_capability(kName, To::all);
    spec.flags = routing::flag::want_error;
    world.fan_out_max = 11;
    router.publish(world);
    router.arrive(kEdge, build(spec));
    router.turn();
    EXPECT_EQ(router.drops(kEdge, Drop::fan_out), 1U);
    const Frames answer = router.leave(kEdge);
    ASSERT_EQ(answer.size(), 1U);
    EXPECT_EQ(answer[0][message_offset(answer[0]) + 3],
              static_cast<std::uint8_t>(routing::Type::error));

    world.fan_out_max = 12;
    router.publish(world);
    router.arrive(kEdge, build(spec));
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 12U);
    router.provide(kName, numbers(60, 100));
    router.arrive(kEdge, build(spec));
    router.turn();
    EXPECT_EQ(router.drops(kEdge, Drop::fan_out), 2U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(fan_out, routers_that_are_out_are_no_recipients) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver, kRemote, kRemoteIpv6});
    World world = small_world();
    world.fan_out_max = 1;
    router.publish(world);
    const auto send = [&router] {
        router.arrive(kEdge, build(to_capability(kName, To::all)));
        router.turn();
        return router.discard(kEdge) + router.discard(kFabric);
    };
    EXPECT_EQ(send(), 0U);
    EXPECT_EQ(router.drops(kEdge, Drop::fan_out), 1U);
    router.fib().routers().set_out(kRouterNumber, true);
    EXPECT_EQ(send(), 0U);
    EXPECT_EQ(router.drops(kEdge, Drop::fan_out), 2U);
    router.fib().routers().set_out(kRouterIpv6Number, true);
    EXPECT_EQ(send(), 1U);
    router.fib().routers().set_out(kRouterIpv6Number, false);
    EXPECT_EQ(send(), 0U);
    EXPECT_EQ(router.drops(kEdge, Drop::fan_out), 3U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(fan_out, copies_without_a_buffer_are_counted_and_the_others_sent) {
    RingRouterOptions options;
    options.mbufs = 255;
    CapabilityRouter router(options);
    add_edge_agents(router, 60, 76);
    router.provide(kName, numbers(60, 76));
    std::vector<rte_mbuf*> hoard;
    while (hoard.size() < 248) {
        hoard.push_back(rte_pktmbuf_alloc(router.pool()));
    }
    router.arrive(kEdge, build(to_capability(kName, To::all)));
    router.turn();
    const unsigned sent = router.discard(kEdge);
    EXPECT_EQ(sent, 7U);  // the message itself, and the six mbufs that were left
    EXPECT_EQ(router.drops(kEdge, Drop::no_buffer), 16U - sent);
    EXPECT_EQ(router.broken_law(), "");
    rte_pktmbuf_free_bulk(hoard.data(), static_cast<unsigned>(hoard.size()));
}

TEST(fan_out, a_copy_that_waits_for_its_neighbour_is_one_recipients) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver, kReceiverTagged, kStaticUnresolved, kRemoteUnresolved});
    const FrameSpec spec = to_capability(kName, To::all);
    for (unsigned i = 0; i < 2; ++i) {
        router.arrive(kEdge, build(spec));
    }
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 2U);
    EXPECT_EQ(router.discard(kTagged), 2U);
    std::array<Punted, 5> held;
    ASSERT_EQ(router.worker().punts(PuntClass::hold).pop(held), 4U);
    World world = small_world();
    for (Adjacency& next_hop : world.adjacencies) {
        next_hop.resolved = true;
    }
    router.publish(world);
    for (const unsigned i : {0U, 2U}) {
        ASSERT_TRUE(router.worker().inject().push({held[i].frame, kEdge, InjectKind::resubmit}));
    }
    router.turn();
    EXPECT_EQ(router.leave(kTagged), Frames{as_sent(towards(spec, kTagged, 0, "10.1.0.56", 5056))});
    EXPECT_EQ(router.discard(kFabric), 1U);
    EXPECT_EQ(router.discard(kEdge), 0U);

    // Meanwhile neither is a recipient any more.
    router.provide(kName, {kReceiver});
    for (const unsigned i : {1U, 3U}) {
        ASSERT_TRUE(router.worker().inject().push({held[i].frame, kEdge, InjectKind::resubmit}));
    }
    router.turn();
    EXPECT_EQ(router.drops(kEdge, Drop::no_provider), 2U);
    EXPECT_EQ(router.port(kEdge).resubmitted.read(), 4U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(fan_out, an_mbuf_that_carried_a_copy_carries_no_mark_into_its_next_life) {
    RingRouterOptions options;
    options.mbufs = 127;
    CapabilityRouter router(options);
    router.provide(kName, {kStaticUnresolved, kReceiver});
    for (unsigned i = 0; i < 300; ++i) {
        router.arrive(kEdge, build(to_capability(kName, To::all)));
        router.turn();
        EXPECT_EQ(router.discard(kEdge), 1U);
        Punted held;
        ASSERT_EQ(router.worker().punts(PuntClass::hold).pop(std::span(&held, 1)), 1U);
        rte_pktmbuf_free(held.frame);
    }
    rte_mbuf* const fresh = router.make(build(to_capability(kName, To::all)));
    ASSERT_TRUE(router.worker().inject().push({fresh, kEdge, InjectKind::resubmit}));
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 1U);
    Punted held;
    ASSERT_EQ(router.worker().punts(PuntClass::hold).pop(std::span(&held, 1)), 1U);
    rte_pktmbuf_free(held.frame);
}

TEST(fan_out, a_burst_of_many_recipients_leaves_between_its_copies) {
    RingRouterOptions options;
    options.mbufs = 4095;
    options.tx_ring = 2048;
    options.worker.tx_backlog = 64;  // less than one burst makes
    CapabilityRouter router(options);
    add_edge_agents(router, 60, 76);
    router.provide(kName, numbers(60, 76));
    for (std::uint64_t i = 0; i < 64; ++i) {
        FrameSpec spec = to_capability(kName, To::all);
        spec.message = i;
        router.arrive(kEdge, build(spec));
    }
    router.turn();
    std::map<std::uint64_t, std::vector<std::uint64_t>> by_receiver;
    for (const FrameBytes& frame : router.leave(kEdge)) {
        by_receiver[udp_port_of(frame)].push_back(message_of(frame));
    }
    EXPECT_EQ(by_receiver.size(), 16U);
    for (const auto& [receiver, messages] : by_receiver) {
        EXPECT_EQ(messages.size(), 64U) << receiver;
        EXPECT_TRUE(std::ranges::is_sorted(messages)) << receiver;
    }
    EXPECT_EQ(router.broken_law(), "");
}

namespace {

// Agents 60 .. 99 with random states, in five capabilities; who gets what, by the plain rule.
class Model {
  public:
    using Receipts = std::multiset<std::pair<std::uint64_t, std::uint64_t>>;  // message, receiver

    explicit Model(std::uint32_t seed) : random_(seed), limit_(1 + below(40)), members_(5) {}

    void set_up(CapabilityRouter& router) {
        World world = small_world();
        world.fan_out_max = static_cast<std::uint16_t>(limit_);
        router.publish(world);
        for (std::uint32_t number = 60; number < 100; ++number) {
            put(router, number, static_cast<AgentState>(1 + (below(3) == 0 ? below(3) : 0)));
        }
        for (std::size_t i = 0; i < members_.size(); ++i) {
            for (std::uint32_t count = below(30); count > 0; --count) {
                members_[i].insert(60 + below(40));
            }
            router.provide("c" + std::to_string(i), {members_[i].begin(), members_[i].end()});
        }
        published_ = states_;
        for (std::uint32_t count = below(4); count > 0; --count) {  // without the sets knowing yet
            put(router, 60 + below(40), AgentState::stopped);
        }
    }

    FrameSpec next(std::uint64_t message) {
        const std::size_t which = below(5);
        const std::uint32_t sender = 60 + below(40);
        const To to = below(4) == 0 ? To::any : To::all;
        FrameSpec spec = to_capability("c" + std::to_string(which), to, message);
        spec.message = message;
        spec.source = agent(sender);
        spec.source_ip = ipv4(static_cast<std::uint8_t>(sender));
        spec.source_mac = mac(static_cast<std::uint8_t>(sender));
        expect(message, members_[which], sender, to);
        return spec;
    }

    Receipts expected;
    std::uint64_t refused = 0;
    std::uint64_t any = 0;  // messages to any that somebody gets

  private:
    std::uint32_t below(std::uint32_t limit) {
        return static_cast<std::uint32_t>(random_() % limit);
    }

    void put(CapabilityRouter& router, std::uint32_t number, AgentState state) {
        routing::FibEntry entry = edge_agent(number);
        entry.state = state;
        states_[number] = state;
        ASSERT_TRUE(router.fib().set(entry, 0));
    }

    void expect(std::uint64_t message,
                const std::set<std::uint32_t>& members,
                std::uint32_t sender,
                To to) {
        std::vector<std::uint32_t> recipients;
        std::size_t known = 0;  // to the set, which refuses far too many at once
        for (const std::uint32_t member : members) {
            if (member != sender && states_[member] == AgentState::running) {
                recipients.push_back(member);
            }
            known += published_[member] == AgentState::running ? 1 : 0;
        }
        if (to == To::any) {
            any += recipients.empty() ? 0 : 1;
        } else if (recipients.size() > limit_ || known > limit_ + 1) {
            ++refused;
        } else {
            for (const std::uint32_t recipient : recipients) {
                expected.emplace(message, 5'000 + recipient);
            }
        }
    }

    std::mt19937 random_;
    std::uint32_t limit_;
    std::map<std::uint32_t, AgentState> states_;
    std::map<std::uint32_t, AgentState> published_;  // as the sets have them
    std::vector<std::set<std::uint32_t>> members_;
};

}  // namespace

TEST(fan_out, exactly_once_for_each_recipient_of_a_model) {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        RingRouterOptions options;
        options.mbufs = 8191;
        options.tx_ring = 4096;
        CapabilityRouter router(options);
        Model model(seed);
        model.set_up(router);
        for (std::uint64_t message = 0; message < 100; ++message) {
            router.arrive(kEdge, build(model.next(message)));
        }
        router.turn();
        Model::Receipts got;
        std::uint64_t single = 0;
        for (const FrameBytes& frame : router.leave(kEdge)) {
            if ((frame[message_offset(frame) + 5] & 0x0f) == 1) {
                ++single;
            } else {
                got.emplace(message_of(frame), udp_port_of(frame));
            }
        }
        EXPECT_EQ(got, model.expected);
        EXPECT_EQ(single, model.any);
        EXPECT_EQ(router.drops(kEdge, Drop::fan_out), model.refused);
        EXPECT_EQ(router.broken_law(), "");
    }
}
