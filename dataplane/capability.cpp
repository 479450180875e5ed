// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/capability.h"

#include <rte_prefetch.h>

#include <algorithm>

#include "dataplane/segments.h"

namespace posthaste::dataplane {

using routing::Addressing;
using routing::AgentState;
using routing::Ask;
using routing::Drop;
using routing::FibEntry;
using routing::Provider;
using routing::ProviderSet;
using routing::RouteKind;
using routing::WireHeader;

namespace {

// Providers looked at after the chosen one turned out to be gone.
constexpr std::size_t kFailoverMax = 16;

// By lane.
struct Choice {
    std::array<std::uint32_t, kBurstMax> number;   // of the set
    std::array<std::uint32_t, kBurstMax> edition;  // of the set, read before it
    std::array<const ProviderSet*, kBurstMax> set;
    std::array<std::uint64_t, kBurstMax> key;
    std::array<std::uint32_t, kBurstMax> foreseen;
    std::array<const Provider*, kBurstMax> provider;
    LaneMask lasting;  // the capability leads to the set until its entry is replaced
    LaneMask notable;  // the provider is whom the next frame like this one would go to as well
};

// How many were chosen, by strategy.
using Chosen = std::array<std::uint32_t, routing::kStrategyMax + 1U>;

// Of frames that carry one; most do not.
bool name_holds(const Burst& burst, unsigned lane, const CapabilityTables& tables) noexcept {
    const routing::FrameView& view = burst.view[lane];
    const std::uint8_t* const header = bytes_of(burst.frame[lane]) + view.message;
    routing::TlvReader tlvs(std::span(header, view.header_bytes).subspan(sizeof(WireHeader)));
    while (tlvs.next()) {
        if (tlvs.type() != static_cast<std::uint8_t>(routing::Tlv::capability_name)) {
            continue;
        }
        tables.counters.names.add(1);
        if (!tables.names.holds(header_in(burst, lane).destination, tlvs.value())) {
            return false;
        }
    }
    return true;
}

// Where it came from another router, that one took somebody to have it here.
void drop_unserved(Burst& burst, unsigned lane, Drop why, const World& world) noexcept {
    if (world.ports[burst.ingress].role == Role::fabric) {
        burst.misrouted.set(lane);
    }
    burst.drop(lane, why);
}

// Nobody here has it. The control thread sees a frame once: what it puts into the Fib is found
// when the frame comes back.
void unknown(Burst& burst, unsigned lane, const World& world) noexcept {
    if (world.patterns && burst.origin == Origin::received &&
        routing::is_capability_id(header_in(burst, lane).destination)) {
        burst.punt(lane, PuntClass::capability);
    } else {
        drop_unserved(burst, lane, Drop::unknown_capability, world);
    }
}

void nobody(Burst& burst, unsigned lane, Drop why, const CapabilityTables& tables) noexcept {
    tables.counters.no_provider.add(1);
    drop_unserved(burst, lane, why, tables.world);
}

Ask ask_of(const Burst& burst, unsigned lane, std::uint64_t key, const World& world) noexcept {
    const WireHeader& header = header_in(burst, lane);
    const bool relayed = world.ports[burst.ingress].role == Role::fabric;
    const unsigned redirected = (header.flags & routing::flag::redirected) != 0 ? 1 : 0;
    return {.key = key,
            .sender = &header.source,
            .strategy = static_cast<routing::Strategy>(header.strategy()),
            .local_only = relayed,
            .local_first = world.local_first,
            .chosen_before = static_cast<std::uint8_t>(relayed ? 1 + redirected : 0)};
}

// The sender's router took somebody to be here. Once that may be corrected, as for agents.
bool may_be_redirected(const WireHeader& header) noexcept {
    return (header.flags & routing::flag::redirected) == 0 &&
           header.type != static_cast<std::uint8_t>(routing::Type::error);
}

// Lanes to any of a set; those to all of one are marked.
LaneMask known(Burst& burst, Choice& choice, const CapabilityTables& tables) noexcept {
    LaneMask lanes;
    for (const unsigned lane : (burst.live & burst.to_capability) - burst.followed) {
        const routing::NextHop hop = capability_of(burst, lane);
        if (!hop.is_capability() || !hop.fresh(burst.now_ms)) [[unlikely]] {
            unknown(burst, lane, tables.world);
            continue;
        }
        choice.number[lane] = hop.provider_set();
        tables.sets.prefetch(hop.provider_set());
        if (hop.provider_set() == 0) {
            drop_unserved(burst, lane, Drop::unknown_capability, tables.world);
        } else if (header_in(burst, lane).addressing() ==
                   static_cast<std::uint8_t>(Addressing::capability_all)) {
            burst.to_all.set(lane);
        } else {
            lanes.set(lane);
            if (hop.lasts()) [[likely]] {
                choice.lasting.set(lane);
            }
        }
    }
    return lanes;
}

// Each lane's set and key; those without a set leave.
LaneMask prepare(Burst& burst,
                 LaneMask lanes,
                 Choice& choice,
                 const Conversing& conversing,
                 const CapabilityTables& tables) noexcept {
    for (const unsigned lane : lanes) {
        choice.edition[lane] = tables.sets.edition(choice.number[lane]);
        choice.set[lane] = tables.sets.read(choice.number[lane]);
        if (choice.set[lane] == nullptr) {
            nobody(burst, lane, Drop::no_provider, tables);
            continue;
        }
        choice.set[lane]->prefetch();
        if (burst.to_any.has(lane)) [[likely]] {
            choice.key[lane] = conversing.key[lane];
        } else {  // a policy sent it here
            const WireHeader& header = header_in(burst, lane);
            choice.key[lane] = routing::conversation_key(header.conversation, header.destination);
        }
    }
    return lanes & burst.live;
}

// In passes, so that what one lane waits for comes while others are looked at.
LaneMask choose(Burst& burst,
                LaneMask lanes,
                Choice& choice,
                const CapabilityTables& tables,
                Chosen& chosen) noexcept {
    for (const unsigned lane : lanes) {
        choice.set[lane]->prefetch(choice.key[lane]);
    }
    const bool here =
        tables.world.local_first || tables.world.ports[burst.ingress].role == Role::fabric;
    for (const unsigned lane : lanes) {
        choice.foreseen[lane] = choice.set[lane]->foresee(choice.key[lane], here);
    }
    routing::ChoiceContext context{tables.fib.routers(), tables.fib.loads(), tables.conversations};
    for (const unsigned lane : lanes) {
        Ask ask = ask_of(burst, lane, choice.key[lane], tables.world);
        ask.foreseen = choice.foreseen[lane];
        const Provider* provider = choice.set[lane]->choose(ask, context);
        Drop why = Drop::no_provider;
        const bool as_asked = provider != nullptr && context.same_for_others;
        if (provider == nullptr && ask.local_only) [[unlikely]] {
            if (may_be_redirected(header_in(burst, lane))) {
                ask.local_only = false;
                ask.foreseen = Ask{}.foreseen;
                provider = choice.set[lane]->choose(ask, context);
            } else {
                why = Drop::not_here;
            }
        }
        if (provider == nullptr) [[unlikely]] {
            nobody(burst, lane, why, tables);
            continue;
        }
        if (as_asked) [[likely]] {
            choice.notable.set(lane);
        }
        choice.provider[lane] = provider;
        tables.fib.prefetch_cell(provider->cell);
        ++chosen[static_cast<std::size_t>(ask.strategy)];
    }
    return lanes & burst.live;
}

// The next one after the chosen, who is gone and whose set does not say so yet.
const FibEntry* fail_over(const ProviderSet& set,
                          const Provider* gone,
                          const Ask& ask,
                          const CapabilityTables& tables,
                          std::uint32_t now_ms) noexcept {
    const std::span<const Provider> all = set.providers();
    const auto first = static_cast<std::size_t>(gone - all.data());
    for (std::size_t i = 1; i < std::min(all.size(), kFailoverMax + 1); ++i) {
        const Provider& next = all[(first + i) % all.size()];
        if (next.state != AgentState::running || next.agent == *ask.sender ||
            (ask.local_only && !next.local())) {
            continue;
        }
        if (const FibEntry* const entry = route_of(next, tables.fib, now_ms); entry != nullptr) {
            return entry;
        }
    }
    return nullptr;
}

// The chosen providers' entries.
void aim_at_providers(Burst& burst,
                      LaneMask lanes,
                      Choice& choice,
                      const Conversing& conversing,
                      const CapabilityTables& tables) noexcept {
    const LaneMask notable = choice.notable & choice.lasting & burst.to_any;
    for (const unsigned lane : lanes) {
        const FibEntry* const entry = tables.fib.entry_of_cell(choice.provider[lane]->cell);
        rte_prefetch0(entry);
        burst.aim(lane, entry);
    }
    for (const unsigned lane : lanes) {
        const Provider& provider = *choice.provider[lane];
        const FibEntry* entry = route_of(provider, tables.fib, burst.now_ms);
        if (entry == nullptr) [[unlikely]] {
            Ask ask = ask_of(burst, lane, choice.key[lane], tables.world);
            ask.local_only = ask.local_only && provider.local();
            entry = fail_over(*choice.set[lane], &provider, ask, tables, burst.now_ms);
            if (entry == nullptr) {
                nobody(burst, lane, Drop::no_provider, tables);
                continue;
            }
            tables.counters.failovers.add(1);
        } else if (notable.has(lane)) [[likely]] {
            note_way(burst,
                     lane,
                     conversing,
                     choice.edition[lane],
                     choice.number[lane],
                     provider,
                     *entry,
                     tables);
        }
        burst.aim(lane, entry);
    }
}

// Frames may say a name: then it has to be the capability's.
void check_names(Burst& burst, const CapabilityTables& tables) noexcept {
    for (const unsigned lane : burst.live& burst.to_capability) {
        if (burst.view[lane].header_bytes > sizeof(WireHeader) && !name_holds(burst, lane, tables))
            [[unlikely]] {
            burst.drop(lane, Drop::bad_name);
        }
    }
}

void count_followed(const Burst& burst, const CapabilityTables& tables, Chosen& chosen) noexcept {
    const LaneMask followed = burst.live & burst.followed;
    for (const unsigned lane : followed) {
        ++chosen[header_in(burst, lane).strategy()];
    }
    tables.conversations.confirm(followed.count());
}

void publish(const CapabilityTables& tables, const Chosen& chosen) noexcept {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        if (chosen[i] > 0) {
            tables.counters.chosen[i].add(chosen[i]);
        }
    }
    const routing::ConversationStats& stats = tables.conversations.stats();
    tables.counters.remembered.set(stats.hit);
    tables.counters.kept.set(stats.kept);
    tables.counters.held.set(stats.held);
    tables.counters.names_hashed.set(tables.names.hashed());
}

}  // namespace

routing::NextHop capability_of(const Burst& burst, unsigned lane) noexcept {
    const routing::NextHop& hop = burst.to[lane];
    const FibEntry* const entry = burst.target[lane];
    return hop.is_elsewhere() && entry != nullptr ? routing::NextHop::of(*entry) : hop;
}

const FibEntry* route_of(const Provider& provider,
                         const routing::Fib& fib,
                         std::uint32_t now_ms) noexcept {
    const FibEntry* const entry = fib.entry_of_cell(provider.cell);
    if (entry == nullptr || entry->agent != provider.agent) {
        return nullptr;
    }
    if (provider.local()) {
        return entry->kind == RouteKind::local && entry->state != AgentState::stopped ? entry
                                                                                      : nullptr;
    }
    return entry->kind == RouteKind::remote && entry->fresh(now_ms) &&
                   !fib.routers().out(entry->router)
               ? entry
               : nullptr;
}

void capability(Burst& burst,
                const Conversing& conversing,
                const CapabilityTables& tables) noexcept {
    if (!(burst.live & burst.to_capability).any()) [[likely]] {
        return;
    }
    const World& world = tables.world;
    if (world.draining && world.ports[burst.ingress].role == Role::edge) [[unlikely]] {
        return;  // resolve refuses them all
    }
    Chosen chosen{};
    check_names(burst, tables);
    count_followed(burst, tables, chosen);
    if (((burst.live & burst.to_capability) - burst.followed).any()) {
        Choice choice;
        LaneMask lanes = known(burst, choice, tables);
        lanes = prepare(burst, lanes, choice, conversing, tables);
        lanes = choose(burst, lanes, choice, tables, chosen);
        aim_at_providers(burst, lanes, choice, conversing, tables);
    }
    publish(tables, chosen);
}

}  // namespace posthaste::dataplane
