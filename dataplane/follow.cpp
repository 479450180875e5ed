// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/follow.h"

#include "dataplane/segments.h"
#include "routing/mix.h"
#include "routing/provider_set.h"

namespace posthaste::dataplane {

using routing::Conversations;
using routing::FibEntry;
using routing::NextHop;
using routing::WireHeader;

namespace {

static_assert(routing::Fib::kCapacityMax / 16 * 17 <= Conversations::kNumberMax);
static_assert(routing::ProviderSets::kCapacityMax <= Conversations::kNumberMax);

// Part of an agent's id: who has another mark is another agent.
std::uint32_t mark_of(const routing::AgentId& agent) noexcept {
    return agent.bytes.back() % Conversations::kMarks;
}

// Whether the way, whose reasons are what they were, is good for this frame: it does not lead to
// its sender, and not to where nothing is any more.
bool leads_on(const Conversations::PackedWay& way,
              const WireHeader& header,
              const routing::Fib& fib,
              std::uint32_t now_ms) noexcept {
    if (mark_of(header.source) == way.mark() && fib.entry(way.entry())->agent == header.source)
        [[unlikely]] {
        return false;
    }
    // Only what other routers said is good for a time.
    return way.where() != NextHop::kRemote || way.to().fresh(now_ms);
}

}  // namespace

Reasons::Reasons(std::uint64_t seed) noexcept {
    std::uint64_t state = routing::mix(~seed);  // others than what Conversations draws
    const auto draw = [&state] {
        state += routing::kMixStep;
        return routing::mix(state);
    };
    which_ = {draw(), draw()};
    capability_ = draw();
    edition_ = draw();
    entry_ = draw();
    sticky_ = draw();
    routers_ = draw();
    relayed_ = draw();
    local_first_ = draw();
}

void Reasons::begin(const CapabilityTables& tables, bool relayed) noexcept {
    all_ = routers_ * tables.fib.routers().changes() + (relayed ? relayed_ : 0U) +
           (tables.world.local_first ? local_first_ : 0U);
}

void begin_conversations(const Burst& burst,
                         LaneMask lanes,
                         Conversing& conversing,
                         const CapabilityTables& tables) noexcept {
    for (const unsigned lane : lanes) {
        const WireHeader& header = header_in(burst, lane);
        const std::uint64_t key =
            routing::conversation_key(header.conversation, header.destination);
        conversing.key[lane] = key;
        conversing.hash[lane] = tables.conversations.hash(key);
        conversing.capability_changes[lane] = tables.fib.changes_of_capability(header.destination);
    }
    for (const unsigned lane : lanes) {
        tables.conversations.prefetch(conversing.hash[lane]);
    }
}

LaneMask follow(Burst& burst, Conversing& conversing, const CapabilityTables& tables) noexcept {
    const LaneMask lanes = burst.live & burst.to_any;
    if (!lanes.any()) [[likely]] {
        return lanes;
    }
    conversing.reasons.begin(tables, tables.world.ports[burst.ingress].role == Role::fabric);
    const Reasons reasons = conversing.reasons;
    LaneMask followed;
    for (const unsigned lane : lanes) {
        const std::uint64_t hash = conversing.hash[lane];
        const Conversations::PackedWay* const way = tables.conversations.recall(hash);
        if (way == nullptr) {
            continue;
        }
        const WireHeader& header = header_in(burst, lane);
        const std::uint32_t now =
            reasons.of({.hash = hash,
                        .capability = &header.destination,
                        .capability_changes = conversing.capability_changes[lane],
                        .edition = tables.sets.edition(way->set()),
                        .strategy = header.strategy(),
                        .entry_changes = tables.fib.changes_near(way->entry())});
        if (now == way->reasons() && leads_on(*way, header, tables.fib, burst.now_ms)) [[likely]] {
            burst.target[lane] = tables.fib.entry(way->entry());
            burst.to[lane] = way->to();
            followed.set(lane);
        }
    }
    burst.followed = followed;
    conversing.mostly_new = 2 * followed.count() < lanes.count();
    return lanes - followed;
}

void note_way(const Burst& burst,
              unsigned lane,
              const Conversing& conversing,
              std::uint32_t edition,
              std::uint32_t set,
              const routing::Provider& provider,
              const FibEntry& entry,
              const CapabilityTables& tables) noexcept {
    const std::uint32_t number = tables.fib.number_of(entry);
    const std::uint32_t entry_changes = tables.fib.changes_near(number);
    // The entry may have been replaced meanwhile; and an index that is not the Fib's any more did
    // not learn of changes to capabilities that are counted already.
    if (tables.fib.entry_of_cell(provider.cell) != &entry ||
        tables.fib.index().generation() != conversing.generation) [[unlikely]] {
        return;
    }
    const std::uint64_t hash = conversing.hash[lane];
    const WireHeader& header = header_in(burst, lane);
    const std::uint32_t now =
        conversing.reasons.of({.hash = hash,
                               .capability = &header.destination,
                               .capability_changes = conversing.capability_changes[lane],
                               .edition = edition,
                               .strategy = header.strategy(),
                               .entry_changes = entry_changes});
    tables.conversations.note(hash,
                              provider.cell,
                              {.entry = number,
                               .set = set,
                               .reasons = now,
                               .mark = mark_of(entry.agent),
                               .to = NextHop::of(entry)});
}

}  // namespace posthaste::dataplane
