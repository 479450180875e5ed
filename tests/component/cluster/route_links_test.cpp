// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/route_links.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/eventually.h"
#include "tests/support/numbered_id.h"
#include "tests/support/route_node.h"

namespace posthaste::controlplane {
namespace {

using gossip::claims::Refusal;
using gossip::membership::MemberEventKind;
using gossip::membership::MemberStatus;
using gossip::seal::StreamRefusal;
using support::eventually;
using support::numbered_id;
using support::RouteNode;
using support::RouteNodeOptions;

const std::string kKey(32, 'k');

// Two routers that know of each other.
struct Two {
    explicit Two(const RouteNodeOptions& of_one = {}, const RouteNodeOptions& of_other = {})
        : one("one", of_one), other("other", of_other) {
        one.meet(other);
        other.meet(one);
    }

    [[nodiscard]] bool until(const std::function<bool()>& condition) {
        return eventually([&] {
            one.turn();
            other.turn();
            return condition();
        });
    }

    [[nodiscard]] bool linked() const { return one.linked_to(other) && other.linked_to(one); }

    RouteNode& caller() { return one.id() < other.id() ? one : other; }

    RouteNode& called() { return one.id() < other.id() ? other : one; }

    RouteNode one;
    RouteNode other;
};

void attach(RouteNode& node, std::uint32_t agent) {
    ASSERT_TRUE(node.plane().own().attach(numbered_id(agent), {}, support::steady_ms()));
}

bool is_at(RouteNode& seen_by, std::uint32_t agent, const RouteNode& where) {
    const auto best = seen_by.plane().store().best(numbered_id(agent));
    return best && best->router == where.id();
}

// A socket that connects to a node's port and says what it is told to.
class Stranger {
  public:
    explicit Stranger(const RouteNode& node)
        : socket_(begin_connect(ip_of(RouteNode::loopback(0)), RouteNode::loopback(node.port()))
                      .value()),
          tcp_(std::move(socket_), {Watched::route_link, 1}, false),
          watch_(Watch::open().value()) {
        EXPECT_TRUE(tcp_.watch(watch_));
    }

    void say(std::span<const std::uint8_t> bytes) {
        tcp_.out().insert(tcp_.out().end(), bytes.begin(), bytes.end());
        static_cast<void>(tcp_.flush(watch_));
    }

    [[nodiscard]] bool ended() {
        static_cast<void>(tcp_.flush(watch_));
        std::array<std::uint8_t, 4'096> room;
        std::size_t count = 0;
        return tcp_.read(room, count) == TcpStream::Read::ended;
    }

  private:
    Descriptor socket_;
    TcpStream tcp_;
    Watch watch_;
};

TEST(route_links, two_routers_link_up_and_tell_each_other_their_claims) {
    for (const std::string& key : {std::string(), kKey}) {
        Two two({.key = key}, {.key = key});
        attach(two.one, 1);
        ASSERT_TRUE(two.until([&] { return is_at(two.other, 1, two.one); }));
        EXPECT_TRUE(two.linked());
        attach(two.other, 2);
        EXPECT_TRUE(two.until([&] { return is_at(two.one, 2, two.other); }));
        EXPECT_EQ(two.caller().links().counters().dialled, 1U);
        EXPECT_EQ(two.called().links().counters().dialled, 0U);
        EXPECT_EQ(two.called().links().counters().accepted, 1U);
        EXPECT_TRUE(two.one.routers().find(two.other.id())->connected);
    }
}

TEST(route_links, a_wrong_key_is_refused_by_name_and_called_less_often) {
    Two two({.key = kKey}, {.key = std::string(16, 'x')});
    const auto wrong = [&two] { return two.called().refused(StreamRefusal::wrong_key); };
    ASSERT_TRUE(two.until([&] { return wrong() == 1; }));
    const std::uint64_t refused_ms = support::steady_ms();
    ASSERT_TRUE(two.until([&] { return wrong() == 2; }));
    EXPECT_GE(support::steady_ms() - refused_ms, Backoff::kRefusedFirstMs / 2 - 50);
    EXPECT_FALSE(two.linked());
    EXPECT_EQ(two.called().plane().sessions(), 0U);
}

TEST(route_links, sealed_and_plain_refuse_each_other_by_name) {
    Two two({.key = kKey}, {});
    EXPECT_TRUE(two.until([&] {
        return two.one.refused(StreamRefusal::plaintext) > 0 &&
               two.other.refused(StreamRefusal::sealed) > 0;
    }));
    EXPECT_EQ(two.one.plane().sessions() + two.other.plane().sessions(), 0U);
}

TEST(route_links, another_clusters_messages_are_refused_by_name) {
    Two two({.key = kKey}, {.key = kKey, .spoken = "elsewhere"});
    EXPECT_TRUE(two.until([&] {
        return two.one.refused(Refusal::wrong_cluster) + two.other.refused(Refusal::wrong_cluster) >
               0;
    }));
    EXPECT_FALSE(two.linked());
}

TEST(route_links, a_router_that_is_not_a_member_is_not_let_in) {
    RouteNode here("one", {});
    RouteNode there("other", {});
    RouteNode& caller = here.id() < there.id() ? here : there;
    RouteNode& called = here.id() < there.id() ? there : here;
    caller.meet(called);  // and not the other way round
    EXPECT_TRUE(eventually([&] {
        caller.turn();
        called.turn();
        return called.refused(LinkRefusal::unknown_source) > 1;
    }));
    EXPECT_EQ(called.links().count(), 0U);
    called.meet(caller);
    EXPECT_TRUE(eventually([&] {
        caller.turn();
        called.turn();
        return called.linked_to(caller);
    }));
}

TEST(route_links, a_router_that_takes_anothers_id_is_refused_by_name) {
    Two two;
    ASSERT_TRUE(two.until([&] { return two.linked(); }));
    Stranger stranger(two.one);
    const gossip::seal::Keyring none;
    const gossip::seal::SealedStream seal(none, true, {7}, {});
    stranger.say(seal.preamble());
    stranger.say(gossip::claims::encode(gossip::claims::Hello{gossip::claims::RouterId{77}},
                                        gossip::claims::cluster_hash("posthaste")));
    EXPECT_TRUE(two.until([&] { return stranger.ended(); }));
    EXPECT_EQ(two.one.refused(LinkRefusal::foreign_router), 1U);
    EXPECT_TRUE(two.linked());
}

TEST(route_links, garbage_and_silence_end_by_name) {
    Two two({.limits = {.handshake_ms = 200}}, {});
    Stranger garbage(two.one);
    garbage.say(std::vector<std::uint8_t>(64, 'G'));
    Stranger silent(two.one);
    EXPECT_TRUE(two.until([&] { return garbage.ended() && silent.ended(); }));
    EXPECT_EQ(two.one.refused(StreamRefusal::not_a_router), 1U);
    EXPECT_EQ(two.one.refused(LinkRefusal::handshake_timeout), 1U);
    EXPECT_TRUE(two.until([&] { return two.linked(); }));
}

TEST(route_links, whoever_opens_many_connections_gets_few) {
    Two two({.limits = {.strangers_max = 3, .calls_per_second = 10}}, {});
    ASSERT_TRUE(two.until([&] { return two.linked(); }));
    std::vector<std::unique_ptr<Stranger>> strangers;
    for (int i = 0; i < 40; ++i) {
        strangers.push_back(std::make_unique<Stranger>(two.one));
    }
    EXPECT_TRUE(two.until([&] {
        return two.one.refused(LinkRefusal::too_many_links) +
                   two.one.refused(LinkRefusal::too_often) >=
               37;
    }));
    EXPECT_GT(two.one.refused(LinkRefusal::too_many_links), 0U);
    EXPECT_GT(two.one.refused(LinkRefusal::too_often), 0U);
    EXPECT_LE(two.one.links().count(), 4U);
    EXPECT_TRUE(two.linked());
}

TEST(route_links, a_peer_that_never_reads_is_left) {
    RouteNodeOptions small;
    small.plane.out_max = 64 * 1'024;
    small.plane.out_low = 32 * 1'024;
    RouteNode node("one", small);
    RouteNode other("other", {});
    node.meet(other);
    Stranger stranger(node);
    const gossip::seal::Keyring none;
    const gossip::seal::SealedStream seal(none, true, {7}, {});
    stranger.say(seal.preamble());
    stranger.say(gossip::claims::encode(gossip::claims::Hello{other.id()},
                                        gossip::claims::cluster_hash("posthaste")));
    EXPECT_TRUE(eventually([&] {
        node.turn();
        // As much as one asks of it, and none of it read.
        for (std::uint32_t i = 0; i < 1'000; ++i) {
            node.plane().discover(numbered_id(i));
        }
        return node.refused(Refusal::slow_peer) > 0 && node.links().count() == 0;
    }));
}

TEST(route_links, a_router_that_fails_is_hung_up_on_and_called_again_when_it_recovers) {
    Two two;
    attach(two.other, 1);
    ASSERT_TRUE(two.until([&] { return is_at(two.one, 1, two.other); }));
    two.one.meet(two.other, MemberEventKind::failed, MemberStatus::failed);
    two.other.meet(two.one, MemberEventKind::failed, MemberStatus::failed);
    EXPECT_FALSE(two.one.linked_to(two.other));
    EXPECT_FALSE(two.one.plane().store().best(numbered_id(1)));
    two.one.meet(two.other);
    two.other.meet(two.one);
    EXPECT_TRUE(two.until([&] { return two.linked(); }));
    EXPECT_TRUE(is_at(two.one, 1, two.other));
}

TEST(route_links, many_claims_cross_a_sealed_link) {
    Two two({.key = kKey}, {.key = kKey});
    constexpr std::uint32_t kAgents = 50'000;
    for (std::uint32_t agent = 1; agent <= kAgents; ++agent) {
        attach(two.one, agent);
    }
    ASSERT_TRUE(two.until([&] { return is_at(two.other, kAgents, two.one); }));
    EXPECT_TRUE(is_at(two.other, 1, two.one));
    EXPECT_EQ(two.one.plane().store().root(), two.other.plane().store().root());
}

TEST(route_links, keys_rotate_under_a_link) {
    Two two({.key = kKey}, {.key = kKey});
    ASSERT_TRUE(two.until([&] { return two.linked(); }));
    const std::string fresh(16, 'n');
    ASSERT_TRUE(two.other.keyring().install(fresh));
    ASSERT_TRUE(two.one.keyring().install(fresh));
    ASSERT_TRUE(two.one.keyring().use(fresh));
    attach(two.one, 1);
    EXPECT_TRUE(two.until([&] { return is_at(two.other, 1, two.one); }));
    EXPECT_EQ(two.caller().links().counters().dialled, 1U);
}

}  // namespace
}  // namespace posthaste::controlplane
