// SPDX-License-Identifier: BSD-3-Clause
// How fast other routers' claims reach the Fib, and how much of its thread one turn takes: one
// million claims of one router, then that router dies and is forgotten. Printed, not judged. A
// claim that came before its router did is looked at twice.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "controlplane/cluster/cluster_routes.h"
#include "tests/support/eal_fixture.h"
#include "tests/support/plane_pair.h"
#include "tests/support/route_box.h"

namespace posthaste::controlplane {
namespace {

const bool kMemory = support::eal_argument("-m1536");

constexpr std::uint32_t kClaims = 1'000'000;
constexpr std::size_t kBudgets[] = {256, 1'024};

// Of this thread, so that a busy machine does not count.
double cpu_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

gossip::claims::PlaneOptions options() {
    gossip::claims::PlaneOptions options;
    options.store.limits.records_max = 3'000'000;
    return options;
}

struct Box {
    explicit Box(support::PlaneGroup& planes)
        : routes({planes[1], rib, next_hops, loads, discovery, providers, config}, {}) {
        grace.online(0);
    }

    ~Box() { grace.offline(0); }

    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;

    void publish() {
        for (const routing::FibChange& change : rib.take_changes()) {
            if (change.remove) {
                fib->remove(change.entry.agent);
            } else {
                ASSERT_TRUE(fib->set(change.entry, change.last_heard_ms));
            }
        }
        static_cast<void>(rib.take_offer_changes());
        grace.quiescent(0);
        fib->reclaim();
    }

    routing::Grace grace{1};
    std::unique_ptr<routing::Fib> fib = std::move(
        *routing::Fib::create({.capacity = 1'100'000, .key = support::hash_key(1)}, grace));
    Config config = support::route_box_config();
    routing::Rib rib{{.routes_max = 1'100'000}, support::hash_key(2)};
    Neighbours neighbours{{}, support::links_of(config)};
    NextHops next_hops{rib, neighbours, fib->routers()};
    FibLoads loads{*fib};
    routing::Discovery discovery{{}, support::hash_key(3)};
    support::RibProviders providers{rib};
    ClusterRoutes routes;
};

// Turns until nothing is left to do.
void run(const char* what,
         support::PlaneGroup& planes,
         Box& box,
         std::size_t budget,
         const std::vector<RouterMember>& routers) {
    std::vector<double> turns;
    std::size_t idle = 0;
    const auto looked_at = box.routes.counts().looked_at;
    double sum = 0;
    for (bool first = true; idle < 3; first = false) {
        planes[1].on_timer(planes.now_ms);
        ++planes.now_ms;
        const double begin = cpu_ms();
        const auto done = box.routes.turn(
            {.routers = first ? std::span(routers) : std::span<const RouterMember>(),
             .now_ms = planes.now_ms,
             .claims_ms = planes.now_ms,
             .budget = budget});
        box.publish();
        turns.push_back(cpu_ms() - begin);
        sum += turns.back();
        idle = done.more || box.routes.counts().pending > 0 ? 0 : idle + 1;
    }
    std::sort(turns.begin(), turns.end());
    const auto count = static_cast<double>(box.routes.counts().looked_at - looked_at);
    std::printf(
        "%-18s budget %4zu: %8.0f agents, %9.0f/s, turns: p50 %.3f p99 %.3f worst %.3f ms\n",
        what,
        budget,
        count,
        count / sum * 1'000,
        turns[turns.size() / 2],
        turns[turns.size() * 99 / 100],
        turns.back());
}

}  // namespace

TEST(cluster_routes_bench, a_million_claims) {
    for (const std::size_t budget : kBudgets) {
        support::PlaneGroup planes(2, options());
        planes.connect(1, 2);
        // All that arrives is left for the turns.
        planes[1].hold_work(true);
        for (std::uint32_t agent = 0; agent < kClaims; ++agent) {
            ASSERT_TRUE(planes[2].own().attach(support::numbered_id(agent), {}, planes.now_ms));
        }
        for (std::size_t i = 0; i < 100 && !planes.agree(); ++i) {
            planes.pass(100);
        }
        Box box(planes);
        box.rib.reserve_routes(kClaims);
        run("arrive", planes, box, budget, {support::member(2)});
        ASSERT_EQ(box.fib->count(), kClaims);
        planes.cut(1, 2);
        const auto out = gossip::claims::Membership::out;
        planes[1].set_member(support::PlaneGroup::id(2), out);
        run("its router is out", planes, box, budget, {support::member(2, out)});
        ASSERT_EQ(box.fib->count(), kClaims);
        planes[1].set_member(support::PlaneGroup::id(2), gossip::claims::Membership::alive);
        run("it is back", planes, box, budget, {support::member(2)});
        const auto forgotten = gossip::claims::Membership::forgotten;
        planes[1].set_member(support::PlaneGroup::id(2), forgotten);
        run("it is forgotten", planes, box, budget, {support::member(2, forgotten)});
        ASSERT_EQ(box.fib->count(), 0U);
    }
}

}  // namespace posthaste::controlplane
