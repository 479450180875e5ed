// SPDX-License-Identifier: BSD-3-Clause
// Goal: a message to any agent with a capability reaches one that has it, is running and reachable,
// or is dropped for the right reason. Method: a worker between rings, sets of providers made by
// hand; ~RingRouter aborts if an mbuf is missing.
#include "dataplane/capability.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/support/capability_router.h"
#include "tests/support/eal_fixture.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;
using routing::AgentId;
using routing::Drop;
using Frames = std::vector<FrameBytes>;

namespace {

constexpr std::string_view kName = "vision/detect:2";

// The UDP port tells the receivers of small_world() apart.
std::uint16_t udp_port(const FrameBytes& frame) {
    const std::size_t at = udp_offset(frame) + 2;
    return static_cast<std::uint16_t>(frame[at] << 8 | frame[at + 1]);
}

// Where frames of that many conversations go on kEdge, by conversation. They arrive on `from`, each
// made ready by `prepare`.
std::vector<std::uint16_t> receivers(
    CapabilityRouter& router,
    unsigned conversations,
    routing::Strategy strategy = routing::Strategy::sticky,
    std::uint16_t from = kEdge,
    const std::function<void(FrameSpec&)>& prepare = [](FrameSpec&) {}) {
    std::vector<std::uint16_t> ports;
    for (unsigned i = 0; i < conversations; ++i) {
        FrameSpec spec = to_capability(kName, To::any, i, strategy);
        prepare(spec);
        router.arrive(from, build(spec));
        router.turn();
        const Frames left = router.leave(kEdge);
        ports.push_back(left.size() == 1 ? udp_port(left[0]) : std::uint16_t{0});
    }
    return ports;
}

std::string verdict(CapabilityRouter& router, const FrameSpec& spec, std::uint16_t port = kEdge) {
    const std::uint64_t sent = router.port(port).sent.read();
    const std::uint64_t punted = router.port(port).punted.read();
    std::array<std::uint64_t, routing::kDropCount> before;
    for (std::size_t why = 0; why < before.size(); ++why) {
        before[why] = router.port(port).drops[why].read();
    }
    router.arrive(port, build(spec));
    router.turn();
    EXPECT_EQ(router.broken_law(), "");
    if (router.port(port).sent.read() > sent) {
        return "sent";
    }
    if (router.port(port).punted.read() > punted) {
        return "punted";
    }
    for (std::size_t why = 0; why < before.size(); ++why) {
        if (router.port(port).drops[why].read() > before[why]) {
            return std::string(routing::kDropNames[why]);
        }
    }
    return "lost";
}

}  // namespace

TEST(capability, a_message_to_any_goes_to_a_provider_as_it_was_addressed) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver});
    const FrameSpec spec = to_capability(kName);
    router.arrive(kEdge, build(spec));
    router.turn();
    FrameSpec out = spec;
    out.source_mac = mac(1);
    out.destination_mac = mac(20);
    out.source_ip = ip("10.0.0.1");
    out.destination_ip = ip("10.0.0.20");
    out.destination_port = 5020;
    --out.hop_limit;
    EXPECT_EQ(router.leave(kEdge), Frames{as_sent(out)});
    EXPECT_EQ(router.capabilities().chosen[0].read(), 1U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(capability, a_conversation_stays_with_its_provider_and_others_go_elsewhere) {
    for (const auto strategy : {routing::Strategy::sticky,
                                routing::Strategy::priority,
                                routing::Strategy::weighted,
                                routing::Strategy::least_loaded}) {
        CapabilityRouter router;
        for (std::uint32_t number = 60; number < 64; ++number) {
            ASSERT_TRUE(router.fib().set(edge_agent(number), 0));
        }
        router.provide(kName, {60, 61, 62, 63});
        const std::vector<std::uint16_t> first = receivers(router, 100, strategy);
        EXPECT_EQ(receivers(router, 100, strategy), first);
        EXPECT_EQ(std::set(first.begin(), first.end()),
                  (std::set<std::uint16_t>{5'060, 5'061, 5'062, 5'063}));
        EXPECT_EQ(router.capabilities().chosen[static_cast<std::size_t>(strategy)].read(), 200U);
    }
}

TEST(capability, the_sender_is_never_chosen) {
    CapabilityRouter router;
    router.provide(kName, {kSender, kReceiver});
    for (const std::uint16_t port : receivers(router, 50)) {
        EXPECT_EQ(port, 5'020);
    }
    router.provide("alone", {kSender});
    EXPECT_EQ(verdict(router, to_capability("alone")), "no_provider");
}

TEST(capability, who_is_gone_from_the_table_is_replaced_by_the_next) {
    CapabilityRouter router;
    for (std::uint32_t number = 60; number < 63; ++number) {
        ASSERT_TRUE(router.fib().set(edge_agent(number), 0));
    }
    router.provide(kName, {60, 61, 62});
    router.fib().remove(agent(60));
    routing::FibEntry stopped = edge_agent(61);
    stopped.state = routing::AgentState::stopped;
    ASSERT_TRUE(router.fib().set(stopped, 0));
    const std::vector<std::uint16_t> ports = receivers(router, 60);
    EXPECT_EQ(std::set(ports.begin(), ports.end()), std::set<std::uint16_t>{5'062});
    EXPECT_GT(router.capabilities().failovers.read(), 20U);
    router.fib().remove(agent(62));
    EXPECT_EQ(verdict(router, to_capability(kName)), "no_provider");
    // Another agent takes the place of the first in the table: it is none of the set.
    for (std::uint32_t number = 70; number < 75; ++number) {
        ASSERT_TRUE(router.fib().set(edge_agent(number), 0));
    }
    EXPECT_EQ(verdict(router, to_capability(kName)), "no_provider");
}

TEST(capability, what_came_from_a_router_for_nobody_here_is_reported_by_its_key) {
    CapabilityRouter router;
    router.provide(kName, {kRemote});
    router.provide("vision/none", {});
    const auto reported = [&router] {
        std::array<Misrouted, 8> frames;
        const unsigned count = router.worker().misrouted().pop(frames);
        std::vector<AgentId> ids;
        for (const Misrouted& frame : std::span(frames).first(count)) {
            EXPECT_EQ(frame.from, ip("10.2.0.7"));
            ids.push_back(frame.destination);
        }
        return ids;
    };
    const auto key = [](std::string_view name) {
        return routing::capability_key(routing::capability_id(name));
    };
    FrameSpec spec = to_capability(kName);
    from_fabric(spec);
    EXPECT_EQ(verdict(router, spec, kFabric), "sent") << "redirected";
    EXPECT_EQ(reported(), std::vector{key(kName)});
    for (const To to : {To::any, To::all}) {
        for (const std::string_view name : {"vision/none", "vision/never"}) {
            spec = to_capability(name, to);
            from_fabric(spec);
            EXPECT_NE(verdict(router, spec, kFabric), "sent");
            EXPECT_EQ(reported().size(), to == To::any ? 1U : 0U) << "once of each";
        }
    }
    spec = to_capability(kName, To::all);
    from_fabric(spec);
    router.set_ms(5'000);
    EXPECT_EQ(verdict(router, spec, kFabric), "no_provider");
    EXPECT_EQ(reported(), std::vector{key(kName)});
    EXPECT_EQ(verdict(router, to_capability("vision/none")), "no_provider");
    EXPECT_TRUE(reported().empty()) << "it came from an agent";
}

TEST(capability, providers_behind_routers_that_are_out_are_not_chosen) {
    CapabilityRouter router;
    router.provide(kName, {kRemote, kRemoteIpv6});
    std::array<unsigned, 2> sent{};
    for (std::uint64_t i = 0; i < 40; ++i) {
        router.arrive(kEdge, build(to_capability(kName, To::any, i)));
    }
    router.turn();
    for (const FrameBytes& frame : router.leave(kFabric)) {
        ++sent[frame[12] == 0x86 ? 1 : 0];
    }
    EXPECT_GT(sent[0], 0U);
    EXPECT_GT(sent[1], 0U);
    router.fib().routers().set_out(kRouterNumber, true);
    for (std::uint64_t i = 0; i < 40; ++i) {
        router.arrive(kEdge, build(to_capability(kName, To::any, i)));
    }
    router.turn();
    const Frames left = router.leave(kFabric);
    EXPECT_EQ(left.size(), 40U);
    for (const FrameBytes& frame : left) {
        EXPECT_EQ(frame[12], 0x86);
    }
    router.fib().routers().set_out(kRouterIpv6Number, true);
    EXPECT_EQ(verdict(router, to_capability(kName)), "no_provider");
}

TEST(capability, nobody_knows_it) {
    CapabilityRouter router;
    EXPECT_EQ(verdict(router, to_capability("unheard-of")), "unknown_capability");
    router.lead("nobody", 0);
    EXPECT_EQ(verdict(router, to_capability("nobody")), "unknown_capability");
    EXPECT_EQ(verdict(router, to_capability("nobody", To::all)), "unknown_capability");
    router.lead("empty", router.provider_sets().take_number());
    EXPECT_EQ(verdict(router, to_capability("empty")), "no_provider");
    EXPECT_EQ(verdict(router, to_capability("empty", To::all)), "no_provider");
    FrameSpec no_id = to_capability(kName);
    no_id.destination = agent(kReceiver);
    EXPECT_EQ(verdict(router, no_id), "unknown_capability");
    routing::AgentId
        wanted;  // once, by its key; neither what is known to have nobody nor what is no id
    ASSERT_EQ(router.worker().wanted().pop(std::span(&wanted, 1)), 1U);
    EXPECT_EQ(wanted, routing::capability_key(routing::capability_id("unheard-of")));
    EXPECT_EQ(router.worker().wanted().size(), 0U);
}

TEST(capability, is_as_good_as_unknown_when_its_time_is_over) {
    CapabilityRouter router;
    const std::uint32_t set = router.provide(kName, {kReceiver});
    router.lead(kName, set, 100);
    router.set_ms(99);
    EXPECT_EQ(verdict(router, to_capability(kName)), "sent");
    router.set_ms(100);
    EXPECT_EQ(verdict(router, to_capability(kName)), "unknown_capability");
    router.discard(kEdge);
}

TEST(capability, neither_its_key_nor_its_id_is_an_agent) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver});
    FrameSpec spec = to_capability(kName);
    spec.addressing_strategy = 0;
    EXPECT_EQ(verdict(router, spec), "unknown_agent");
    spec.destination = routing::capability_key(spec.destination);
    EXPECT_EQ(verdict(router, spec), "unknown_agent");
}

TEST(capability, with_patterns_the_control_thread_sees_a_frame_of_an_unknown_one_once) {
    CapabilityRouter router;
    World world = small_world();
    world.patterns = true;
    router.publish(world);
    const FrameSpec spec = to_capability(kName);
    EXPECT_EQ(verdict(router, spec), "punted");
    EXPECT_EQ(verdict(router, to_capability(kName, To::all)), "punted");
    std::array<Punted, 3> up;
    ASSERT_EQ(router.worker().punts(PuntClass::capability).pop(up), 2U);
    ASSERT_TRUE(router.worker().inject().push({up[0].frame, kEdge, InjectKind::resubmit}));
    router.turn();
    EXPECT_EQ(router.drops(kEdge, Drop::unknown_capability), 1U);

    router.provide(kName, {kReceiver});
    ASSERT_TRUE(router.worker().inject().push({up[1].frame, kEdge, InjectKind::resubmit}));
    router.turn();
    EXPECT_EQ(router.leave(kEdge).size(), 1U);
    FrameSpec no_id = spec;
    no_id.destination = agent(kUnknown);
    EXPECT_EQ(verdict(router, no_id), "unknown_capability");
    EXPECT_EQ(router.broken_law(), "");
}

TEST(capability, a_relayed_message_goes_to_a_provider_here_or_is_redirected_once) {
    CapabilityRouter router;
    FrameSpec spec = to_capability(kName);
    from_fabric(spec);
    FrameSpec redirected = to_capability(kName);
    from_fabric_redirected(redirected);

    router.provide(kName, {kReceiver, kRemote});
    for (std::uint64_t i = 0; i < 20; ++i) {
        spec.conversation = i;
        EXPECT_EQ(verdict(router, spec, kFabric), "sent");
        EXPECT_EQ(router.discard(kEdge), 1U);
    }
    EXPECT_EQ(verdict(router, redirected, kFabric), "sent");
    EXPECT_EQ(router.discard(kEdge), 1U);

    router.provide(kName, {kRemote});
    EXPECT_EQ(verdict(router, spec, kFabric), "sent");
    const Frames left = router.leave(kFabric);
    ASSERT_EQ(left.size(), 1U);
    const std::size_t flags = message_offset(left[0]) + 9;
    EXPECT_EQ(left[0][flags], routing::flag::relayed | routing::flag::redirected);
    EXPECT_EQ(verdict(router, redirected, kFabric), "not_here");
}

// What the first router drew says nothing of what the next one draws: of the conversations that it
// sends for one provider, each that is here gets his part. A sticky one goes where it was sent for.
TEST(capability, a_router_that_was_relayed_to_draws_anew) {
    constexpr unsigned kConversations = 400;
    const auto ports = [](routing::Strategy strategy, std::uint16_t from, auto&& prepare) {
        CapabilityRouter router;
        for (std::uint32_t number = 60; number < 64; ++number) {
            CHECK(router.fib().set(edge_agent(number), 0));
        }
        router.provide(kName, {60, 61, 62, 63});
        return receivers(router, kConversations, strategy, from, prepare);
    };
    for (const auto strategy : {routing::Strategy::sticky,
                                routing::Strategy::priority,
                                routing::Strategy::weighted,
                                routing::Strategy::least_loaded}) {
        const auto first = ports(strategy, kEdge, [](FrameSpec&) {});
        const auto relayed = ports(strategy, kFabric, from_fabric);
        const auto redirected = ports(strategy, kFabric, from_fabric_redirected);
        const auto apart = [&](const auto& before, const auto& after) {
            std::map<std::uint16_t, unsigned> counted;
            for (unsigned i = 0; i < kConversations; ++i) {
                counted[after[i]] += before[i] == 5'060 ? 1 : 0;
            }
            return std::all_of(counted.begin(), counted.end(), [](const auto& each) {
                return each.second > 10 && each.second < 45;  // 25 each, deviation 4.3
            });
        };
        const bool draws = strategy != routing::Strategy::sticky;
        EXPECT_EQ(apart(first, relayed), draws) << routing::kStrategyNames[std::size_t(strategy)];
        EXPECT_EQ(apart(relayed, redirected), draws);
        EXPECT_EQ(apart(first, redirected), draws);
        EXPECT_EQ(first == relayed && relayed == redirected, !draws);
    }
}

TEST(capability, local_providers_come_first_if_the_world_says_so) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver, kRemote});
    const auto remote_ones = [&router] {
        for (std::uint64_t i = 0; i < 64; ++i) {
            router.arrive(kEdge, build(to_capability(kName, To::any, i)));
        }
        router.turn();
        router.discard(kEdge);
        return router.discard(kFabric);
    };
    EXPECT_GT(remote_ones(), 0U);
    World world = small_world();
    world.local_first = true;
    router.publish(world);
    EXPECT_EQ(remote_ones(), 0U);
}

TEST(capability, a_name_that_is_not_the_ids_is_refused) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver});
    EXPECT_EQ(verdict(router, named(to_capability(kName), kName)), "sent");
    EXPECT_EQ(verdict(router, named(to_capability(kName), kName)), "sent");
    EXPECT_EQ(router.capabilities().names.read(), 2U);
    EXPECT_EQ(router.capabilities().names_hashed.read(), 1U);
    EXPECT_EQ(verdict(router, named(to_capability(kName), "vision/detect:3")), "bad_name");
    EXPECT_EQ(verdict(router, named(to_capability("Vision"), "Vision")), "bad_name");
    EXPECT_EQ(verdict(router, named(to_capability(kName), "")), "bad_name");
    EXPECT_EQ(verdict(router, named(named(to_capability(kName), kName), "other")), "bad_name");
    EXPECT_EQ(verdict(router, named(to_capability(kName), kName)), "sent");
    router.discard(kEdge);
}

TEST(capability, a_message_waits_for_its_providers_neighbour) {
    CapabilityRouter router;
    router.provide(kName, {kStaticUnresolved});
    EXPECT_EQ(verdict(router, to_capability(kName)), "punted");
    Punted held;
    ASSERT_EQ(router.worker().punts(PuntClass::hold).pop(std::span(&held, 1)), 1U);
    EXPECT_EQ(held.adjacency, kHostUnresolved);
    World world = small_world();
    world.adjacencies[kHostUnresolved].resolved = true;
    router.publish(world);
    ASSERT_TRUE(router.worker().inject().push({held.frame, held.ingress, InjectKind::resubmit}));
    router.turn();
    EXPECT_EQ(router.discard(kTagged), 1U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(capability, is_refused_while_the_box_shuts_down) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver});
    World world = small_world();
    world.draining = true;
    world.patterns = true;
    router.publish(world);
    EXPECT_EQ(verdict(router, to_capability(kName)), "draining");
    EXPECT_EQ(verdict(router, to_capability(kName, To::all)), "draining");
    EXPECT_EQ(verdict(router, to_capability("unheard-of")), "draining");
}

TEST(capability, a_heartbeat_tells_the_load_of_its_agent) {
    RingRouter router;
    const auto load = [&router] {
        return router.fib().loads().get(router.fib().find(agent(kSender))->cell);
    };
    const auto beat = [&router](const std::vector<std::uint8_t>& payload) {
        router.arrive(kEdge, build(control_spec(routing::Type::heartbeat, payload)));
        router.turn();
        return router.discard(kEdge) == 1;  // acknowledged
    };
    EXPECT_TRUE(beat({33, 4, 0, 0, 0, 1, 35, 6, 0x01, 0xf4, 0, 0, 0, 7}));
    EXPECT_EQ(load().per_mille, 500);
    EXPECT_EQ(load().queue_depth, 7);
    EXPECT_TRUE(beat({35, 6, 0x00, 0x05, 0, 1, 0, 0}));
    EXPECT_EQ(load().per_mille, 5);
    EXPECT_EQ(load().queue_depth, 65'535);
    for (const std::vector<std::uint8_t>& none : {std::vector<std::uint8_t>{},
                                                  {35, 5, 0, 9, 0, 0, 0},
                                                  {35, 6, 0, 9, 0, 0, 0},
                                                  {35, 6, 0, 9, 0, 0, 0, 0, 33},
                                                  {35, 6, 0x03, 0xe9, 0, 0, 0, 1}}) {
        EXPECT_TRUE(beat(none));
        EXPECT_EQ(load().per_mille, 5);
    }
    EXPECT_EQ(router.broken_law(), "");
}
