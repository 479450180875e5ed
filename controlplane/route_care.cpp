// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/route_care.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controlplane/warm_list.h"

namespace posthaste::controlplane {

namespace {

using routing::AgentId;

// Per lcore and cycle.
constexpr std::size_t kWantedPerCycle = 64;
constexpr std::size_t kMisroutedPerCycle = 16;
constexpr std::size_t kUsesPerCycle = 256;
constexpr std::size_t kExpectedPerCycle = 128;

// Others may have it, for all that is known here. A capability may have been found to match no
// pattern, and then has an entry that says so; a remote route may be past its time, or of a router
// that is out.
bool may_be_elsewhere(const routing::FibEntry* entry,
                      const routing::RouterMask& routers,
                      std::uint64_t now_ms) {
    if (entry == nullptr) {
        return true;
    }
    switch (entry->kind) {
        case routing::RouteKind::capability:
            return entry->provider_set() == 0;
        case routing::RouteKind::remote:
            return !entry->fresh(static_cast<std::uint32_t>(now_ms)) || routers.out(entry->router);
        case routing::RouteKind::local:
            break;
    }
    return false;
}

}  // namespace

RouteCare::RouteCare(routing::Fib& fib,
                     std::vector<LcoreRings> lcores,
                     const routing::DiscoveryOptions& discovery)
    : fib_(fib),
      lcores_(std::move(lcores)),
      discovery_(discovery),
      access_(fib.entry_count()),
      rekeying_(fib),
      handed_(lcores_.size()) {}

void RouteCare::turn(std::uint64_t now_ms) {
    take_wanted(now_ms);
    find_misrouted();
    take_uses(now_ms);
    access_.age(static_cast<std::uint32_t>(now_ms));
    if (rekeying_.step(now_ms) && rekeying_.state() == Rekeying::State::done) {
        warm(most_used_agents(now_ms));
    }
    hand_out();
}

void RouteCare::take_wanted(std::uint64_t now_ms) {
    std::array<AgentId, kWantedPerCycle> agents;
    for (const LcoreRings& lcore : lcores_) {
        const unsigned count = lcore.wanted->pop(agents);
        for (unsigned i = 0; i < count; ++i) {
            // It may have come since the lcore looked.
            if (may_be_elsewhere(fib_.find(agents[i]), fib_.routers(), now_ms)) {
                static_cast<void>(discovery_.want(agents[i], now_ms));
            }
        }
    }
    discovery_.advance(now_ms);
}

void RouteCare::find_misrouted() {
    misrouted_.clear();
    std::array<dataplane::Misrouted, kMisroutedPerCycle> frames;
    for (const LcoreRings& lcore : lcores_) {
        const unsigned count = lcore.misrouted->pop(frames);
        misrouted_.insert(misrouted_.end(), frames.begin(), frames.begin() + count);
    }
}

void RouteCare::take_uses(std::uint64_t now_ms) {
    std::array<dataplane::RouteUse, kUsesPerCycle> uses;
    for (const LcoreRings& lcore : lcores_) {
        const unsigned count = lcore.uses->pop(uses);
        for (unsigned i = 0; i < count; ++i) {
            access_.used(
                uses[i].cell, uses[i].version, uses[i].at_ms, static_cast<std::uint32_t>(now_ms));
        }
    }
}

void RouteCare::before_removal(const AgentId& agent) {
    if (const routing::FibEntry* const entry = fib_.find(agent); entry != nullptr) {
        access_.route_gone(entry->cell);
    }
}

void RouteCare::after_set(const AgentId& agent, std::uint64_t now_ms) {
    if (const routing::FibEntry* const entry = fib_.find(agent); entry != nullptr) {
        access_.route_changed(entry->cell, entry->version, static_cast<std::uint32_t>(now_ms));
    }
    discovery_.known(agent);
    if (!awaited_.empty() && awaited_.erase(agent) != 0) {
        expected_.push_back(agent);
    }
}

void RouteCare::expect(std::vector<AgentId> agents) {
    const auto absent =
        std::stable_partition(agents.begin(), agents.end(), [this](const AgentId& agent) {
            return fib_.find(agent) != nullptr;
        });
    awaited_.insert(absent, agents.end());
    agents.erase(absent, agents.end());
    warm(std::move(agents));
}

void RouteCare::warm(std::vector<AgentId> agents) {
    expected_ = std::move(agents);
    handed_.assign(lcores_.size(), 0);
}

void RouteCare::hand_out() {
    for (std::size_t lcore = 0; lcore < lcores_.size(); ++lcore) {
        std::size_t& next = handed_[lcore];
        for (std::size_t i = 0; i < kExpectedPerCycle && next < expected_.size(); ++i) {
            if (!lcores_[lcore].expected->push(expected_[next])) {
                break;
            }
            ++next;
            ++warmed_;
        }
    }
}

std::uint64_t RouteCare::still_to_warm() const noexcept {
    std::uint64_t count = 0;
    for (const std::size_t handed : handed_) {
        count += expected_.size() - handed;
    }
    return count;
}

std::vector<RouteCare::Used> RouteCare::most_used(std::size_t count, std::uint64_t now_ms) const {
    std::vector<Used> all;
    for (const auto& use : access_.top(count, static_cast<std::uint32_t>(now_ms))) {
        if (const routing::FibEntry* const entry = fib_.entry_of_cell(use.cell)) {
            all.push_back({entry, use});
        }
    }
    return all;
}

std::vector<AgentId> RouteCare::most_used_agents(std::uint64_t now_ms) const {
    std::vector<AgentId> agents;
    for (const Used& used : most_used(kWarmMax, now_ms)) {
        agents.push_back(used.entry->agent);
    }
    return agents;
}

}  // namespace posthaste::controlplane
