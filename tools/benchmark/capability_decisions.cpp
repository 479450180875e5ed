// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/capability_decisions.h"

#include <algorithm>
#include <array>

#include "routing/capability_name.h"
#include "routing/prefetch.h"
#include "tools/benchmark/draw.h"
#include "tools/benchmark/key_stream.h"

namespace posthaste::tools {

using routing::AgentId;
using routing::FibEntry;
using routing::Provider;
using routing::ProviderSet;
using routing::Strategy;

CapabilityDecisions::CapabilityDecisions(const CapabilityWorld& world,
                                         const CapabilityGroup& group,
                                         std::uint32_t conversations,
                                         std::uint32_t remembered)
    : world_(world),
      group_(group),
      conversations_(remembered, 0x2545f4914f6cdd1d),
      context_{world.fib->routers(), world.fib->loads(), conversations_},
      sender_(stranger_id(1)),
      chosen_(kBurst) {
    Random random(1);
    for (std::size_t i = 0; i < kFrames; ++i) {
        const std::uint64_t conversation = random.below(conversations);
        const auto number = static_cast<std::uint32_t>(mix(conversation) % group.ids.size());
        frames_.push_back({group.ids[number], mix(conversation + 1), number});
    }
}

void CapabilityDecisions::decide_some(std::span<const Frame> frames,
                                      Strategy strategy,
                                      bool anew) noexcept {
    const std::size_t count = frames.size();
    const routing::Fib& fib = *world_.fib;
    std::array<AgentId, kBurst> ids;
    std::array<const AgentId*, kBurst> addresses;
    std::array<const FibEntry*, kBurst> entries;
    std::array<const ProviderSet*, kBurst> sets;
    std::array<const Provider*, kBurst> providers;
    std::array<std::uint64_t, kBurst> keys;
    for (std::size_t i = 0; i < count; ++i) {
        ids[i] = routing::capability_key(frames[i].capability);
        addresses[i] = &ids[i];
        keys[i] = routing::conversation_key(anew ? ++fresh_ : frames[i].conversation,
                                            frames[i].capability);
        conversations_.prefetch(conversations_.hash(keys[i]));
    }
    fib.lookup(std::span(addresses).first(count), entries.data());
    for (std::size_t i = 0; i < count; ++i) {
        world_.sets.prefetch(entries[i]->provider_set());
    }
    for (std::size_t i = 0; i < count; ++i) {
        sets[i] = world_.sets.read(entries[i]->provider_set());
        sets[i]->prefetch();
    }
    if (strategy == Strategy::sticky) {
        for (std::size_t i = 0; i < count; ++i) {
            sets[i]->prefetch(keys[i]);
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        providers[i] =
            sets[i]->choose({.key = keys[i], .sender = &sender_, .strategy = strategy}, context_);
        fib.prefetch_cell(providers[i]->cell);
    }
    for (std::size_t i = 0; i < count; ++i) {
        chosen_[i] = fib.entry_of_cell(providers[i]->cell);
        routing::prefetch_line(chosen_[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        found_ += chosen_[i]->agent == providers[i]->agent ? 1 : 0;
    }
}

std::size_t CapabilityDecisions::decide(Strategy strategy, std::size_t burst, bool anew) noexcept {
    for (std::size_t done = 0; done < kBurst; done += burst) {
        decide_some(std::span(frames_).subspan(next_ + done, burst), strategy, anew);
    }
    next_ = (next_ + kBurst) % kFrames;
    return kBurst;
}

// Whichever of the set comes first.
std::size_t CapabilityDecisions::copy() noexcept {
    const CapabilityRegistry::Agents agents =
        group_.registry.agents(group_.names[frames_[next_copied_].number]);
    const AgentId* chosen = &*agents.begin();
    asm volatile("" : : "r"(chosen) : "memory");
    next_copied_ = (next_copied_ + 1) % kFrames;
    return 1;
}

bool CapabilityDecisions::right(Strategy strategy, std::size_t burst) {
    std::vector<CapabilityRegistry::Agents> agents;
    for (const std::string& name : group_.names) {
        agents.push_back(group_.registry.agents(name));
    }
    const std::uint64_t found_before = found_;
    for (next_ = 0; next_ < kFrames; next_ += burst) {
        decide_some(std::span(frames_).subspan(next_, burst), strategy, false);
        for (std::size_t i = 0; i < burst; ++i) {
            if (chosen_[i] == nullptr ||
                !agents[frames_[next_ + i].number].contains(chosen_[i]->agent)) {
                return false;
            }
        }
    }
    next_ = 0;
    return found_ - found_before == kFrames;
}

}  // namespace posthaste::tools
