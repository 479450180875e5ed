// SPDX-License-Identifier: BSD-3-Clause
// RouteCare: what the control thread does for the lcores' lookups, besides the routes themselves.
//
// Once per cycle it takes the agents that nobody knows to Discovery and the samples of used routes
// to AccessLog, collects what other routers sent here in error, goes on with a change of the hash
// key, and hands agents that are expected to be asked for to the lcores' caches: at start those of
// the last run, after a change of the key, which empties the caches, those used most. Control
// thread only; each part is bounded per cycle.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "controlplane/rekeying.h"
#include "dataplane/misrouted.h"
#include "dataplane/route_use.h"
#include "routing/access_log.h"
#include "routing/discovery.h"
#include "routing/fib.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

// One lcore's, all of them the Worker's.
struct LcoreRings {
    dataplane::SpscRing<routing::AgentId>* wanted;
    dataplane::SpscRing<dataplane::Misrouted>* misrouted;
    dataplane::SpscRing<dataplane::RouteUse>* uses;
    dataplane::SpscRing<routing::AgentId>* expected;
};

class RouteCare {
  public:
    // The rings and the Fib outlive it.
    RouteCare(routing::Fib& fib,
              std::vector<LcoreRings> lcores,
              const routing::DiscoveryOptions& discovery = {});

    // One cycle.
    void turn(std::uint64_t now_ms);

    // What the last cycle found; the next one forgets what nobody took.
    [[nodiscard]] std::vector<dataplane::Misrouted> take_misrouted() {
        return std::exchange(misrouted_, {});
    }

    // Around a change of the Fib: before what is there goes, and when the new entry is in.
    void before_removal(const routing::AgentId& agent);
    void after_set(const routing::AgentId& agent, std::uint64_t now_ms);

    // Of the last run, at most kWarmMax: who is there is warmed now, the others when they come.
    void expect(std::vector<routing::AgentId> agents);
    // Has the caches of all lcores filled with them, in this order, as they find the time; instead
    // of what still waits.
    void warm(std::vector<routing::AgentId> agents);

    // Agents by use, most used first.
    struct Used {
        const routing::FibEntry* entry;
        routing::AccessLog::Use use;
    };

    [[nodiscard]] std::vector<Used> most_used(std::size_t count, std::uint64_t now_ms) const;
    [[nodiscard]] std::vector<routing::AgentId> most_used_agents(std::uint64_t now_ms) const;

    [[nodiscard]] const routing::AccessLog& access() const noexcept { return access_; }

    [[nodiscard]] routing::Discovery& discovery() noexcept { return discovery_; }

    [[nodiscard]] Rekeying& rekeying() noexcept { return rekeying_; }

    // Agents handed to caches, all lcores together; and those that still wait.
    [[nodiscard]] std::uint64_t warmed() const noexcept { return warmed_; }

    [[nodiscard]] std::uint64_t still_to_warm() const noexcept;

  private:
    void take_wanted(std::uint64_t now_ms);
    void find_misrouted();
    void take_uses(std::uint64_t now_ms);
    void hand_out();

    routing::Fib& fib_;
    std::vector<LcoreRings> lcores_;
    routing::Discovery discovery_;
    routing::AccessLog access_;
    Rekeying rekeying_;
    std::vector<dataplane::Misrouted> misrouted_;
    std::vector<routing::AgentId> expected_;
    std::unordered_set<routing::AgentId, routing::AgentIdHash> awaited_;  // not there yet
    std::vector<std::size_t> handed_;  // by lcore: how many of these it has
    std::uint64_t warmed_ = 0;
};

}  // namespace posthaste::controlplane
