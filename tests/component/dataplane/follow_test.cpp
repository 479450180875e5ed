// SPDX-License-Identifier: BSD-3-Clause
// Goal: what a conversation's last frame learnt is used for nobody else's, and not remembered where
// it may be outdated already. Method: the cases a random history will not find, made on purpose.
#include "dataplane/follow.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "dataplane/capability.h"
#include "dataplane/lookup.h"
#include "dataplane/parse.h"
#include "dataplane/receive.h"
#include "tests/support/capability_router.h"
#include "tests/support/eal_fixture.h"
#include "tests/support/fake_mbuf.h"
#include "tests/support/hash_key.h"
#include "tests/support/small_fib.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;
using routing::AgentId;

namespace {

constexpr std::uint32_t kReader = 60;
constexpr std::uint32_t kSpeaker = 61;

// With this conversation the capability's key is 0, as it is for any other capability with its own.
std::uint64_t conversation_of_key_0(std::string_view name) {
    const AgentId id = routing::capability_id(name);
    std::uint64_t half;
    std::memcpy(&half, id.bytes.data(), sizeof half);
    EXPECT_EQ(routing::conversation_key(half, id), 0U);
    return half;
}

// The stages by themselves, so that the control thread may come between two steps of one.
class follow_stage : public testing::Test {
  protected:
    void TearDown() override { small_.grace.offline(0); }

    std::uint32_t set_of(std::uint32_t number) {
        EXPECT_TRUE(small_.fib->set(edge_agent(number), 0));
        routing::Provider provider;
        provider.agent = agent(number);
        provider.cell = small_.fib->find(agent(number))->cell;
        const std::uint32_t set = sets_.take_number();
        const std::vector<routing::ProviderChange> changes = {{false, provider}};
        sets_.publish(set, routing::ProviderSet::make(nullptr, changes));
        return set;
    }

    void lead(const AgentId& id, std::uint32_t set) {
        routing::FibEntry entry;
        entry.agent = routing::capability_key(id);
        entry.kind = routing::RouteKind::capability;
        entry.set_provider_set(set);
        ASSERT_TRUE(small_.fib->set(entry, 0));
    }

    // A frame to an agent and one to any, which are asked for one after the other.
    template <typename Between>
    AgentId recipient(const FrameSpec& to_any, Between&& between) {
        FrameSpec spec;
        spec.destination = agent(kReceiver);
        FakeFrame first(build(spec));
        FakeFrame second(build(to_any));
        std::array<rte_mbuf*, 2> frames = {first.mbuf(), second.mbuf()};
        const CapabilityTables tables{
            world_, *small_.fib, sets_, conversations_, names_, counters_};
        const PortView& port = world_.ports[kEdge];
        begin(burst_, kEdge, 1);
        take(burst_, frames);
        parse(burst_, LaneMask::first(2), port, routing::PlainRules(port.rules));
        ask(burst_, LaneMask::range(0, 1), port, asked_, conversing_, *small_.resolver, tables);
        between();
        ask(burst_, LaneMask::range(1, 1), port, asked_, conversing_, *small_.resolver, tables);
        dataplane::lookup(burst_, asked_, conversing_, *small_.resolver, tables, wanted_);
        capability(burst_, conversing_, tables);
        small_.grace.quiescent(0);
        return burst_.target[1]->agent;
    }

    [[nodiscard]] bool has_way() {
        return conversations_.recall(conversations_.hash(conversing_.key[1])) != nullptr;
    }

    SmallFib small_;
    routing::ProviderSets sets_{small_.grace, 8};

  private:
    const World world_ = small_world();
    routing::Conversations conversations_{64};
    NameCheck names_;
    CapabilityCounters counters_;
    Asked asked_;
    Conversing conversing_{1};
    Burst burst_;
    SpscRing<AgentId> wanted_{63};
};

}  // namespace

TEST(follow, two_capabilities_with_the_same_key_are_two) {
    constexpr std::array<std::string_view, 2> kNames = {"vision/ocr", "speech/say"};
    constexpr std::array<std::uint32_t, 2> kProviders = {kReader, kSpeaker};
    CapabilityRouter router;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        ASSERT_TRUE(router.fib().set(edge_agent(kProviders[i]), 0));
        router.provide(kNames[i], {kProviders[i]});
    }
    for (unsigned round = 0; round < 4; ++round) {
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            for (unsigned frame = 0; frame < 3; ++frame) {
                router.arrive(
                    kEdge,
                    build(to_capability(kNames[i], To::any, conversation_of_key_0(kNames[i]))));
                router.turn();
                const std::vector<FrameBytes> left = router.leave(kEdge);
                ASSERT_EQ(left.size(), 1U);
                const routing::Mac expected = mac(static_cast<std::uint8_t>(kProviders[i]));
                EXPECT_EQ(std::memcmp(left[0].data(), expected.bytes.data(), 6), 0) << kNames[i];
            }
        }
    }
    EXPECT_GT(router.capabilities().remembered.read(), 0U) << "none was followed";
}

TEST_F(follow_stage, what_an_index_says_that_is_not_asked_any_more_is_not_remembered) {
    const FrameSpec spec = to_capability("vision/ocr", To::any, 7);
    const std::uint32_t before = set_of(kReader);
    const std::uint32_t after = set_of(kSpeaker);
    lead(spec.destination, before);
    const AgentId found = recipient(spec, [&] {
        ASSERT_TRUE(small_.fib->rekey_start(support::hash_key(2)));
        ASSERT_TRUE(small_.fib->rekey_step(1'000'000));
        lead(spec.destination, after);
    });
    EXPECT_EQ(found, agent(kReader)) << "asked for before the change";
    EXPECT_FALSE(has_way());
    for (unsigned frame = 0; frame < 3; ++frame) {
        EXPECT_EQ(recipient(spec, [] {}), agent(kSpeaker));
        EXPECT_TRUE(has_way());
    }
}
