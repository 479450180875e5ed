// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/claim_store.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>

#include "routing/check.h"

namespace posthaste::gossip::claims {

namespace {

// Has entries that are looked at in turn prefetched, some before their turn.
class Ahead {
  public:
    Ahead(const ClaimStore& store, std::span<const Entry> entries)
        : store_(store), left_(entries) {}

    // Before each entry. A single one would only be waited for twice.
    void next() {
        if (at_hand_ == 0 && left_.size() > 1) {
            at_hand_ = std::min(left_.size(), ClaimTable::kPrefetchMax);
            store_.prefetch(left_.first(at_hand_));
            left_ = left_.subspan(at_hand_);
        }
        at_hand_ -= at_hand_ > 0 ? 1 : 0;
    }

  private:
    const ClaimStore& store_;
    std::span<const Entry> left_;
    std::size_t at_hand_ = 0;
};

std::uint32_t slots_of(const StoreLimits& limits) {
    return std::min(limits.records_max, std::numeric_limits<std::uint32_t>::max() / 4) * 2;
}

}  // namespace

ClaimStore::ClaimStore(const StoreOptions& options,
                       RouterId self,
                       const Generation& generation,
                       const routing::KeyHash::Key& key)
    : options_(options),
      self_(self),
      table_(slots_of(options.limits), key),
      sets_(options.limits.sets, options.seed),
      grave_(options.limits.graves_max),
      provisional_(0, routing::KeyedIdHash{table_.hash()}) {
    CHECK(options.limits.origins_max > 0 && options.limits.origins_max <= kOriginsMax);
    const std::uint16_t origin = origin_of(self);
    origins_[origin].eligible = true;
    origins_[origin].live = make_keyspace(origin, KeyspaceRole::live);
    keyspaces_[origins_[origin].live]->at.generation = generation;
}

std::optional<DigestRow> ClaimStore::row(RouterId router) const {
    const Keyspace* const held = keyspace(router);
    if (held == nullptr) {
        return std::nullopt;
    }
    return DigestRow{router, held->at, held->floor, held->fingerprint};
}

std::vector<DigestRow> ClaimStore::rows() const {
    std::vector<DigestRow> rows;
    rows.reserve(places_.size());
    for (const auto& [router, place] : places_) {
        if (const auto held = row(RouterId{router})) {
            rows.push_back(*held);
        }
    }
    return rows;
}

std::uint64_t ClaimStore::root() const {
    std::uint64_t sum = 0;
    for (const DigestRow& row : rows()) {
        const std::uint64_t words[] = {number(row.router),
                                       row.at.generation.counter,
                                       row.at.generation.boot,
                                       row.at.version,
                                       row.fingerprint};
        sum += XXH3_64bits_withSeed(words, sizeof words, options_.seed);
    }
    return sum;
}

const Keyspace* ClaimStore::keyspace(RouterId router) const {
    const Origin* const origin = known(router);
    return origin == nullptr || origin->live == kNoKeyspace ? nullptr
                                                            : keyspaces_[origin->live].get();
}

bool ClaimStore::forgotten(RouterId router) const {
    return grave_.holds(router);
}

// Makes it known if it is not; there is room.
std::uint16_t ClaimStore::origin_of(RouterId router) {
    const auto found = places_.find(number(router));
    if (found != places_.end()) {
        return found->second;
    }
    std::uint16_t place = static_cast<std::uint16_t>(origins_.size());
    if (free_origins_.empty()) {
        origins_.emplace_back();
    } else {
        place = free_origins_.back();
        free_origins_.pop_back();
    }
    origins_[place] = {.router = router, .eligible = options_.eligible_at_first};
    places_.emplace(number(router), place);
    return place;
}

ClaimStore::Origin* ClaimStore::known(RouterId router) {
    const auto found = places_.find(number(router));
    return found == places_.end() ? nullptr : &origins_[found->second];
}

const ClaimStore::Origin* ClaimStore::known(RouterId router) const {
    const auto found = places_.find(number(router));
    return found == places_.end() ? nullptr : &origins_[found->second];
}

KeyspaceNumber ClaimStore::make_keyspace(std::uint16_t origin, KeyspaceRole role) {
    std::size_t number = keyspaces_.size();
    if (free_keyspaces_.empty()) {
        keyspaces_.emplace_back();
    } else {
        number = free_keyspaces_.back();
        free_keyspaces_.pop_back();
    }
    ++origins_[origin].keyspaces;
    keyspaces_[number] = std::make_unique<Keyspace>();
    keyspaces_[number]->role = role;
    keyspaces_[number]->origin = origin;
    return static_cast<KeyspaceNumber>(number);
}

void ClaimStore::retire(KeyspaceNumber number, bool silent) {
    Keyspace& keyspace = *keyspaces_[number];
    spare_ += keyspace.role == KeyspaceRole::live ? keyspace.records : 0;
    keyspace.role = KeyspaceRole::retired;
    keyspace.silent = silent;
    for (const ReaderNumber reader : keyspace.readers) {
        readers_[reader].whole = false;
    }
    keyspace.readers.clear();
    tasks_.push_back({.kind = Task::Kind::retire, .keyspace = number});
}

bool ClaimStore::is_eligible(RouterId router) const {
    const Origin* const origin = known(router);
    return origin != nullptr && origin->eligible;
}

void ClaimStore::set_eligible(RouterId router, bool eligible) {
    if (eligible) {
        grave_.lift(router);
    }
    if (known(router) == nullptr && (eligible == options_.eligible_at_first || forgotten(router) ||
                                     places_.size() >= options_.limits.origins_max)) {
        return;  // as it will be anyway; or nothing of it can be here
    }
    const std::uint16_t place = origin_of(router);
    Origin& origin = origins_[place];
    if (origin.eligible == eligible) {
        return;
    }
    origin.eligible = eligible;
    give_up(place);
    tell_again(router);
}

void ClaimStore::tell_again(RouterId router) {
    if (const Origin* const origin = known(router)) {
        for (const KeyspaceNumber number : {origin->live, origin->stale}) {
            if (number != kNoKeyspace) {
                notify_all(number, kNoKeyspace);
            }
        }
    }
    for (const auto& [agent, claim] : provisional_) {
        if (claim.router == router) {
            changes_.push_back(agent);
        }
    }
}

void ClaimStore::forget(RouterId router) {
    Origin* const origin = known(router);
    if (router == self_) {
        return;
    }
    grave_.put(router);
    if (origin == nullptr) {
        return;
    }
    for (KeyspaceNumber* const number : {&origin->live, &origin->stale}) {
        if (*number != kNoKeyspace) {
            retire(*number, false);
            *number = kNoKeyspace;
        }
    }
    for (const auto& [agent, claim] : provisional_) {
        if (claim.router == router) {
            changes_.push_back(agent);
        }
    }
    origin->eligible = options_.eligible_at_first;  // so that its place is given up
    give_up(places_.at(number(router)));
}

// An origin of which there is nothing to remember makes room for another.
void ClaimStore::give_up(std::uint16_t place) {
    const Origin& origin = origins_[place];
    if (origin.keyspaces > 0 || origin.eligible != options_.eligible_at_first) {
        return;
    }
    places_.erase(number(origin.router));
    origins_[place] = {};
    free_origins_.push_back(place);
}

tl::expected<void, Refusal> ClaimStore::check(const Range& range) const {
    if (range.router == self_) {
        return tl::unexpected(Refusal::own_keyspace);
    }
    if (range.to.version < range.from || range.floor > range.to.version) {
        return tl::unexpected(Refusal::malformed);
    }
    if (forgotten(range.router)) {
        return tl::unexpected(Refusal::forgotten);
    }
    const Keyspace* const held = keyspace(range.router);
    if (held != nullptr && range.to <= held->at) {
        return tl::unexpected(Refusal::not_newer);
    }
    if (range.from == 0) {
        return {};
    }
    if (options_.mutations.no_gap_check && held != nullptr) {
        return {};
    }
    if (held == nullptr || range.to.generation != held->at.generation) {
        return tl::unexpected(Refusal::not_from_start);
    }
    if (range.from > held->at.version) {
        return tl::unexpected(Refusal::gap);
    }
    return {};
}

// Head of the bucket, record, and its neighbours in the order of versions.
void ClaimStore::prefetch(std::span<const Entry> entries) const {
    std::array<const routing::AgentId*, ClaimTable::kPrefetchMax> keys;
    std::array<std::uint32_t, ClaimTable::kPrefetchMax> slots;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        keys[i] = &entries[i].key;
    }
    table_.prefetch(std::span(keys).first(entries.size()), slots.data());
    for (const std::uint32_t slot : std::span(slots).first(entries.size())) {
        for (const std::uint32_t neighbour :
             slot == kNoSlot ? std::array{kNoSlot, kNoSlot}
                             : std::array{table_[slot].before, table_[slot].after}) {
            if (neighbour != kNoSlot) {
                table_.prefetch(neighbour);
            }
        }
    }
}

// All that could go wrong is seen here, before anything changes.
tl::expected<void, Refusal> ClaimStore::check_entries(const Keyspace& keyspace,
                                                      KeyspaceNumber number,
                                                      const Range& range,
                                                      std::span<const Entry> entries) const {
    std::uint64_t last = range.from;
    std::uint32_t records = 0;
    std::uint64_t sets = 0;
    std::uint64_t set_bytes = 0;
    std::unordered_map<std::uint64_t, bool> told;  // sets in this range: by hash, whether there
    Ahead ahead(*this, entries);
    for (const Entry& entry : entries) {
        ahead.next();
        if (entry.version <= last || entry.version > range.to.version) {
            return tl::unexpected(Refusal::out_of_order);
        }
        last = entry.version;
        if (!key_fits(entry.kind, entry.key)) {
            return tl::unexpected(Refusal::bad_key);
        }
        records += table_.find(entry.key, number) == kNoSlot ? 1 : 0;
        if (entry.kind == RecordKind::capability_set) {
            const std::uint64_t hash = hash_in(entry.key);
            told[hash] = !entry.gone;
            if (entry.gone) {
                continue;
            }
            if (entry.set.empty() || sets_.hash_of(entry.set) != hash) {
                return tl::unexpected(Refusal::bad_set);
            }
            ++sets;
            set_bytes += entry.set.size();
        } else if (const std::uint64_t hash = entry.body.capabilities; !entry.gone && hash != 0) {
            const auto said = told.find(hash);
            if (said == told.end() ? !keyspace.sets.contains(hash) : !said->second) {
                return tl::unexpected(Refusal::unknown_set);
            }
        }
    }
    if (keyspace.role == KeyspaceRole::live ? records > room()
                                            : records > table_.room() || !fits(keyspace, records)) {
        return tl::unexpected(Refusal::store_full);
    }
    if (!sets_.has_room(sets, set_bytes)) {
        return tl::unexpected(Refusal::sets_full);
    }
    return {};
}

tl::expected<void, Refusal> ClaimStore::apply(const Range& range, std::span<const Entry> entries) {
    if (range.from == 0) {
        return tl::unexpected(Refusal::malformed);
    }
    if (const auto good = check(range); !good) {
        return good;
    }
    const KeyspaceNumber number = known(range.router)->live;
    Keyspace& keyspace = *keyspaces_[number];
    if (const auto good = check_entries(keyspace, number, range, entries); !good) {
        return good;
    }
    // What we have read already may be gone and forgotten here, and not yet where this is from.
    const std::uint64_t had = options_.mutations.no_gap_check ? 0 : keyspace.at.version;
    Ahead ahead(*this, entries);
    for (const Entry& entry : entries) {
        ahead.next();
        const std::uint32_t slot = table_.find(entry.key, number);
        if (entry.version > had && (slot == kNoSlot || table_[slot].version < entry.version)) {
            put(number, entry, 0);
        }
    }
    keyspace.at = range.to;
    overtake_provisional(range);
    raise_floor(number, range.floor);
    if (keyspace.ended) {
        end_stale(origins_[keyspace.origin]);
    }
    return {};
}

tl::expected<KeyspaceNumber, Refusal> ClaimStore::open_staging(RouterId router,
                                                               const Generation& generation) {
    if (router == self_) {
        return tl::unexpected(Refusal::own_keyspace);
    }
    // Each origin may have a live, a stale and a staged one, and some that are being freed.
    if ((known(router) == nullptr && places_.size() >= options_.limits.origins_max) ||
        keyspaces_.size() - free_keyspaces_.size() >=
            std::size_t{8} * options_.limits.origins_max) {
        return tl::unexpected(Refusal::origins_full);
    }
    const KeyspaceNumber number = make_keyspace(origin_of(router), KeyspaceRole::staged);
    keyspaces_[number]->at.generation = generation;
    return number;
}

// Whether there is room for it in the place of what its router has now.
bool ClaimStore::fits(const Keyspace& staged, std::uint32_t more) const {
    const KeyspaceNumber live = origins_[staged.origin].live;
    const std::uint64_t others = std::uint64_t{table_.used()} - spare_ -
                                 (live == kNoKeyspace ? 0 : keyspaces_[live]->records);
    return others + staged.records + more <= options_.limits.records_max;
}

tl::expected<void, Refusal> ClaimStore::stage(KeyspaceNumber staging, const Entry& entry) {
    Keyspace& keyspace = *keyspaces_[staging];
    CHECK(keyspace.role == KeyspaceRole::staged);
    const Range range{.router = origins_[keyspace.origin].router,
                      .from = keyspace.at.version,
                      .to = {keyspace.at.generation, entry.version}};
    if (const auto good = check_entries(keyspace, staging, range, {&entry, 1}); !good) {
        return good;
    }
    put(staging, entry, 0);
    keyspace.at.version = entry.version;
    return {};
}

tl::expected<void, Refusal> ClaimStore::publish(KeyspaceNumber staging,
                                                const Range& range,
                                                std::uint64_t now_ms,
                                                bool repair) {
    Keyspace& keyspace = *keyspaces_[staging];
    CHECK(keyspace.role == KeyspaceRole::staged);
    const Keyspace* const held = this->keyspace(range.router);
    const bool same = repair && held != nullptr && held->at == range.to;
    if (const auto good = check(range); !good && !(same && good.error() == Refusal::not_newer)) {
        return good;
    }
    if (range.from != 0 || range.to.generation != keyspace.at.generation) {
        return tl::unexpected(Refusal::not_from_start);
    }
    if (keyspace.at.version > range.to.version) {
        return tl::unexpected(Refusal::out_of_order);
    }
    if (!fits(keyspace, 0)) {
        return tl::unexpected(Refusal::store_full);
    }
    keyspace.at = range.to;
    overtake_provisional(range);
    replace_live(staging, now_ms);
    raise_floor(staging, range.floor);
    return {};
}

void ClaimStore::replace_live(KeyspaceNumber staging, std::uint64_t now_ms) {
    Keyspace& made = *keyspaces_[staging];
    Origin& origin = origins_[made.origin];
    const KeyspaceNumber old = origin.live;
    made.role = KeyspaceRole::live;
    spare_ -= made.records;
    origin.live = staging;
    if (old == kNoKeyspace) {
        notify_all(staging, kNoKeyspace);
        return;
    }
    Keyspace& before = *keyspaces_[old];
    const bool restarted = before.at.generation != made.at.generation && !made.ended;
    const KeyspaceNumber against = is_being_notified(old) ? kNoKeyspace : old;
    notify_all(staging, against);
    if (restarted && (before.ended || origin.stale == kNoKeyspace)) {
        // What was whole holds rather than what a second restart cut short.
        if (origin.stale != kNoKeyspace) {
            retire(origin.stale, false);
        }
        before.role = KeyspaceRole::stale;
        spare_ += before.records;
        before.stale_until_ms = now_ms + options_.stale_ms;
        for (const ReaderNumber reader : before.readers) {
            readers_[reader].whole = false;
        }
        before.readers.clear();
        origin.stale = old;
        if (against == kNoKeyspace) {
            notify_all(old, kNoKeyspace);  // it was not done, and has lost its place
        }
        return;
    }
    retire(old, false);
    if (made.ended) {
        end_stale(origin);
    }
}

void ClaimStore::end_stale(Origin& origin) {
    if (origin.stale != kNoKeyspace) {
        retire(origin.stale, false);
        origin.stale = kNoKeyspace;
    }
}

void ClaimStore::drop_staging(KeyspaceNumber staging) {
    CHECK(keyspaces_[staging]->role == KeyspaceRole::staged);
    retire(staging, true);
}

std::uint64_t ClaimStore::staged_fingerprint(KeyspaceNumber staging) const {
    return keyspaces_[staging]->fingerprint;
}

std::uint64_t ClaimStore::staged_version(KeyspaceNumber staging) const {
    return keyspaces_[staging]->at.version;
}

void ClaimStore::follow_floor(RouterId router, const Generation& generation, std::uint64_t floor) {
    const Origin* const origin = known(router);
    if (origin == nullptr || origin->live == kNoKeyspace || router == self_) {
        return;
    }
    const Keyspace& held = *keyspaces_[origin->live];
    if (held.at.generation == generation && floor <= held.at.version) {
        raise_floor(origin->live, floor);
    }
}

}  // namespace posthaste::gossip::claims
