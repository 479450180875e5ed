// SPDX-License-Identifier: BSD-3-Clause
// Goal: that an lcore remembers the way of a conversation changes nothing but what a frame costs.
// Method: the same history twice, agents that come, move, drain and go, routers that are out, sets
// that change, time that passes, and frames of few conversations in between; once with entries that
// have a version, so that ways are noted, and once without. Every frame must fare alike.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/support/capability_router.h"
#include "tests/support/eal_fixture.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;

namespace {

constexpr std::array<std::string_view, 2> kNames = {"vision/detect:2", "speech/say"};
constexpr std::uint32_t kFirst = 60;  // agents on kEdge that may have them
constexpr std::uint32_t kAgents = 5;
constexpr unsigned kSteps = 3'000;
constexpr std::uint64_t kConversations = 5;

class History {
  public:
    History(std::uint32_t seed, bool with_versions) : random_(seed), versions_(with_versions) {
        for (std::uint32_t i = 0; i < kAgents; ++i) {
            come(kFirst + i);
        }
        remote(kRemote, kRouter, kRouterNumber);
        remote(kRemoteIpv6, kRouterIpv6, kRouterIpv6Number);
        for (const std::string_view name : kNames) {
            sets_.push_back(router_.provide(name, {}));
            change_set(sets_.back());
        }
    }

    // What became of each frame.
    std::vector<std::string> live() {
        std::vector<std::string> fates;
        for (unsigned step = 0; step < kSteps; ++step) {
            if (below(4) == 0) {
                act();
            }
            fates.push_back(send());
        }
        EXPECT_EQ(router_.broken_law(), "");
        return fates;
    }

    [[nodiscard]] std::uint64_t remembered() { return router_.capabilities().remembered.read(); }

  private:
    std::uint32_t below(std::uint32_t count) {
        return static_cast<std::uint32_t>(random_()) % count;
    }

    void set(routing::FibEntry entry) {
        ++version_;
        entry.version = versions_ ? version_ : 0;
        ASSERT_TRUE(router_.fib().set(entry, 0));
    }

    // Or moves, or changes its state.
    void come(std::uint32_t number) {
        constexpr std::array kStates = {routing::AgentState::running,
                                        routing::AgentState::running,
                                        routing::AgentState::draining,
                                        routing::AgentState::stopped};
        routing::FibEntry entry = edge_agent(number);
        entry.state = kStates[below(kStates.size())];
        entry.endpoint.udp_port = static_cast<std::uint16_t>(5'000 + below(1'000));
        set(entry);
    }

    void remote(std::uint32_t number, std::uint16_t adjacency, std::uint16_t router) {
        routing::FibEntry entry;
        entry.agent = agent(number);
        entry.kind = routing::RouteKind::remote;
        entry.endpoint.adjacency = adjacency;
        entry.router = router;
        entry.fresh_until_ms = below(2) == 0 ? 0 : now_ms_ + below(400);
        set(entry);
    }

    void change_set(std::uint32_t set) {
        std::vector<routing::ProviderChange> changes;
        const auto perhaps = [this, &changes](std::uint32_t number) {
            if (below(3) != 0 && router_.fib().find(agent(number)) != nullptr) {
                changes.push_back({false, router_.provider(number)});
            }
        };
        for (std::uint32_t i = 0; i < kAgents; ++i) {
            perhaps(kFirst + i);
        }
        perhaps(kSender);
        perhaps(kRemote);
        perhaps(kRemoteIpv6);
        router_.provider_sets().publish(set, routing::ProviderSet::make(nullptr, changes));
    }

    void act() {
        const std::uint32_t number = kFirst + below(kAgents);
        switch (below(10)) {
            case 0:
                router_.fib().remove(agent(number));
                break;
            case 1:
            case 2:
                come(number);
                break;
            case 3:
            case 8:
            case 9:
                router_.fib().routers().set_out(below(2) == 0 ? kRouterNumber : kRouterIpv6Number,
                                                below(2) == 0);
                break;
            case 4:
                remote(kRemote, kRouter, kRouterNumber);
                break;
            case 5:
                change_set(sets_[below(2)]);
                break;
            case 6: {
                World world = small_world();
                world.local_first = below(2) == 0;
                router_.publish(world);
                break;
            }
            default:
                router_.set_ms(now_ms_ += below(200));
                break;
        }
    }

    std::string send() {
        FrameSpec spec =
            to_capability(kNames[below(2)],
                          To::any,
                          below(kConversations),
                          static_cast<routing::Strategy>(below(3) == 0 ? below(4) : 0));
        std::uint16_t port = kEdge;
        switch (below(4)) {
            case 0:
                from_fabric(spec);
                port = kFabric;
                break;
            case 1:  // one that may have it, too
                spec.source = agent(kFirst);
                spec.source_mac = mac(kFirst);
                spec.source_ip = ipv4(kFirst);
                break;
            default:
                break;
        }
        const auto before = drops(port);
        router_.arrive(port, build(spec));
        router_.turn();
        std::string fate;
        for (const std::uint16_t at : {kEdge, kFabric}) {
            for (const FrameBytes& frame : router_.leave(at)) {
                fate.append(frame.begin(), frame.end());
            }
        }
        const auto after = drops(port);
        for (std::size_t why = 0; why < after.size(); ++why) {
            if (after[why] != before[why]) {
                fate += routing::kDropNames[why];
            }
        }
        return fate;
    }

    std::array<std::uint64_t, routing::kDropCount> drops(std::uint16_t port) {
        std::array<std::uint64_t, routing::kDropCount> all;
        for (std::size_t why = 0; why < all.size(); ++why) {
            all[why] = router_.port(port).drops[why].read();
        }
        return all;
    }

    std::mt19937 random_;
    bool versions_;
    std::uint32_t version_ = 0;
    std::uint32_t now_ms_ = 1;
    CapabilityRouter router_;
    std::vector<std::uint32_t> sets_;
};

}  // namespace

TEST(conversation_ways, change_nothing_but_the_cost) {
    for (std::uint32_t seed = 1; seed <= 8; ++seed) {
        std::vector<std::string> chosen;
        std::uint64_t remembered = 0;
        {
            History history(seed, false);
            chosen = history.live();
            remembered = history.remembered();
        }
        History history(seed, true);
        const std::vector<std::string> followed = history.live();
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            ASSERT_EQ(followed[i], chosen[i]) << "seed " << seed << ", frame " << i;
        }
        EXPECT_GT(history.remembered(), remembered + kSteps / 100) << "hardly a way was noted";
    }
}
