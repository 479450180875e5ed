// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/capability.h"

#include <rte_prefetch.h>

#include <algorithm>

#include "dataplane/segments.h"
#include "routing/conversations.h"
#include "routing/mix.h"

namespace posthaste::dataplane {

using routing::Addressing;
using routing::AgentState;
using routing::Ask;
using routing::Conversations;
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
    std::array<const ProviderSet*, kBurstMax> set;
    std::array<std::uint64_t, kBurstMax> key;
    std::array<std::uint64_t, kBurstMax> hash;  // of the key, for Conversations
    std::array<std::uint32_t, kBurstMax> reasons;
    std::array<Conversations::Way, kBurstMax> way;
    std::array<std::uint32_t, kBurstMax> foreseen;
    std::array<const Provider*, kBurstMax> provider;
    LaneMask notable;  // the provider is whom the next frame like this one would go to as well
};

// How many were chosen, by strategy.
using Chosen = std::array<std::uint32_t, routing::kStrategyMax + 1U>;

const WireHeader& header_in(const Burst& burst, unsigned lane) noexcept {
    return header_of(bytes_of(burst.frame[lane]), burst.view[lane]);
}

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

// Lanes to any of a set; those to all of one are marked.
LaneMask known(Burst& burst, const CapabilityTables& tables) noexcept {
    LaneMask lanes;
    for (const unsigned lane : burst.live& burst.to_capability) {
        const FibEntry* const entry = burst.target[lane];
        if (burst.view[lane].header_bytes > sizeof(WireHeader) && !name_holds(burst, lane, tables))
            [[unlikely]] {
            burst.drop(lane, Drop::bad_name);
        } else if (entry == nullptr || entry->kind != RouteKind::capability ||
                   !entry->fresh(burst.now_ms)) [[unlikely]] {
            unknown(burst, lane, tables.world);
        } else if (entry->provider_set() == 0) {
            drop_unserved(burst, lane, Drop::unknown_capability, tables.world);
        } else if (header_in(burst, lane).addressing() ==
                   static_cast<std::uint8_t>(Addressing::capability_all)) {
            tables.sets.prefetch(entry->provider_set());
            burst.to_all.set(lane);
        } else {
            tables.sets.prefetch(entry->provider_set());
            lanes.set(lane);
        }
    }
    return lanes;
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

// All that decides where a conversation's frames go, but for who sends them, in a number: which
// conversation it is, as far as Conversations does not tell, the set, which routers are out, how is
// asked, and last the version of the entry of who gets them. Each times a number that is drawn from
// the lcore's secret, so that nobody can have changes of several make up for each other: two that
// differ give the same number once in 2^32.
class Reasons {
  public:
    Reasons(const CapabilityTables& tables, bool relayed) noexcept {
        const std::uint64_t drawn = routing::mix(tables.conversations.seed() + routing::kMixStep);
        const std::uint64_t more = routing::mix(drawn);
        edition_ = static_cast<std::uint32_t>(drawn) | 1;
        version_ = static_cast<std::uint32_t>(drawn >> 32) | 1;
        sticky_ = static_cast<std::uint32_t>(more >> 32);
        of_all_ = (static_cast<std::uint32_t>(more) | 1) * tables.fib.routers().changes() +
                  (relayed ? edition_ ^ sticky_ : 0U) +
                  (tables.world.local_first ? version_ ^ sticky_ : 0U);
    }

    // `hash`: of the conversation's key.
    [[nodiscard]] std::uint32_t of(std::uint64_t hash,
                                   std::uint32_t edition,
                                   unsigned strategy) const noexcept {
        const bool sticky = strategy == static_cast<unsigned>(routing::Strategy::sticky);
        return of_all_ + static_cast<std::uint32_t>(hash >> 40) + edition_ * edition +
               (sticky ? sticky_ : 0U);
    }

    [[nodiscard]] std::uint32_t with(std::uint32_t reasons, std::uint32_t version) const noexcept {
        return reasons + version_ * version;
    }

  private:
    std::uint32_t edition_;
    std::uint32_t version_;
    std::uint32_t sticky_;
    std::uint32_t of_all_;
};

// Each lane's set, key and reasons; those without a set leave.
void prepare(Burst& burst,
             LaneMask lanes,
             Choice& choice,
             const Reasons& reasons,
             const CapabilityTables& tables) noexcept {
    for (const unsigned lane : lanes) {
        const std::uint32_t number = burst.target[lane]->provider_set();
        const std::uint32_t edition = tables.sets.edition(number);  // before the set
        choice.set[lane] = tables.sets.read(number);
        if (choice.set[lane] == nullptr) {
            nobody(burst, lane, Drop::no_provider, tables);
            continue;
        }
        const WireHeader& header = header_in(burst, lane);
        choice.key[lane] = routing::conversation_key(header.conversation, header.destination);
        choice.hash[lane] = tables.conversations.hash(choice.key[lane]);
        tables.conversations.prefetch(choice.hash[lane]);
        choice.reasons[lane] = reasons.of(choice.hash[lane], edition, header.strategy());
    }
}

// Frames of conversations that go on, where nothing has changed: they go where the one before them
// went, and nothing has to be chosen. Gives the lanes that are left to choose for.
LaneMask follow(Burst& burst,
                LaneMask lanes,
                Choice& choice,
                const Reasons& reasons,
                const CapabilityTables& tables,
                Chosen& chosen) noexcept {
    LaneMask left;
    for (const unsigned lane : lanes) {
        choice.way[lane] = tables.conversations.recall(choice.hash[lane]);
        if (choice.way[lane].entry != 0) [[likely]] {
            rte_prefetch0(tables.fib.remembered_entry(choice.way[lane].entry));
        }
    }
    for (const unsigned lane : lanes) {
        const Conversations::Way way = choice.way[lane];
        const FibEntry* const entry =
            way.entry == 0 ? nullptr : tables.fib.remembered_entry(way.entry);
        const std::uint32_t version = entry == nullptr ? 0 : entry->version_now();
        if (version != 0 && reasons.with(choice.reasons[lane], version) == way.reasons &&
            entry->fresh(burst.now_ms) && entry->agent != header_in(burst, lane).source)
            [[likely]] {
            burst.target[lane] = entry;
            burst.to[lane] = routing::NextHop::of(*entry);
            ++chosen[header_in(burst, lane).strategy()];
        } else {
            left.set(lane);
            choice.set[lane]->prefetch();
        }
    }
    tables.conversations.confirm((lanes - left).count());
    return left;
}

// In passes, so that what one lane waits for comes while others are looked at. Needs prepare().
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
                      const Reasons& reasons,
                      const CapabilityTables& tables) noexcept {
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
        } else if (const std::uint32_t version = entry->version_now();
                   version != 0 && choice.notable.has(lane)) [[likely]] {
            tables.conversations.note(
                choice.hash[lane],
                provider.cell,
                {tables.fib.number_of(*entry), reasons.with(choice.reasons[lane], version)});
        }
        burst.aim(lane, entry);
    }
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

void capability(Burst& burst, const CapabilityTables& tables) noexcept {
    if (!(burst.live & burst.to_capability).any()) [[likely]] {
        return;
    }
    const World& world = tables.world;
    if (world.draining && world.ports[burst.ingress].role == Role::edge) [[unlikely]] {
        return;  // resolve refuses them all
    }
    Choice choice;
    Chosen chosen{};
    const Reasons reasons(tables, world.ports[burst.ingress].role == Role::fabric);
    const LaneMask lanes = known(burst, tables);
    prepare(burst, lanes, choice, reasons, tables);
    const LaneMask left = follow(burst, lanes & burst.live, choice, reasons, tables, chosen);
    if (left.any()) {
        aim_at_providers(
            burst, choose(burst, left, choice, tables, chosen), choice, reasons, tables);
    }
    publish(tables, chosen);
}

}  // namespace posthaste::dataplane
