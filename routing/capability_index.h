// SPDX-License-Identifier: BSD-3-Clause
// CapabilityIndex: who offers what, as lcores see it. Control thread only.
//
// Takes the Rib's offer changes, makes new ProviderSets of them, and keeps one entry in the Fib for
// each name that has providers. Copy-on-write by capability: a change costs its own set anew, and
// changes that come close together cost it once. Names that only patterns match are put in by
// put_matched(). Bounded by the sets' numbers and by the room the Fib has beside its agents.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "routing/fib.h"
#include "routing/offer_names.h"
#include "routing/provider_set.h"
#include "routing/provider_sets.h"
#include "routing/rib.h"

namespace posthaste::routing {

struct CapabilityIndexOptions {
    std::uint32_t publish_ms = 5;  // changes of one set within this are published together
    // Providers in the sets that one publish() makes, at most, but one set always: bounds how long
    // it takes.
    std::uint32_t providers_per_turn = 50'000;
    std::size_t retired_max = 1'024;  // sets that may await their grace period
};

struct CapabilityCounts {
    std::uint64_t changes = 0;       // offers that came, went or changed
    std::uint64_t published = 0;     // sets made
    std::uint64_t delayed = 0;       // turns that left work to the next
    std::uint64_t lag_ms_worst = 0;  // from a change to its publication
};

class CapabilityIndex {
  public:
    // All outlive it.
    CapabilityIndex(OfferNames& names,
                    ProviderSets& sets,
                    Fib& fib,
                    const CapabilityIndexOptions& options);
    CapabilityIndex(const CapabilityIndex&) = delete;
    CapabilityIndex& operator=(const CapabilityIndex&) = delete;

    // The agent is in the Fib already, or, for removals, was.
    void apply(const OfferChange& change, std::uint64_t now_ms);
    // Makes what is due visible to lcores. `version`: routing_table_version.
    void publish(std::uint64_t now_ms, std::uint32_t version);
    // As publish(), of all that waits, due or not.
    void publish_all(std::uint64_t now_ms, std::uint32_t version);

    // When publish() next has work; nothing: not before the next apply().
    [[nodiscard]] std::optional<std::uint64_t> next_due_ms() const;

    // The set of an offer; 0: nobody offers it.
    [[nodiscard]] std::uint32_t set_of(std::uint32_t offer) const noexcept;
    [[nodiscard]] const ProviderSet* providers_of(std::uint32_t offer) const noexcept;

    // --- names nobody offers but by pattern ---
    // Frames to the name go to whoever offers one of the patterns (numbers of offers, at least
    // one). Names of the same patterns share a set. False: no room, or somebody offers the very
    // name; nothing changed.
    [[nodiscard]] bool put_matched(const AgentId& id,
                                   std::span<const std::uint32_t> patterns,
                                   std::uint32_t version);
    // Frames to it are known to have no provider until then. False: as above.
    [[nodiscard]] bool put_unmatched(const AgentId& id,
                                     std::uint32_t until_ms,
                                     std::uint32_t version);
    // The one or the other no more; nothing if the name is offered by now. A name whose pattern
    // goes is forgotten without it.
    void forget(const AgentId& id);

    void set_options(const CapabilityIndexOptions& options) noexcept { options_ = options; }

    [[nodiscard]] const CapabilityCounts& counts() const noexcept { return counts_; }

    // Sets with changes that no lcore sees yet.
    [[nodiscard]] std::size_t waiting() const noexcept { return due_.size(); }

  private:
    // By number of the offer.
    struct Place {
        std::uint32_t set = 0;
        bool in_fib = false;
        bool waits = false;
        std::uint64_t changed_at_ms = 0;    // the first change that waits
        std::uint64_t published_at_ms = 0;  // 0: never
        std::vector<ProviderChange> changes;
        std::vector<std::uint32_t> matches;  // numbers of the Matches it is a part of
    };

    using Ids = std::unordered_set<AgentId, AgentIdHash>;

    // Names that the same patterns match. With one pattern, its set is theirs; with several, they
    // have one of their own.
    struct Match {
        std::vector<std::uint32_t> patterns;  // offers, ascending
        std::uint32_t set = 0;
        Ids names;
    };

    [[nodiscard]] Place& place(std::uint32_t offer);
    void wait(std::uint32_t offer, std::uint64_t now_ms);
    [[nodiscard]] bool is_due(const Place& place, std::uint64_t now_ms) const noexcept;
    [[nodiscard]] std::size_t publish_one(std::uint32_t offer,
                                          std::uint64_t now_ms,
                                          std::uint32_t version);
    [[nodiscard]] bool show(std::uint32_t offer, Place& place, std::uint32_t version);
    [[nodiscard]] bool is_shown(const AgentId& id, std::uint32_t set) const;
    [[nodiscard]] bool put_entry(const AgentId& id,
                                 std::uint32_t set,
                                 std::uint32_t until_ms,
                                 std::uint32_t version);
    void hide(std::uint32_t offer, Place& place);
    std::size_t remake(Match& match);
    [[nodiscard]] std::uint32_t match_of(std::vector<std::uint32_t> patterns);
    void leave(std::uint32_t match_number, const AgentId& id);
    void dissolve(std::uint32_t match_number);

    OfferNames& names_;
    ProviderSets& sets_;
    Fib& fib_;
    CapabilityIndexOptions options_;
    std::vector<Place> places_;
    std::deque<std::uint32_t> due_;  // offers, in the order of their first change
    std::vector<Match> matches_;     // by number less one
    std::vector<std::uint32_t> free_matches_;
    std::map<std::vector<std::uint32_t>, std::uint32_t> match_numbers_;  // by patterns
    // Names in the Fib that nobody offers: their match, 0: none. Bounded by the name cache.
    std::unordered_map<AgentId, std::uint32_t, AgentIdHash> matched_;
    CapabilityCounts counts_;
};

}  // namespace posthaste::routing
