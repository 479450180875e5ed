// SPDX-License-Identifier: BSD-3-Clause
// Goal: that an lcore remembers the way of a conversation changes nothing but what a frame costs.
// Method: the same history twice, agents that come, move, drain and go, routers that are out, sets
// that change, names that lead elsewhere, time that passes, and bursts of few conversations in
// between; once as it is, and once with a change before each burst that concerns nobody, but makes
// all ways be forgotten. Every frame must fare alike.
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
constexpr std::uint16_t kNobodysRouter = routing::RouterMask::kRoutersMax - 1;

class History {
  public:
    History(std::uint32_t seed, bool with_ways) : random_(seed), ways_(with_ways) {
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

    // What became of each burst.
    std::vector<std::string> live() {
        std::vector<std::string> fates;
        for (unsigned step = 0; step < kSteps; ++step) {
            if (below(4) == 0) {
                act();
            }
            if (!ways_) {
                router_.fib().routers().set_out(kNobodysRouter, step % 2 == 0);
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
        entry.version = ++version_;
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
        switch (below(12)) {
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
            case 10:
                lead(kNames[below(2)]);
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

    // To one of the sets, or for a while only, or to none.
    void lead(std::string_view name) {
        switch (below(6)) {
            case 0:
                router_.fib().remove(routing::capability_key(routing::capability_id(name)));
                break;
            case 1:
                router_.lead(name, sets_[below(2)], now_ms_ + below(400));
                break;
            case 2:
                router_.lead(name, 0);
                break;
            default:
                router_.lead(name, sets_[below(2)]);
                break;
        }
    }

    FrameSpec frame_of_conversation(routing::Strategy strategy) {
        FrameSpec spec = to_capability(kNames[below(2)], To::any, below(kConversations), strategy);
        if (below(4) == 0) {  // from one that may have it, too
            spec.source = agent(kFirst);
            spec.source_mac = mac(kFirst);
            spec.source_ip = ipv4(kFirst);
        }
        return spec;
    }

    // What becomes of a burst. Of one strategy: a frame that moves its conversation does so for the
    // next burst, not for the one behind it.
    std::string send() {
        const auto strategy = static_cast<routing::Strategy>(below(3) == 0 ? below(4) : 0);
        const std::uint16_t port = below(4) == 0 ? kFabric : kEdge;
        const auto before = drops(port);
        for (std::uint32_t left = 1 + below(3); left > 0; --left) {
            FrameSpec spec = frame_of_conversation(strategy);
            if (port == kFabric) {
                from_fabric(spec);
            }
            router_.arrive(port, build(spec));
        }
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
    bool ways_;
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
            ASSERT_EQ(followed[i], chosen[i]) << "seed " << seed << ", burst " << i;
        }
        EXPECT_GT(history.remembered(), remembered + kSteps / 100) << "hardly a way was noted";
    }
}
