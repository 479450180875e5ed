// SPDX-License-Identifier: BSD-3-Clause
// Goal: claims of other routers reach a real Fib: lookups find agents that moved, whose router died
// and is back, and those nobody knew a moment ago; capabilities have providers elsewhere, with
// their load. Method: two or three boxes joined by hand; the first has the Fib, and the test is its
// lcore.
#include "controlplane/cluster/cluster_routes.h"

#include <gtest/gtest.h>

#include "routing/capability_index.h"
#include "routing/capability_name.h"
#include "routing/provider_set.h"
#include "routing/resolver.h"
#include "tests/support/eal_fixture.h"
#include "tests/support/plane_pair.h"
#include "tests/support/route_box.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using claims::Membership;
using routing::AgentId;
using routing::Fib;
using routing::FibEntry;
using routing::RouteKind;
using support::local_agent;
using support::member;
using support::numbered_id;
using support::RouteCluster;

namespace {

constexpr std::uint32_t kAgent = 7;
constexpr std::uint32_t kNegativeTtlMs = 60'000;

// What the conductor and an lcore do for the first box.
class RealBox {
  public:
    explicit RealBox(RouteCluster& cluster) : cluster_(cluster) {
        grace_.online(0);
        routing::ResolverOptions options;
        options.cache_lines = 1'024;
        options.cache_always = true;
        options.negative_ttl_ms = kNegativeTtlMs;
        resolver_ = routing::Resolver::create(*fib, options);
    }

    ~RealBox() { grace_.offline(0); }

    RealBox(const RealBox&) = delete;
    RealBox& operator=(const RealBox&) = delete;

    void turn(const std::vector<RouterMember>& routers = {}, std::size_t budget = 10'000) {
        const std::uint64_t now = cluster_.planes.now_ms;
        const auto events = cluster_.planes[1].take_events();
        static_cast<void>(routes->turn({.routers = routers,
                                        .events = events,
                                        .now_ms = now,
                                        .claims_ms = now,
                                        .budget = budget}));
        publish();
    }

    void publish() {
        for (const routing::FibChange& change : rib.take_changes()) {
            if (change.remove) {
                fib->remove(change.entry.agent);
            } else {
                ASSERT_TRUE(fib->set(change.entry, change.last_heard_ms));
            }
        }
        for (const routing::OfferChange& change : rib.take_offer_changes()) {
            index.apply(change, cluster_.planes.now_ms);
        }
        index.publish_all(cluster_.planes.now_ms, 1);
        grace_.quiescent(0);
        fib->reclaim();
    }

    void pass(std::uint64_t ms) {
        for (const std::uint64_t until = cluster_.planes.now_ms + ms;
             cluster_.planes.now_ms < until;) {
            cluster_.pass_others(10);
            turn();
        }
    }

    // As the pipeline sees it.
    [[nodiscard]] std::string way_to(const AgentId& agent) {
        const auto now = static_cast<std::uint32_t>(cluster_.planes.now_ms);
        routing::Outcome outcome;
        const FibEntry* const entry = resolver_->resolve(agent, now, outcome);
        if (entry == nullptr) {
            return "nothing";
        }
        if (entry->kind == RouteKind::local) {
            return "local";
        }
        if (entry->kind == RouteKind::capability) {
            return "a capability";
        }
        return !entry->fresh(now) || fib->routers().out(entry->router)
                   ? "out"
                   : next_hops.routers()[entry->router].config.name;
    }

    [[nodiscard]] std::string way_to(std::uint32_t agent) { return way_to(numbered_id(agent)); }

    [[nodiscard]] const routing::ProviderSet* providers(const std::string& name) const {
        return index.providers_of(rib.names().find(routing::OfferKind::name, name));
    }

  private:
    RouteCluster& cluster_;
    routing::Grace grace_{1};

  public:
    std::unique_ptr<Fib> fib = std::move(
        *Fib::create({.capacity = 10'000, .key = support::hash_key(1), .stripes = 1'024}, grace_));
    Config config = support::route_box_config();
    routing::Rib rib{{.routes_max = 5'000}, support::hash_key(2)};
    Neighbours neighbours{{}, support::links_of(config)};
    NextHops next_hops{rib, neighbours, fib->routers()};
    FibLoads loads{*fib};
    routing::Discovery discovery{{}, support::hash_key(3)};
    support::RibProviders here{rib};
    routing::ProviderSets sets{grace_, 100};
    routing::CapabilityIndex index{rib.names(), sets, *fib, {}};
    std::unique_ptr<ClusterRoutes> routes = std::make_unique<ClusterRoutes>(
        ClusterRoutes::Parts{cluster_.planes[1], rib, next_hops, loads, discovery, here, config},
        ClusterRoutes::Options{});

  private:
    std::unique_ptr<routing::Resolver> resolver_;
};

struct Scene {
    explicit Scene(std::size_t count,
                   const claims::PlaneOptions& options = support::PlaneGroup::small_options())
        : cluster(count, 1'000, options), box(cluster) {
        cluster.join_others();
        for (std::size_t n = 1; n <= count; ++n) {
            box.turn({member(n)});
        }
        box.pass(200);
    }

    void enrol_here(const routing::Registration& registration) {
        ASSERT_TRUE(box.routes->may_attach(registration, cluster.planes.now_ms));
        ASSERT_TRUE(box.rib.register_agent(registration, cluster.planes.now_ms));
        box.routes->settle_agent(registration.agent);
        box.publish();
    }

    // Membership tells the box and its plane of router 3.
    void tell(Membership membership, std::size_t budget = 10'000) {
        cluster.planes[1].set_member(member(3).id, membership);
        box.turn({member(3, membership)}, budget);
    }

    RouteCluster cluster;
    RealBox box;
};

}  // namespace

TEST(cluster_routes_fib, lookups_follow_an_agent_that_moves_there_and_back) {
    Scene scene(2);
    scene.enrol_here(local_agent(kAgent));
    EXPECT_EQ(scene.box.way_to(kAgent), "local");
    scene.box.pass(50);
    ASSERT_TRUE(scene.cluster.enrol(2, local_agent(kAgent)));
    scene.box.pass(50);
    EXPECT_EQ(scene.box.way_to(kAgent), "r2");
    scene.box.pass(3'000);
    EXPECT_EQ(scene.box.rib.find_agent(numbered_id(kAgent)), nullptr);
    scene.enrol_here(local_agent(kAgent));
    EXPECT_EQ(scene.box.way_to(kAgent), "local");
    scene.box.pass(50);
    EXPECT_EQ(scene.cluster[2].way_to(kAgent), "r1");
}

TEST(cluster_routes_fib, a_dead_router_is_out_at_once_and_its_agents_fail_over_and_come_back) {
    Scene scene(3);
    routing::Registration fixed = local_agent(kAgent);
    fixed.origin = routing::Origin::configured;
    for (const std::size_t n : {2U, 3U}) {
        ASSERT_TRUE(scene.cluster[n].rib.register_agent(fixed, 0));
        scene.box.pass(100);
    }
    ASSERT_EQ(scene.box.way_to(kAgent), "r3");
    scene.tell(Membership::out, 0);
    EXPECT_EQ(scene.box.way_to(kAgent), "out");
    scene.box.pass(50);
    EXPECT_EQ(scene.box.way_to(kAgent), "r2");
    scene.tell(Membership::alive);
    scene.box.pass(50);
    EXPECT_EQ(scene.box.way_to(kAgent), "r3");
}

TEST(cluster_routes_fib, what_was_cached_as_unknown_is_known_as_soon_as_its_claim_is_there) {
    Scene scene(2);
    ASSERT_EQ(scene.box.way_to(kAgent), "nothing");
    ASSERT_EQ(scene.box.way_to(kAgent), "nothing") << "from the cache";
    ASSERT_TRUE(scene.cluster.enrol(2, local_agent(kAgent)));
    scene.box.pass(30);
    EXPECT_EQ(scene.box.way_to(kAgent), "r2");
}

TEST(cluster_routes_fib, a_capability_cached_as_unknown_is_found_at_a_router_that_was_asked) {
    claims::PlaneOptions silent = support::PlaneGroup::small_options();
    silent.push_ms = 1'000'000;
    silent.digest_ms = 1'000'000;
    Scene scene(2, silent);
    routing::Registration agent = local_agent(kAgent);
    agent.offers = {{.text = "vision/ocr"}};
    ASSERT_TRUE(scene.cluster.enrol(2, agent));
    scene.box.pass(1'000);
    const AgentId key = routing::capability_key(routing::capability_id("vision/ocr"));
    ASSERT_EQ(scene.box.way_to(key), "nothing");
    ASSERT_TRUE(scene.box.discovery.want(key, scene.cluster.planes.now_ms));
    scene.box.pass(50);
    EXPECT_EQ(scene.box.way_to(key), "a capability");
    const routing::ProviderSet* const set = scene.box.providers("vision/ocr");
    ASSERT_NE(set, nullptr);
    ASSERT_EQ(set->providers().size(), 1U);
    EXPECT_EQ(set->providers()[0].agent, numbered_id(kAgent));
    EXPECT_EQ(set->providers()[0].router, *scene.box.next_hops.find_router("r2"));
}

TEST(cluster_routes_fib, a_capability_has_providers_elsewhere_and_their_load) {
    Scene scene(2);
    routing::Registration agent = local_agent(kAgent);
    agent.offers = {{.text = "vision/ocr"}};
    ASSERT_TRUE(scene.cluster.enrol(2, agent));
    scene.cluster[2].loads.here[numbered_id(kAgent)] = {700, 3};
    scene.box.pass(300);
    const routing::ProviderSet* const set = scene.box.providers("vision/ocr");
    ASSERT_NE(set, nullptr);
    ASSERT_EQ(set->providers().size(), 1U);
    const routing::Provider& provider = set->providers()[0];
    EXPECT_EQ(provider.router, *scene.box.next_hops.find_router("r2"));
    EXPECT_EQ(scene.box.fib->loads().get(provider.cell).per_mille, 700);
    EXPECT_EQ(scene.box.fib->loads().get(provider.cell).queue_depth, 3);
    ASSERT_NE(scene.box.fib->find(routing::capability_key(routing::capability_id("vision/ocr"))),
              nullptr);

    ASSERT_TRUE(scene.cluster[2].rib.deregister_agent(numbered_id(kAgent), nullptr));
    scene.box.pass(100);
    EXPECT_EQ(scene.box.providers("vision/ocr"), nullptr);
}

TEST(cluster_routes_fib, a_multi_homed_agent_is_one_provider_the_one_that_is_shown) {
    Scene scene(3);
    routing::Registration agent = local_agent(kAgent);
    agent.multi = true;
    agent.offers = {{.text = "vision/ocr"}};
    for (const std::size_t n : {2U, 3U}) {
        ASSERT_TRUE(scene.cluster.enrol(n, agent));
        scene.cluster[n].loads.here[numbered_id(kAgent)] = {static_cast<std::uint16_t>(100 * n), 0};
        scene.box.pass(300);
    }
    const auto only = [&scene] {
        const routing::ProviderSet* const set = scene.box.providers("vision/ocr");
        EXPECT_NE(set, nullptr);
        EXPECT_EQ(set->providers().size(), 1U);
        EXPECT_EQ(set->providers()[0].agent, numbered_id(kAgent));
        return set->providers()[0];
    };
    EXPECT_EQ(only().router, *scene.box.next_hops.find_router("r3"));
    EXPECT_EQ(scene.box.fib->loads().get(only().cell).per_mille, 300);

    // Here, too, with a load of its own: that is shown, and told.
    scene.enrol_here(agent);
    EXPECT_EQ(only().router, routing::kNoRouter);
    scene.box.fib->loads().set(only().cell, {50, 0});
    ASSERT_TRUE(scene.cluster.enrol(2, agent));
    scene.box.pass(400);
    EXPECT_EQ(only().router, routing::kNoRouter);
    EXPECT_EQ(scene.box.fib->loads().get(only().cell).per_mille, 50);
    EXPECT_EQ(
        scene.cluster.planes[2].store().find(member(1).id, numbered_id(kAgent))->load.per_mille,
        50);

    ASSERT_TRUE(scene.box.rib.deregister_agent(numbered_id(kAgent), nullptr));
    scene.box.pass(100);
    EXPECT_NE(only().router, routing::kNoRouter);
}

TEST(cluster_routes_fib, a_router_without_a_session_of_a_multi_homed_agent_fails_over_at_once) {
    Scene scene(3);
    routing::Registration agent = local_agent(kAgent);
    agent.multi = true;
    for (const std::size_t n : {2U, 3U}) {
        ASSERT_TRUE(scene.cluster.enrol(n, agent));
        scene.box.pass(100);
    }
    EXPECT_EQ(scene.cluster[2].way_to(kAgent), "local");
    EXPECT_EQ(scene.cluster[3].way_to(kAgent), "local");
    ASSERT_EQ(scene.box.way_to(kAgent), "r3");
    scene.tell(Membership::out);
    scene.box.pass(20);
    EXPECT_EQ(scene.box.way_to(kAgent), "r2");
    ASSERT_TRUE(scene.cluster[2].rib.deregister_agent(numbered_id(kAgent), nullptr));
    scene.box.pass(50);
    EXPECT_NE(scene.box.way_to(kAgent), "r2");
    scene.tell(Membership::alive);
    scene.box.pass(50);
    EXPECT_EQ(scene.box.way_to(kAgent), "r3");
}

TEST(cluster_routes_fib, the_load_of_an_agent_here_goes_from_its_cell_to_the_others) {
    Scene scene(2);
    routing::Registration agent = local_agent(kAgent);
    agent.offers = {{.text = "vision/ocr"}};
    scene.enrol_here(agent);
    scene.box.pass(50);
    const FibEntry* const entry = scene.box.fib->find(numbered_id(kAgent));
    ASSERT_NE(entry, nullptr);
    scene.box.fib->loads().set(entry->cell, {450, 2});  // as a heartbeat does
    scene.box.pass(400);
    EXPECT_EQ(scene.cluster[2].loads.elsewhere[numbered_id(kAgent)].per_mille, 450);
    const auto told = scene.box.routes->counts().loads_told;
    scene.box.pass(1'000);
    EXPECT_EQ(scene.box.routes->counts().loads_told, told) << "once";
}

}  // namespace posthaste::controlplane
