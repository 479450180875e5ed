// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "controlplane/cluster/datagrams.h"
#include "controlplane/cluster/keyring_file.h"
#include "tests/support/eventually.h"
#include "tests/support/numbered_id.h"
#include "tests/support/route_node.h"
#include "tests/support/scratch_directory.h"

namespace posthaste::controlplane {
namespace {

using gossip::membership::MemberEventKind;
using gossip::membership::MemberStatus;
using support::eventually;
using support::numbered_id;
using support::steady_ms;

const std::string kKey(32, 'k');

struct Wish {
    std::vector<std::string> keys{};
    std::string cluster = "posthaste";
    std::string keyring{};
    std::uint64_t generation = 1;
    const char* address = "127.0.0.1";
    unsigned routers_max = 100;
    bool alone = false;
};

// Clusters of one process, in one loop, on ports of the kernel's choice.
class Group {
  public:
    // Joins those that are there.
    Cluster& start(const std::string& name, const Wish& wish = {}, std::uint16_t port = 0) {
        ClusterConfig config;
        config.address = routing::IpAddress::from_text(wish.address);
        config.name = wish.cluster;
        config.port = port;
        config.route_port = 0;
        config.profile = ClusterProfile::fast;
        config.keyring = wish.keyring;
        config.routers_max = wish.routers_max;
        for (const auto& [other, cluster] : clusters_) {
            if (!wish.alone) {
                config.seeds.push_back(text_of(cluster->address()));
            }
        }
        ClusterStart start;
        start.generation = {wish.generation, wish.generation + 100};
        start.fabric = *routing::IpAddress::from_text("192.0.2.1");
        start.fabric_port = 4747;
        start.keys = wish.keys;
        start.random_seed = clusters_.size() + 1;
        auto opened = Cluster::open(config, name, start, steady_ms());
        EXPECT_TRUE(opened) << opened.error();
        clusters_[name] = std::move(*opened);
        return *clusters_[name];
    }

    void kill(const std::string& name) { clusters_.erase(name); }

    [[nodiscard]] bool until(const std::function<bool()>& condition) {
        return eventually([&] {
            for (const auto& [name, cluster] : clusters_) {
                for (int i = 0; i < 50 && cluster->turn(steady_ms()); ++i) {
                }
            }
            return condition();
        });
    }

    [[nodiscard]] bool all_linked() const {
        return std::ranges::all_of(clusters_, [this](const auto& entry) {
            const auto routers = entry.second->routers();
            return std::ranges::count_if(routers, &RouterMember::connected) ==
                   static_cast<std::ptrdiff_t>(clusters_.size() - 1);
        });
    }

  private:
    std::map<std::string, std::unique_ptr<Cluster>> clusters_;
};

void attach(Cluster& cluster, std::uint32_t agent) {
    ASSERT_TRUE(
        cluster.routes().own().attach(numbered_id(agent), {}, cluster.claims_ms(steady_ms())));
}

bool is_at(Cluster& seen_by, std::uint32_t agent, const Cluster& where) {
    const auto best = seen_by.routes().store().best(numbered_id(agent));
    return best && best->router == where.self();
}

std::optional<RouterMember> router(const Cluster& seen_by, const Cluster& which) {
    const auto routers = seen_by.routers();
    const auto found = std::ranges::find(routers, which.self(), &RouterMember::id);
    return found == routers.end() ? std::nullopt : std::optional(*found);
}

std::uint64_t refusals(Cluster& cluster, gossip::membership::Refusal why) {
    return cluster.membership().counters().refused[static_cast<std::size_t>(why)];
}

TEST(cluster, two_routers_find_each_other_and_share_claims) {
    for (const auto& keys : {std::vector<std::string>{}, {kKey}}) {
        Group group;
        Cluster& one = group.start("one", {.keys = keys});
        Cluster& two = group.start("two", {.keys = keys});
        attach(one, 1);
        ASSERT_TRUE(group.until([&] { return group.all_linked() && is_at(two, 1, one); }));
        attach(two, 2);
        EXPECT_TRUE(group.until([&] { return is_at(one, 2, two); }));
        const auto seen = router(one, two);
        ASSERT_TRUE(seen);
        EXPECT_EQ(seen->name, "two");
        EXPECT_EQ(seen->route_port, two.route_address().port);
        EXPECT_EQ(seen->fabric.to_text(), "192.0.2.1");
        EXPECT_EQ(seen->fabric_port, 4747);
        EXPECT_EQ(one.membership().alive_count(), two.membership().alive_count());
    }
}

TEST(cluster, seeds_of_a_reload_are_joined) {
    Group group;
    Cluster& one = group.start("one");
    Cluster& two = group.start("two", {.alone = true});
    attach(one, 1);
    ASSERT_TRUE(group.until([&] { return two.counters().turns > 100; }));
    EXPECT_EQ(two.routers().size(), 0U);
    ClusterConfig next;
    next.seeds = {text_of(one.address())};
    two.set_config(next);
    EXPECT_TRUE(group.until([&] { return group.all_linked() && is_at(two, 1, one); }));
}

TEST(cluster, it_works_over_ipv6) {
    Group group;
    Cluster& one = group.start("one", {.keys = {kKey}, .address = "::1"});
    Cluster& two = group.start("two", {.keys = {kKey}, .address = "::1"});
    attach(one, 1);
    EXPECT_TRUE(group.until([&] { return group.all_linked() && is_at(two, 1, one); }));
}

TEST(cluster, three_routers_know_each_other_though_they_joined_by_one) {
    Group group;
    Cluster& one = group.start("one");
    Cluster& two = group.start("two");
    Cluster& three = group.start("three");
    attach(one, 1);
    attach(two, 2);
    attach(three, 3);
    EXPECT_TRUE(group.until([&] {
        return group.all_linked() && is_at(one, 3, three) && is_at(two, 1, one) &&
               is_at(three, 2, two);
    }));
}

TEST(cluster, a_wrong_key_is_refused_and_counted) {
    Group group;
    Cluster& one = group.start("one", {.keys = {kKey}});
    Cluster& two = group.start("two", {.keys = {std::string(16, 'x')}});
    EXPECT_TRUE(group.until([&] {
        return refusals(one, gossip::membership::Refusal::bad_seal) +
                   refusals(two, gossip::membership::Refusal::bad_seal) >
               0;
    }));
    EXPECT_EQ(one.routers().size() + two.routers().size(), 0U);
}

TEST(cluster, a_router_of_another_cluster_is_refused_and_counted) {
    Group group;
    Cluster& one = group.start("one", {.cluster = "here"});
    Cluster& two = group.start("two", {.cluster = "there"});
    const auto foreign = [](const Cluster& cluster) {
        return cluster.counters()
            .members_refused[static_cast<std::size_t>(MemberRefusal::foreign_id)];
    };
    EXPECT_TRUE(group.until([&] { return foreign(one) > 0 && foreign(two) > 0; }));
    EXPECT_EQ(one.routers().size() + two.routers().size(), 0U);
    EXPECT_EQ(one.counters().links.dialled + two.counters().links.dialled, 0U);
}

TEST(cluster, a_router_too_many_is_refused_and_the_log_says_why) {
    testing::internal::CaptureStderr();
    Group group;
    Cluster& one = group.start("one", {.routers_max = 1});
    group.start("two");
    group.start("three");
    const bool refused = group.until([&] {
        return one.counters().members_refused[static_cast<std::size_t>(MemberRefusal::too_many)] >
               0;
    });
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(refused);
    EXPECT_NE(log.find("[cluster] routers_max"), std::string::npos) << log;
    EXPECT_EQ(log.find("tags"), std::string::npos) << log;
}

TEST(cluster, a_router_that_is_killed_is_seen_to_fail_and_its_claims_hold_no_more) {
    Group group;
    Cluster& one = group.start("one");
    Cluster& two = group.start("two");
    Cluster& three = group.start("three");
    attach(three, 1);
    ASSERT_TRUE(group.until(
        [&] { return group.all_linked() && is_at(one, 1, three) && is_at(two, 1, three); }));
    const auto gone = three.self();
    group.kill("three");
    const auto out = [gone](const Cluster& cluster) {
        const auto routers = cluster.routers();
        const auto found = std::ranges::find(routers, gone, &RouterMember::id);
        return found != routers.end() && found->membership == gossip::claims::Membership::out &&
               !found->connected;
    };
    EXPECT_TRUE(group.until([&] { return out(one) && out(two); }));
    EXPECT_FALSE(one.routes().store().best(numbered_id(1)));
    EXPECT_FALSE(two.routes().store().best(numbered_id(1)));
    EXPECT_EQ(one.membership().member("three")->status, MemberStatus::failed);
    // And nobody who comes later believes them, though the others still have them.
    Cluster& four = group.start("four");
    EXPECT_TRUE(group.until([&] {
        return router(four, one) && router(four, one)->connected &&
               four.routes().store().keyspace(gone) != nullptr;
    }));
    EXPECT_FALSE(four.routes().store().best(numbered_id(1)));
}

TEST(cluster, a_router_that_restarts_has_its_claims_replaced) {
    Group group;
    Cluster& one = group.start("one");
    const SocketAddress place = group.start("two").address();
    attach(one, 9);
    ASSERT_TRUE(group.until([&] { return group.all_linked(); }));
    group.kill("two");
    Cluster& again = group.start("two", {.generation = 2}, place.port);
    attach(again, 2);
    EXPECT_TRUE(group.until(
        [&] { return group.all_linked() && is_at(one, 2, again) && is_at(again, 9, one); }));
    EXPECT_EQ(one.routes().store().row(again.self())->at.generation.counter, 2U);
}

TEST(cluster, one_that_leaves_is_not_taken_for_one_that_failed) {
    Group group;
    Cluster& one = group.start("one");
    Cluster& two = group.start("two");
    ASSERT_TRUE(group.until([&] { return group.all_linked(); }));
    two.membership().leave(steady_ms());
    EXPECT_TRUE(group.until([&] {
        const auto member = one.membership().member("two");
        return two.membership().left() && member && member->status == MemberStatus::left;
    }));
    EXPECT_EQ(router(one, two)->membership, gossip::claims::Membership::out);
}

TEST(cluster, keys_that_change_are_kept) {
    const support::ScratchDirectory scratch;
    Group group;
    const std::vector<std::string> first = {kKey};
    for (const char* const name : {"one", "two"}) {
        ASSERT_TRUE(write_keyring(scratch / name, first));
    }
    Cluster& one = group.start("one", {.keys = first, .keyring = scratch / "one"});
    group.start("two", {.keys = first, .keyring = scratch / "two"});
    ASSERT_TRUE(group.until([&] { return group.all_linked(); }));
    const std::string fresh(16, 'n');
    using gossip::membership::KeyAction;
    for (const KeyAction action : {KeyAction::install, KeyAction::use}) {
        const auto asked =
            one.membership().ask_keys(action, gossip::seal::key_text(fresh), steady_ms());
        ASSERT_TRUE(asked) << asked.error();
        ASSERT_TRUE(group.until([&] {
            const auto events = one.take_member_events();
            return std::ranges::any_of(events, [&](const auto& event) {
                return event.kind == MemberEventKind::keys_answered &&
                       event.keys.number == *asked && event.keys.errors == 0;
            });
        }));
    }
    const std::vector<std::string> kept = {fresh, kKey};
    EXPECT_TRUE(group.until([&] {
        return read_keyring(scratch / "one").value() == kept &&
               read_keyring(scratch / "two").value() == kept;
    }));
    attach(one, 1);
    EXPECT_TRUE(group.until([&] { return group.all_linked(); }));
}

TEST(cluster, garbage_and_callers_without_end_do_not_keep_routers_apart) {
    Group group;
    Cluster& one = group.start("one", {.keys = {kKey}});
    const SocketAddress at = one.address();
    const SocketAddress any = seed_address("127.0.0.1", 0).value();
    Watch watch = Watch::open().value();
    Datagrams noise(open_datagrams(any).value());
    ASSERT_TRUE(noise.watch(watch));
    for (std::uint8_t i = 0; i < 200; ++i) {
        noise.send({.to = at, .bytes = std::vector<std::uint8_t>(i, i)});
        noise.flush(watch);
    }
    std::vector<Descriptor> callers;
    for (int i = 0; i < 300; ++i) {
        if (auto caller = begin_connect(ip_of(any), at)) {
            callers.push_back(std::move(*caller));
        }
    }
    Cluster& two = group.start("two", {.keys = {kKey}});
    EXPECT_TRUE(group.until([&] { return group.all_linked(); }));
    EXPECT_GE(refusals(one, gossip::membership::Refusal::plaintext), 190U);
    EXPECT_TRUE(router(two, one)->connected);
}

TEST(cluster, a_port_in_use_is_an_error_in_one_sentence) {
    Group group;
    const Cluster& one = group.start("one");
    ClusterConfig config;
    config.address = routing::IpAddress::from_text("127.0.0.1");
    config.port = one.address().port;
    config.route_port = 0;
    const auto second = Cluster::open(config, "two", {}, steady_ms());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find(text_of(one.address())), std::string::npos) << second.error();
}

TEST(cluster, a_bad_key_or_seed_is_an_error_in_one_sentence) {
    ClusterConfig config;
    config.address = routing::IpAddress::from_text("127.0.0.1");
    config.port = 0;
    config.route_port = 0;
    EXPECT_EQ(Cluster::open(config, "one", {.keys = {"short"}}, 0).error(),
              "cluster keys: A key has 16, 24 or 32 bytes, not 5.");
    config.seeds = {"nowhere"};
    EXPECT_FALSE(Cluster::open(config, "one", {}, 0));
}

}  // namespace
}  // namespace posthaste::controlplane
