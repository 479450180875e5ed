// SPDX-License-Identifier: BSD-3-Clause
// Records of a keyspace: put in, taken out, in order, in the fingerprint.
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "gossip/claims/claim_store.h"
#include "routing/check.h"

namespace posthaste::gossip::claims {

namespace {

// What a fingerprint covers of a record. No padding: its bytes are hashed.
struct Printed {
    routing::AgentId key;
    std::uint64_t router = 0;
    std::uint64_t version = 0;
    std::uint64_t since = 0;
    std::uint64_t capabilities = 0;
    std::uint32_t epoch = 0;
    std::uint32_t mobility = 0;
    std::uint64_t kind_flags = 0;
};

static_assert(sizeof(Printed) == 64);

}  // namespace

std::uint64_t ClaimStore::hash_of(const Slot& slot, RouterId router) const {
    Printed printed{.key = slot.key,
                    .router = number(router),
                    .version = slot.version,
                    .since = slot.since,
                    .capabilities = sets_.hash(slot.set),
                    .epoch = slot.epoch,
                    .mobility = slot.mobility,
                    .kind_flags = static_cast<std::uint64_t>(slot.kind)};
    if (slot.kind == RecordKind::claim) {
        printed.kind_flags |= std::uint64_t{slot.state} << 8 | std::uint64_t{slot.sticky} << 16 |
                              std::uint64_t{slot.multi} << 17;
    } else {
        printed.mobility = 0;  // of a set: a count that only its router keeps
    }
    return XXH3_64bits_withSeed(&printed, sizeof printed, options_.seed);
}

std::uint8_t ClaimStore::bucket_of(const routing::AgentId& key) const {
    return static_cast<std::uint8_t>(
        XXH3_64bits_withSeed(key.bytes.data(), key.bytes.size(), options_.seed));
}

void ClaimStore::print(Keyspace& keyspace, const Slot& slot, bool add) {
    const std::uint64_t hash = hash_of(slot, origins_[keyspace.origin].router);
    const std::uint64_t sum = add ? hash : std::uint64_t{0} - hash;
    keyspace.fingerprint += sum;
    keyspace.buckets[bucket_of(slot.key)] += sum;
    if (!running_.empty()) {
        print_counted(keyspace, slot, sum);
    }
}

void ClaimStore::link_last(Keyspace& keyspace, std::uint32_t slot) {
    table_[slot].before = keyspace.tail;
    table_[slot].after = kNoSlot;
    (keyspace.tail == kNoSlot ? keyspace.head : table_[keyspace.tail].after) = slot;
    keyspace.tail = slot;
    for (const ReaderNumber reader : keyspace.readers) {
        if (readers_[reader].next == kNoSlot) {
            readers_[reader].next = slot;
        }
    }
}

void ClaimStore::unlink(Keyspace& keyspace, std::uint32_t slot) {
    const Slot& taken = table_[slot];
    for (const ReaderNumber reader : keyspace.readers) {
        if (readers_[reader].next == slot) {
            readers_[reader].next = taken.after;
        }
    }
    (taken.before == kNoSlot ? keyspace.head : table_[taken.before].after) = taken.after;
    (taken.after == kNoSlot ? keyspace.tail : table_[taken.after].before) = taken.before;
}

void ClaimStore::free_record(Keyspace& keyspace, std::uint32_t slot) {
    unlink(keyspace, slot);
    table_.erase(slot);
    --keyspace.records;
    spare_ -= keyspace.role == KeyspaceRole::live ? 0 : 1;
}

// The record as the entry has it. The slot is gone, or new.
void ClaimStore::fill(Slot& slot, Keyspace& keyspace, const Entry& entry) {
    slot.kind = entry.kind;
    slot.gone = 0;
    if (entry.kind == RecordKind::claim) {
        const ClaimBody& body = entry.body;
        slot.since = body.since;
        slot.epoch = body.epoch;
        slot.mobility = body.mobility;
        slot.state = static_cast<std::uint8_t>(body.state) & 3U;
        slot.sticky = body.sticky ? 1 : 0;
        slot.multi = body.multi ? 1 : 0;
        slot.load = entry.load.per_mille;
        slot.queue = entry.load.queue_depth;
        slot.set = sets_.find(body.capabilities);
        sets_.hold(slot.set);
        ++keyspace.claims;
        if (const auto set = keyspace.sets.find(body.capabilities); set != keyspace.sets.end()) {
            ++table_[set->second].mobility;
        }
    } else if (entry.kind == RecordKind::capability_set) {
        const auto set = sets_.intern(entry.set);
        CHECK(set.has_value());
        slot.set = *set;
        slot.mobility = 0;
    } else {
        keyspace.ended = true;
    }
}

// The record as one that is gone.
void ClaimStore::empty(Slot& slot, Keyspace& keyspace, std::uint32_t number) {
    if (slot.kind == RecordKind::claim) {
        --keyspace.claims;
        const auto set = keyspace.sets.find(sets_.hash(slot.set));
        if (slot.set != CapabilitySets::kNone && set != keyspace.sets.end()) {
            --table_[set->second].mobility;
        }
    } else if (slot.kind == RecordKind::capability_set) {
        const auto set = keyspace.sets.find(sets_.hash(slot.set));
        if (set != keyspace.sets.end() && set->second == number) {
            keyspace.sets.erase(set);
        }
        slot.mobility = 0;
    } else {
        keyspace.ended = false;
    }
    sets_.release(slot.set);
    slot.set = CapabilitySets::kNone;
    slot.gone = 1;
}

// Room and sense were checked. The version is greater than any in the keyspace, or this is a range
// whose entries ascend.
void ClaimStore::put(KeyspaceNumber number, const Entry& entry, std::uint64_t now_ms) {
    Keyspace& keyspace = *keyspaces_[number];
    const bool shown = entry.kind == RecordKind::claim && (keyspace.role == KeyspaceRole::live ||
                                                           keyspace.role == KeyspaceRole::stale);
    std::uint32_t slot = table_.find(entry.key, number);
    if (slot == kNoSlot) {
        slot = table_.insert(entry.key, number);
        table_[slot].kind = entry.kind;
        table_[slot].gone = 1;
        ++keyspace.records;
        spare_ += keyspace.role == KeyspaceRole::live ? 0 : 1;
    } else {
        unlink(keyspace, slot);
        if (table_[slot].gone == 0) {
            print(keyspace, table_[slot], false);
            empty(table_[slot], keyspace, slot);
        } else {
            unlink_gone(keyspace, slot);
        }
    }
    table_[slot].version = entry.version;
    if (entry.gone) {
        link_gone(keyspace, slot, now_ms);
    } else {
        fill(table_[slot], keyspace, entry);
        if (entry.kind == RecordKind::capability_set) {
            keyspace.sets[sets_.hash(table_[slot].set)] = slot;
        }
        print(keyspace, table_[slot], true);
    }
    link_last(keyspace, slot);
    if (shown) {
        // Whatever the best was: that may not have been told yet.
        changes_.push_back(entry.key);
        if (!provisional_.empty() && best_slot(entry.key) != kNoSlot) {
            forget_provisional(entry.key);
        }
    }
    if (keyspace.gone > options_.limits.withdrawn_max) {
        ++withdrawn_given_up_;
        keyspace.floor = std::max(keyspace.floor, table_[keyspace.gone_head].version);
        forget_oldest(number);
    }
}

void ClaimStore::write(Entry entry, std::uint64_t now_ms) {
    const KeyspaceNumber number = known(self_)->live;
    Keyspace& keyspace = *keyspaces_[number];
    entry.version = ++keyspace.at.version;
    put(number, entry, now_ms);
}

void ClaimStore::renew(const Generation& generation) {
    const KeyspaceNumber number = known(self_)->live;
    Keyspace& keyspace = *keyspaces_[number];
    CHECK(generation > keyspace.at.generation);
    keyspace.at.generation = generation;
    for (const ReaderNumber reader : keyspace.readers) {
        readers_[reader].whole = false;
    }
    keyspace.readers.clear();
    // Nobody has read anything of this life, so nobody needs to be told what is gone.
    raise_floor(number, keyspace.at.version);
}

std::uint32_t ClaimStore::own_set_users(std::uint64_t hash) const {
    const auto& sets = keyspace(self_)->sets;
    const auto found = sets.find(hash);
    return found == sets.end() ? 0 : table_[found->second].mobility;
}

void ClaimStore::collect(std::uint64_t before_ms,
                         std::size_t withdrawn_max,
                         std::size_t looked_at_max) {
    const KeyspaceNumber number = known(self_)->live;
    const Keyspace& keyspace = *keyspaces_[number];
    std::uint64_t floor = 0;
    std::size_t left = keyspace.gone;
    for (std::uint32_t slot = keyspace.gone_head; slot != kNoSlot && looked_at_max > 0;
         slot = table_[slot].mobility) {
        if (table_[slot].since >= before_ms && left <= withdrawn_max) {
            break;
        }
        floor = table_[slot].version;
        --left;
        --looked_at_max;
    }
    raise_floor(number, floor);
}

void ClaimStore::raise_floor(KeyspaceNumber number, std::uint64_t floor) {
    Keyspace& keyspace = *keyspaces_[number];
    if (floor <= keyspace.floor) {
        return;
    }
    keyspace.floor = floor;
    if (!keyspace.collected && keyspace.gone_head != kNoSlot &&
        table_[keyspace.gone_head].version <= floor) {
        keyspace.collected = true;
        tasks_.push_back({.kind = Task::Kind::collect, .keyspace = number});
    }
}

void ClaimStore::link_gone(Keyspace& keyspace, std::uint32_t slot, std::uint64_t now_ms) {
    table_[slot].since = now_ms;
    table_[slot].epoch = keyspace.gone_tail;
    table_[slot].mobility = kNoSlot;
    (keyspace.gone_tail == kNoSlot ? keyspace.gone_head : table_[keyspace.gone_tail].mobility) =
        slot;
    keyspace.gone_tail = slot;
    ++keyspace.gone;
}

// The fields are a record's again.
void ClaimStore::unlink_gone(Keyspace& keyspace, std::uint32_t slot) {
    Slot& taken = table_[slot];
    (taken.epoch == kNoSlot ? keyspace.gone_head : table_[taken.epoch].mobility) = taken.mobility;
    (taken.mobility == kNoSlot ? keyspace.gone_tail : table_[taken.mobility].epoch) = taken.epoch;
    taken.since = 0;
    taken.epoch = 0;
    taken.mobility = 0;
    --keyspace.gone;
}

// There is one, and the floor is not below it.
void ClaimStore::forget_oldest(KeyspaceNumber number) {
    Keyspace& keyspace = *keyspaces_[number];
    const std::uint32_t slot = keyspace.gone_head;
    const routing::AgentId key = table_[slot].key;
    unlink_gone(keyspace, slot);
    free_record(keyspace, slot);
    if (keyspace.role == KeyspaceRole::live) {
        drop_stale(origins_[keyspace.origin], key);
    }
}

std::size_t ClaimStore::withdrawn() const {
    std::size_t count = 0;
    for (const Origin& origin : origins_) {
        count += origin.live == kNoKeyspace ? 0 : keyspaces_[origin.live]->gone;
    }
    return count;
}

ClaimBody ClaimStore::body_of(const Slot& slot) const {
    return {.state = static_cast<routing::AgentState>(slot.state),
            .sticky = slot.sticky != 0,
            .multi = slot.multi != 0,
            .epoch = slot.epoch,
            .mobility = slot.mobility,
            .since = slot.since,
            .capabilities = sets_.hash(slot.set)};
}

Entry ClaimStore::entry_of(const Slot& slot) const {
    Entry entry;
    entry.kind = slot.kind;
    entry.gone = slot.gone != 0;
    entry.key = slot.key;
    entry.version = slot.version;
    if (entry.gone) {
        return entry;
    }
    if (slot.kind == RecordKind::claim) {
        entry.body = body_of(slot);
        entry.load = {slot.load, slot.queue};
    } else if (slot.kind == RecordKind::capability_set) {
        entry.set = sets_.text(slot.set);
    }
    return entry;
}

std::optional<Entry> ClaimStore::find(RouterId router, const routing::AgentId& key) const {
    const Origin* const origin = known(router);
    if (origin == nullptr || origin->live == kNoKeyspace) {
        return std::nullopt;
    }
    const std::uint32_t slot = table_.find(key, origin->live);
    return slot == kNoSlot || table_[slot].gone != 0 ? std::nullopt
                                                     : std::optional(entry_of(table_[slot]));
}

std::optional<Entry> ClaimStore::own(const routing::AgentId& key) const {
    return find(self_, key);
}

bool ClaimStore::has_own_record(const routing::AgentId& key) const {
    return table_.find(key, known(self_)->live) != kNoSlot;
}

void ClaimStore::for_each_claim(RouterId router,
                                const std::function<void(const Entry&)>& use) const {
    const Keyspace* const held = keyspace(router);
    for (std::uint32_t slot = held == nullptr ? kNoSlot : held->head; slot != kNoSlot;
         slot = table_[slot].after) {
        if (table_[slot].kind == RecordKind::claim && table_[slot].gone == 0) {
            use(entry_of(table_[slot]));
        }
    }
}

bool ClaimStore::set_load(RouterId router,
                          const Generation& generation,
                          const routing::AgentId& agent,
                          routing::Load load) {
    const Origin* const origin = known(router);
    if (origin == nullptr || origin->live == kNoKeyspace ||
        keyspaces_[origin->live]->at.generation != generation) {
        return false;
    }
    const std::uint32_t slot = table_.find(agent, origin->live);
    if (slot == kNoSlot || table_[slot].gone != 0 || table_[slot].kind != RecordKind::claim) {
        return false;
    }
    table_[slot].load = load.per_mille;
    table_[slot].queue = load.queue_depth;
    if (best_slot(agent) == slot) {
        load_changes_.push_back(agent);
    }
    return true;
}

}  // namespace posthaste::gossip::claims
