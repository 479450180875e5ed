// SPDX-License-Identifier: BSD-3-Clause
// ClaimStore: all keyspaces a router knows, and which claim of an agent holds. Control thread only.
//
// A pure state machine: ranges of records, a view of who is alive and time go in; positions,
// winners and the agents whose winner may have changed come out. The router's own keyspace is
// written by write() alone, any other by whole ranges alone, each of them at once or not at all.
// A snapshot is read into a keyspace of its own, which then takes the place of the old one in
// constant time; what follows from that is done by work(), in slices. Bounded by StoreLimits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "gossip/claims/capability_sets.h"
#include "gossip/claims/claim_table.h"
#include "gossip/claims/grave.h"
#include "gossip/claims/identity.h"
#include "gossip/claims/keyspace.h"
#include "gossip/claims/mutations.h"
#include "gossip/claims/record.h"
#include "gossip/claims/refusal.h"
#include "routing/keyed_id_hash.h"

namespace posthaste::gossip::claims {

struct StoreLimits {
    // Claims, sets and what is gone, of all routers. As much again for copies that are being read,
    // are from before a restart, or are to be freed: a full store can still take a snapshot.
    std::uint32_t records_max = 1'048'576;
    std::uint16_t origins_max = 1'024;
    SetLimits sets{};
    std::uint32_t graves_max = 65'536;
    std::uint32_t provisional_max = 4'096;
    // Of one router, that are gone and remembered. The oldest of more is forgotten: its keyspace's
    // floor rises here, and who has not read so far reads it all.
    std::uint32_t withdrawn_max = 262'144;
};

struct StoreOptions {
    StoreLimits limits{};
    std::uint64_t seed = 0;           // of hashes that must be alike in the whole cluster
    std::uint64_t stale_ms = 30'000;  // how long a restarted router's old claims hold
    bool eligible_at_first = true;    // before set_eligible() says so
    Mutations mutations{};
};

// A claim as selection sees it. `set` is one of sets(), valid until the next call that changes.
struct Winner {
    RouterId router{};
    ClaimBody body;
    routing::Load load{};
    std::uint32_t set = CapabilitySets::kNone;
    Position at;  // the claim's generation and version
    bool stale = false;
    bool provisional = false;
};

// A range of a keyspace: everything that changed after version `from` up to `to`. From 0 it is a
// snapshot.
struct Range {
    RouterId router{};
    std::uint64_t from = 0;
    Position to;
    std::uint64_t floor = 0;
    std::uint64_t fingerprint = 0;
};

// A claim learned by asking, ahead of the keyspace it is from.
struct ProvisionalClaim {
    RouterId router{};
    Position at;
    ClaimBody body;
    routing::Load load{};
    std::string set;
    std::uint64_t until_ms = 0;
};

// One more set may come on top: what is read at once fits a frame.
inline constexpr std::size_t kReadSetBytesMax = 64 * 1'024;
inline constexpr std::uint16_t kOriginsMax = 4'096;
inline constexpr std::size_t kChecksMax = 16;
inline constexpr std::size_t kBucketEntriesMax = 4'096;

enum class ReadOutcome : std::uint8_t { more, end, broken };

class ClaimStore {
  public:
    using ReaderNumber = std::uint32_t;

    ClaimStore(const StoreOptions& options,
               RouterId self,
               const Generation& generation,
               const routing::KeyHash::Key& key);
    ClaimStore(const ClaimStore&) = delete;
    ClaimStore& operator=(const ClaimStore&) = delete;

    [[nodiscard]] RouterId self() const noexcept { return self_; }

    // --- what is known ---
    [[nodiscard]] std::optional<DigestRow> row(RouterId router) const;
    [[nodiscard]] std::vector<DigestRow> rows() const;
    // Of all rows but their floors; alike for equal knowledge.
    [[nodiscard]] std::uint64_t root() const;
    [[nodiscard]] const Keyspace* keyspace(RouterId router) const;
    // Nothing is heard of it until it is eligible again.
    [[nodiscard]] bool forgotten(RouterId router) const;

    // --- selection ---
    [[nodiscard]] std::optional<Winner> best(const routing::AgentId& agent) const;
    // The best, and with it, if it is multi, all others that are.
    [[nodiscard]] std::vector<Winner> winners(const routing::AgentId& agent) const;
    // Every claim of the agent that is not hidden, of routers that are out, too.
    [[nodiscard]] std::vector<Winner> claims_of(const routing::AgentId& agent) const;

    // Whether more than one router may have said something of the agent.
    [[nodiscard]] bool contested(const routing::AgentId& agent) const {
        const std::uint32_t first = table_.first(agent);
        return first != kNoSlot && table_.next(first) != kNoSlot;
    }

    [[nodiscard]] std::optional<Entry> own(const routing::AgentId& key) const;
    [[nodiscard]] std::optional<Entry> find(RouterId router, const routing::AgentId& key) const;
    // Also of what is gone, and not yet forgotten.
    [[nodiscard]] bool has_own_record(const routing::AgentId& key) const;
    // Calls for each live claim of the router, oldest change first.
    void for_each_claim(RouterId router, const std::function<void(const Entry&)>& use) const;
    // Agents whose winner may have changed since the last call; some more than once.
    [[nodiscard]] std::vector<routing::AgentId> take_changes();
    // Agents whose load alone has.
    [[nodiscard]] std::vector<routing::AgentId> take_load_changes();

    // --- who is alive ---
    // O(1); the agents concerned come out of take_changes() as work() gets to them.
    void set_eligible(RouterId router, bool eligible);
    // All agents the router claims come out of take_changes() once more, in the same way.
    void tell_again(RouterId router);
    // False also of routers that nobody has heard of.
    [[nodiscard]] bool is_eligible(RouterId router) const;
    // Drops all that the router said and refuses to hear it again. Never of our own.
    void forget(RouterId router);

    // --- ranges from other routers ---
    // The rules of positions alone; all other calls keep them, too.
    [[nodiscard]] tl::expected<void, Refusal> check(const Range& range) const;
    // Up to ClaimTable::kPrefetchMax entries that are looked at next: what apply() and stage()
    // would wait for, one after the other, comes from memory at once. apply() does it by itself.
    void prefetch(std::span<const Entry> entries) const;
    // Entries ascending by version. `from` is not 0.
    [[nodiscard]] tl::expected<void, Refusal> apply(const Range& range,
                                                    std::span<const Entry> entries);
    [[nodiscard]] tl::expected<KeyspaceNumber, Refusal> open_staging(RouterId router,
                                                                     const Generation& generation);
    [[nodiscard]] tl::expected<void, Refusal> stage(KeyspaceNumber staging, const Entry& entry);
    // `repair`: takes the place of one with the same position.
    [[nodiscard]] tl::expected<void, Refusal> publish(KeyspaceNumber staging,
                                                      const Range& range,
                                                      std::uint64_t now_ms,
                                                      bool repair);
    void drop_staging(KeyspaceNumber staging);
    [[nodiscard]] std::uint64_t staged_fingerprint(KeyspaceNumber staging) const;
    [[nodiscard]] std::uint64_t staged_version(KeyspaceNumber staging) const;
    void follow_floor(RouterId router, const Generation& generation, std::uint64_t floor);
    // False: no such claim of that generation.
    bool set_load(RouterId router,
                  const Generation& generation,
                  const routing::AgentId& agent,
                  routing::Load load);
    [[nodiscard]] tl::expected<void, Refusal> put_provisional(const routing::AgentId& agent,
                                                              const ProvisionalClaim& claim);

    // The router says that the agent is not attached to it: what was heard of that from others
    // holds no more. What it says in its keyspace does.
    void deny_provisional(const routing::AgentId& agent, RouterId router);

    // --- reading a range, while changes go on ---
    // `from` of the position, or 0. The keyspace is known. Costs as much as was changed since.
    [[nodiscard]] ReaderNumber open_reader(RouterId router, std::uint64_t from);
    // Adds up to `entries_max` entries, fewer where sets are long. Broken: the keyspace or its
    // floor is not what it was.
    [[nodiscard]] ReadOutcome read(ReaderNumber reader,
                                   std::size_t entries_max,
                                   std::vector<Entry>& entries);
    void close_reader(ReaderNumber reader);

    // --- our own keyspace ---
    // Gives it the next version. There is room for it: see room().
    void write(Entry entry, std::uint64_t now_ms);
    // A new life with the same content; whoever has read an earlier one reads it all anew.
    void renew(const Generation& generation);
    // Raises the floor over what was withdrawn before `before_ms`, and further if more than
    // `withdrawn_max` are kept. Of many, over the first `looked_at_max`.
    void collect(std::uint64_t before_ms, std::size_t withdrawn_max, std::size_t looked_at_max);

    // How many of our claims have the set.
    [[nodiscard]] std::uint32_t own_set_users(std::uint64_t hash) const;

    // --- in slices ---
    // True: there is more to do.
    bool work(std::size_t budget, std::uint64_t now_ms);

    // The live records of one bucket, for comparison.
    struct BucketEntry {
        routing::AgentId key;
        std::uint64_t version = 0;
        std::uint64_t hash = 0;

        friend auto operator<=>(const BucketEntry&, const BucketEntry&) = default;
    };

    enum class CheckOutcome : std::uint8_t {
        good,
        damaged,  // the fingerprint was not that of the records; our own is so now
        ended,    // the keyspace is another, or the bucket changed meanwhile
    };

    // A walk through all records of a keyspace. Of a bucket: for its first kBucketEntriesMax
    // entries at `at`. Else: for the fingerprint, whatever changes meanwhile.
    struct Check {
        std::uint64_t number = 0;
        RouterId router{};
        std::optional<std::uint8_t> bucket{};
        Position at;
        CheckOutcome outcome = CheckOutcome::ended;
        std::uint64_t differing = 0;  // buckets, of a whole keyspace
        std::uint8_t first = 0;       // of them
        std::vector<BucketEntry> entries{};
    };

    // Its number; work() does it. None: the keyspace is not known, or kChecksMax are being done.
    [[nodiscard]] std::optional<std::uint64_t> begin_check(RouterId router,
                                                           std::optional<std::uint8_t> bucket);
    // Those done since the last call.
    [[nodiscard]] std::vector<Check> take_checks();

    // For records of what counts.
    [[nodiscard]] std::uint32_t room() const noexcept {
        const std::uint32_t most = options_.limits.records_max;
        const std::uint32_t counted = table_.used() - spare_;
        return counted < most ? std::min(most - counted, table_.room()) : 0;
    }

    [[nodiscard]] const ClaimTable& table() const noexcept { return table_; }

    [[nodiscard]] const CapabilitySets& sets() const noexcept { return sets_; }

    [[nodiscard]] std::size_t origins() const noexcept { return places_.size(); }

    [[nodiscard]] std::size_t provisional() const noexcept { return provisional_.size(); }

    // Records of what counts that are gone and remembered: O(origins).
    [[nodiscard]] std::size_t withdrawn() const;

    // How many were forgotten since a keyspace had more than withdrawn_max.
    [[nodiscard]] std::uint64_t withdrawn_given_up() const noexcept { return withdrawn_given_up_; }

    [[nodiscard]] const StoreOptions& options() const noexcept { return options_; }

  private:
    // Tests compare records with the fingerprint, and change them behind its back.
    friend class StoreDamage;

    struct Origin {
        RouterId router{};
        KeyspaceNumber live = kNoKeyspace;
        KeyspaceNumber stale = kNoKeyspace;
        bool eligible = true;
        std::uint16_t keyspaces = 0;  // those to be freed, too
    };

    struct Reader {
        KeyspaceNumber keyspace = kNoKeyspace;
        std::uint32_t next = kNoSlot;
        std::uint64_t position = 0;  // all that changed up to here was given
        bool snapshot = false;
        bool open = false;
        bool whole = true;  // the keyspace is still what it was
    };

    struct Task {
        enum class Kind : std::uint8_t { notify, retire, collect };
        Kind kind = Kind::notify;
        KeyspaceNumber keyspace = kNoKeyspace;
        KeyspaceNumber against = kNoKeyspace;  // notify only of what differs from there
        ReaderNumber reader = 0;
    };

    struct RunningCheck {
        Check check;
        KeyspaceNumber keyspace = kNoKeyspace;
        ReaderNumber reader = 0;
        std::uint64_t counted = 0;  // up to this version
        std::uint64_t sum = 0;
        FingerprintBuckets sums{};
    };

    // claim_store.cpp
    [[nodiscard]] std::uint16_t origin_of(RouterId router);
    [[nodiscard]] Origin* known(RouterId router);
    [[nodiscard]] const Origin* known(RouterId router) const;
    [[nodiscard]] KeyspaceNumber make_keyspace(std::uint16_t origin, KeyspaceRole role);
    void retire(KeyspaceNumber number, bool silent);
    [[nodiscard]] tl::expected<void, Refusal> check_entries(const Keyspace& keyspace,
                                                            KeyspaceNumber number,
                                                            const Range& range,
                                                            std::span<const Entry> entries) const;
    void replace_live(KeyspaceNumber staging, std::uint64_t now_ms);
    void end_stale(Origin& origin);
    void give_up(std::uint16_t place);
    [[nodiscard]] bool fits(const Keyspace& staged, std::uint32_t more) const;

    // claim_store_records.cpp
    void put(KeyspaceNumber number, const Entry& entry, std::uint64_t now_ms);
    void fill(Slot& slot, Keyspace& keyspace, const Entry& entry);
    void empty(Slot& slot, Keyspace& keyspace, std::uint32_t number);
    void link_last(Keyspace& keyspace, std::uint32_t slot);
    void unlink(Keyspace& keyspace, std::uint32_t slot);
    void free_record(Keyspace& keyspace, std::uint32_t slot);
    [[nodiscard]] std::uint64_t hash_of(const Slot& slot, RouterId router) const;
    [[nodiscard]] std::uint8_t bucket_of(const routing::AgentId& key) const;
    void print(Keyspace& keyspace, const Slot& slot, bool add);
    [[nodiscard]] Entry entry_of(const Slot& slot) const;
    [[nodiscard]] ClaimBody body_of(const Slot& slot) const;
    void raise_floor(KeyspaceNumber number, std::uint64_t floor);
    void link_gone(Keyspace& keyspace, std::uint32_t slot, std::uint64_t now_ms);
    void unlink_gone(Keyspace& keyspace, std::uint32_t slot);
    void forget_oldest(KeyspaceNumber number);

    // claim_store_best.cpp
    [[nodiscard]] bool is_shown(const Slot& slot) const;
    [[nodiscard]] bool is_eligible(const Slot& slot) const;
    [[nodiscard]] std::uint32_t best_slot(const routing::AgentId& agent) const;
    [[nodiscard]] Winner winner_of(const Slot& slot) const;
    [[nodiscard]] std::optional<Winner> provisional_best(const routing::AgentId& agent) const;
    void forget_provisional(const routing::AgentId& agent);
    void overtake_provisional(const Range& range);
    void expire_provisional(std::uint64_t now_ms);

    // claim_store_work.cpp
    [[nodiscard]] ReaderNumber open_reader_at(KeyspaceNumber number, std::uint32_t slot);
    [[nodiscard]] bool notify_some(Task& task, std::size_t& budget);
    [[nodiscard]] bool retire_some(Task& task, std::size_t& budget);
    [[nodiscard]] bool collect_some(Task& task, std::size_t& budget);
    void drop_stale(const Origin& origin, const routing::AgentId& agent);
    [[nodiscard]] bool same_claim(const Slot& slot, KeyspaceNumber other) const;
    void notify_all(KeyspaceNumber number, KeyspaceNumber against);
    [[nodiscard]] bool is_being_notified(KeyspaceNumber number) const;
    void free_keyspace(KeyspaceNumber number);
    void expire_stale(std::uint64_t now_ms);
    void close(ReaderNumber number);

    // claim_store_checks.cpp
    void check_some(std::size_t budget);
    void end_check();
    void print_counted(const Keyspace& keyspace, const Slot& slot, std::uint64_t sum);

    StoreOptions options_;
    RouterId self_;
    ClaimTable table_;
    CapabilitySets sets_;
    Grave grave_;
    std::uint32_t spare_ = 0;  // records of keyspaces that are not live
    std::uint64_t withdrawn_given_up_ = 0;
    std::vector<Origin> origins_;
    std::vector<std::uint16_t> free_origins_;
    std::unordered_map<std::uint64_t, std::uint16_t> places_;  // by router
    std::vector<std::unique_ptr<Keyspace>> keyspaces_;
    std::vector<KeyspaceNumber> free_keyspaces_;
    std::vector<Reader> readers_;
    std::vector<ReaderNumber> free_readers_;
    std::deque<Task> tasks_;
    std::deque<RunningCheck> running_;  // the first is being done
    std::vector<Check> checks_;
    std::uint64_t checks_begun_ = 0;
    std::vector<routing::AgentId> changes_;
    std::vector<routing::AgentId> load_changes_;
    std::unordered_map<routing::AgentId, ProvisionalClaim, routing::KeyedIdHash> provisional_;
    std::unordered_map<std::uint64_t, std::uint32_t> provisional_of_;  // how many, by router
    std::deque<std::pair<std::uint64_t, routing::AgentId>> provisional_ends_;
};

}  // namespace posthaste::gossip::claims
