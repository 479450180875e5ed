// SPDX-License-Identifier: BSD-3-Clause
// What the sessions of a route plane share. For route_plane and session*.cpp alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gossip/claims/consistency.h"
#include "gossip/claims/message.h"
#include "gossip/claims/own_claims.h"
#include "routing/aging_ids.h"
#include "routing/mix.h"

namespace posthaste::gossip::claims {

class Session;
using ConnectionId = std::uint32_t;

struct PlaneOptions {
    std::string cluster = "posthaste";
    StoreOptions store{};
    OwnOptions own{};
    std::uint32_t sessions_max = 1'024;
    std::uint64_t hello_ms = 5'000;                // until a peer must have said who it is
    std::uint64_t digest_ms = 1'000;               // to one peer, by chance
    std::uint64_t push_ms = 10;                    // what changed meanwhile goes out together
    std::uint64_t load_ms = 100;                   // the same for loads
    std::uint64_t floor_ms = 10'000;               // how often peers are told what they may forget
    std::uint64_t pull_idle_ms = 10'000;           // a range that does not go on
    std::uint64_t behind_ms = 1'000;               // how long a small lag is left to the pushes
    std::uint64_t max_version_drift = 1'000;       // a lag above it is pulled at once
    std::uint32_t push_peers_all = 128;            // with more, each push goes to a few by chance
    std::uint32_t push_entries_max = kEntriesMax;  // no more, nor of a chunk
    std::uint32_t chunk_entries = 256;
    // Of versions; who is further behind gets a snapshot, which is taken in slices. Deltas are not:
    // they are found and applied at once, half a microsecond a record.
    std::uint32_t delta_entries_max = 2'048;
    std::uint32_t pulls_max = 8;                   // a session
    std::uint32_t streams_max = 64;                // a session
    std::uint64_t bytes_per_second = 32ULL << 20;  // of ranges, a session
    std::size_t out_low = 64 * 1'024;           // no more of ranges and pushes while so much waits
    std::size_t out_max = 8ULL << 20;           // a peer that does not read is left
    std::uint32_t not_here_per_second = 100;    // told, a session; more frames say nothing new
    std::uint32_t discover_per_second = 1'000;  // answered, a session
    std::size_t asked_max = 16'384;             // ids asked about; the oldest makes room
    std::uint64_t asked_ms = 5'000;             // how long answers are taken
    std::size_t questions_max = 256;            // about capabilities, that wait to be answered
    std::uint64_t provisional_ms = 5'000;       // how long an answer holds without its keyspace
    std::size_t work_budget = 1'024;            // records a turn
    std::size_t events_max = 4'096;
};

enum class EventKind : std::uint8_t {
    session_up,
    session_down,     // `why`, if it was us
    close_session,    // of `agent`: `router` holds it
    frozen,           // `agent` may not attach here for `number` ms of the clock's
    renewed,          // our keyspace has a new generation
    conflict,         // `agent` is claimed by `router`, too, with equal rank
    inconsistent,     // equal versions, different content; `number` buckets differ
    damaged_records,  // `number` records of one bucket differ, `agent` is the first
    repaired,
    // `agent` is at `router`; or the key of a capability, that `number` agents of `router` have.
    // number 0: the peer does not know.
    discovered,
    generations_spent,  // somebody made up the last generation of our keyspace there can be
};

struct Event {
    EventKind kind = EventKind::session_up;
    RouterId router{};
    routing::AgentId agent{};
    std::optional<Refusal> why{};
    std::uint64_t number = 0;
};

struct PlaneCounters {
    std::array<std::uint64_t, kMessageNames.size()> received{};
    std::array<std::uint64_t, kMessageNames.size()> sent{};
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    RefusalCounts refused{};
    std::array<std::uint64_t, 3> updates{};  // by UpdateOutcome
    std::uint64_t snapshots_published = 0;
    std::uint64_t deltas_applied = 0;
    std::uint64_t pushes_applied = 0;
    std::uint64_t entries_received = 0;
    std::uint64_t pulls = 0;
    std::uint64_t pulls_failed = 0;
    std::uint64_t streams = 0;
    std::uint64_t streams_aborted = 0;
    std::uint64_t fingerprint_mismatches = 0;
    std::uint64_t repairs = 0;
    std::uint64_t reconciliations = 0;  // drift was above the limit
    std::uint64_t drift_max = 0;        // of the last digests, the greatest of all peers
    std::uint64_t drift_sum = 0;
    std::uint64_t events_lost = 0;
    std::uint64_t questions_displaced = 0;  // more than asked_max ids were asked about
};

// A router asks which of our agents have a capability.
struct ProviderQuestion {
    RouterId router{};
    routing::AgentId key;  // routing/capability_name.h
};

struct PlaneState {
    PlaneState(const PlaneOptions& wanted,
               RouterId self,
               const Generation& generation,
               std::uint64_t random_seed,
               const routing::KeyHash::Key& key)
        : options(wanted),
          cluster(cluster_hash(wanted.cluster)),
          store(wanted.store, self, generation, key),
          own(store, wanted.own),
          asked(wanted.asked_max, key),
          random_state(random_seed) {}

    [[nodiscard]] std::uint64_t draw() noexcept {
        random_state += routing::kMixStep;
        return routing::mix(random_state);
    }

    [[nodiscard]] std::uint64_t nonce() noexcept {
        return options.store.mutations.no_boot_nonce ? 0 : draw();
    }

    void refuse(Refusal why) noexcept { ++counters.refused[static_cast<std::size_t>(why)]; }

    void note(const Event& event) {
        if (events.size() >= options.events_max) {
            events.pop_front();
            ++counters.events_lost;
        }
        events.push_back(event);
    }

    [[nodiscard]] Session* session_of(RouterId router) const {
        const auto found = established.find(number(router));
        return found == established.end() ? nullptr : found->second;
    }

    // What was compared is not what it was.
    void sum_up_drift() noexcept {
        counters.drift_max = 0;
        counters.drift_sum = 0;
        for (const auto& [router, comparison] : compared) {
            const Drift& drift = comparison.drift;
            counters.drift_max = std::max(counters.drift_max, drift.max);
            counters.drift_sum = std::max(counters.drift_sum, drift.sum);
        }
    }

    // A lag that was seen and left to the pushes.
    struct Behind {
        std::uint64_t since_ms = 0;
        Position at;
    };

    enum class CheckFor : std::uint8_t {
        own,      // a peer has other content of ours at our position
        damage,   // of a keyspace whose router is not there: the peer is asked, if it is ours
        repair,   // of one whose buckets the peer has, too
        answer,   // the peer asked for a bucket
        suspect,  // a bucket that the peer has otherwise; then all is pulled from it
    };

    // What begin_check() of the store is done for.
    struct PendingCheck {
        CheckFor what = CheckFor::own;
        RouterId router{};  // whose keyspace it is
        RouterId peer{};
        ConnectionId connection = 0;
    };

    // Once at a time, for each keyspace or, of a bucket, for each session; peers leave room for
    // what we have of our own. False: it is being done, or there is no room.
    [[nodiscard]] bool check(const PendingCheck& wanted, std::optional<std::uint8_t> bucket) {
        for (const auto& [check, pending] : checks) {
            if (pending.what == wanted.what && (bucket ? pending.connection == wanted.connection
                                                       : pending.router == wanted.router)) {
                return false;
            }
        }
        const bool room = wanted.what == CheckFor::own || checks.size() + 1 < kChecksMax;
        const auto begun = room ? store.begin_check(wanted.router, bucket) : std::nullopt;
        if (!begun) {
            refuse(Refusal::rate_limited);
            return false;
        }
        checks.emplace(*begun, wanted);
        return true;
    }

    // The last one made; no bytes: too much changed for it.
    struct PushFrame {
        Position from;
        Position to;
        std::vector<std::uint8_t> bytes;
    };

    PlaneOptions options;
    std::uint32_t cluster;
    ClaimStore store;
    OwnClaims own;
    PlaneCounters counters;
    std::deque<Event> events;
    std::unordered_map<std::uint64_t, Session*> established;  // by router
    std::unordered_map<std::uint64_t, ConnectionId> pulling;  // by router whose keyspace it is
    std::unordered_map<std::uint64_t, Behind> behind;         // by router

    // Ids that other routers were asked about.
    struct Question {};

    routing::AgingIds<Question> asked;
    std::deque<ProviderQuestion> questions;
    std::unordered_map<std::uint64_t, PendingCheck> checks;  // by number
    PushFrame push_frame;
    // By router; of those there is a session with.
    std::unordered_map<std::uint64_t, PeerComparison> compared;
    std::uint64_t floor_to_tell = 0;  // of our keyspace
    std::uint64_t random_state;
    std::uint64_t now_ms = 0;  // of the last timer
};

}  // namespace posthaste::gossip::claims
