// SPDX-License-Identifier: BSD-3-Clause
// Goal: a worker under way is not disturbed by the control thread. Method: one thread turns the
// worker and plays the wire; the other publishes worlds, moves agents, serves the punt rings and
// injects, as the control thread does. It frees no mbuf: DPDK's pool is not instrumented, so a
// sanitizer would not see why that is safe.
#include "dataplane/worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/ring_router.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;

namespace {

constexpr unsigned kChanges = 3'000;

struct Wire {
    std::uint64_t sent = 0;     // frames that left, by anybody's order
    std::uint64_t strange = 0;  // with headers that mix two next hops
};

// A frame to the agent that moves goes to one of its homes, with all headers of that one.
bool of_one_home(const FrameBytes& frame, bool tagged) {
    const std::size_t l3 = ip_offset(frame);
    return (l3 == 18) == tagged && frame[5] == (tagged ? 22 : 20) &&
           frame[l3 + 19] == (tagged ? 22 : 20) && frame[l3 + 17] == (tagged ? 1 : 0);
}

void look_at(RingRouter& router, Wire& wire) {
    for (const std::uint16_t port : {kEdge, kTagged, kFabric}) {
        for (const FrameBytes& frame : router.leave(port)) {
            ++wire.sent;
            const bool message = frame.size() > 100 && frame[udp_offset(frame)] != 0 &&
                                 frame[message_offset(frame) + 3] == 1 &&
                                 frame[message_offset(frame) + 31] == kReceiver;
            wire.strange += message && !of_one_home(frame, port == kTagged) ? 1U : 0U;
        }
    }
}

// The worker's thread: frames of every kind in, whatever comes out off the wire.
Wire turn_until(RingRouter& router, const std::atomic<bool>& stop) {
    Wire wire;
    FrameSpec beat = control_spec(routing::Type::heartbeat);
    std::vector<FrameBytes> frames = {build(beat),
                                      build(control_spec(routing::Type::register_agent))};
    for (const std::uint32_t to : {kReceiver, kRemote, kStaticUnresolved, kUnknown}) {
        FrameSpec spec;
        spec.destination = agent(to);
        spec.flags = routing::flag::want_error;
        frames.push_back(build(spec));
    }
    router.grace().online(0);
    std::uint32_t now_ms = 0;
    while (!stop.load(std::memory_order_acquire) || router.worker().inject().size() > 0) {
        for (const FrameBytes& bytes : frames) {
            // What was punted and is on its way back holds mbufs; without one, just turn.
            rte_mbuf* const frame = router.in_use() < 1'000 ? router.make(bytes) : nullptr;
            if (frame != nullptr && !router.arrive(kEdge, frame)) {
                ADD_FAILURE() << "the wire is full";
            }
        }
        router.worker().run_once(++now_ms);
        look_at(router, wire);
    }
    router.worker().drain(++now_ms);
    look_at(router, wire);
    router.grace().offline(0);
    return wire;
}

// Sends everything that was punted back down; waits while the worker is behind.
void serve_punts(RingRouter& router) {
    for (unsigned of = 0; of < kPuntClassCount; ++of) {
        std::array<Punted, 16> items;
        const unsigned count = router.worker().punts(static_cast<PuntClass>(of)).pop(items);
        for (const Punted& item : std::span(items).first(count)) {
            const InjectKind kind =
                item.why == PuntClass::hold ? InjectKind::resubmit : InjectKind::transmit;
            while (!router.worker().inject().push({item.frame, item.ingress, kind})) {
                std::this_thread::yield();
            }
        }
    }
}

}  // namespace

TEST(worker, goes_on_while_worlds_are_published_and_agents_move) {
    RingRouter router;
    const routing::FibEntry at_edge = *router.fib().find(agent(kReceiver));
    routing::FibEntry at_tagged = at_edge;
    at_tagged.endpoint = router.fib().find(agent(kReceiverTagged))->endpoint;
    at_tagged.endpoint.udp_port = at_edge.endpoint.udp_port;

    std::atomic<bool> stop = false;
    Wire wire;
    std::thread worker([&] { wire = turn_until(router, stop); });
    World world = small_world();
    unsigned published = 0;
    unsigned moved = 0;
    std::uint32_t heard = 0;
    // Each counts for itself, so that both kinds of change go through all their values.
    while (published + moved < kChanges) {
        world.version = published;
        world.adjacencies[kHostUnresolved].resolved = published % 2 == 0;
        world.adjacencies[kHostUnresolved].mac = mac(56);
        world.ports[kFabric].up = published % 16 != 0;
        published += router.try_publish(world) ? 1U : 0U;
        moved += router.fib().set(moved % 2 == 0 ? at_edge : at_tagged, 0) ? 1U : 0U;
        router.fib().reclaim();
        heard = std::max(heard, router.fib().last_heard_ms(*router.fib().find(agent(kSender))));
        serve_punts(router);
        std::this_thread::yield();
    }
    stop.store(true, std::memory_order_release);
    worker.join();

    EXPECT_GT(published, kChanges / 4);
    EXPECT_GT(heard, 0U);
    EXPECT_GT(wire.sent, 0U);
    EXPECT_EQ(wire.strange, 0U);
    EXPECT_EQ(router.broken_law(), "");
    EXPECT_GT(router.port(kEdge).resubmitted.read(), 0U);
    EXPECT_GT(router.port(kEdge).punted.read(), 0U);
}

TEST(worker, run_stops_when_told_and_leaves_no_backlog) {
    RingRouter router;
    FrameSpec spec;
    for (int i = 0; i < 100; ++i) {
        router.arrive(kEdge, build(spec));
    }
    std::atomic<bool> stop = false;
    std::thread worker([&] { router.worker().run(stop); });
    while (router.port(kEdge).transmitted.read() < 100) {
        std::this_thread::yield();
    }
    stop = true;
    worker.join();
    EXPECT_EQ(router.discard(kEdge), 100U);
    EXPECT_EQ(router.broken_law(), "");
    EXPECT_EQ(router.in_use(), 0U);
}
