// SPDX-License-Identifier: BSD-3-Clause
// What is done in slices: reading ranges, telling of changes, freeing keyspaces.
#include <algorithm>

#include "gossip/claims/claim_store.h"
#include "routing/check.h"

namespace posthaste::gossip::claims {

ClaimStore::ReaderNumber ClaimStore::open_reader_at(KeyspaceNumber number, std::uint32_t slot) {
    auto place = static_cast<ReaderNumber>(readers_.size());
    if (free_readers_.empty()) {
        readers_.emplace_back();
    } else {
        place = free_readers_.back();
        free_readers_.pop_back();
    }
    readers_[place] = {.keyspace = number, .next = slot, .open = true};
    keyspaces_[number]->readers.push_back(place);
    return place;
}

void ClaimStore::close(ReaderNumber number) {
    Reader& reader = readers_[number];
    CHECK(reader.open);
    if (reader.whole) {
        auto& readers = keyspaces_[reader.keyspace]->readers;
        readers.erase(std::find(readers.begin(), readers.end(), number));
    }
    reader.open = false;
    free_readers_.push_back(number);
}

void ClaimStore::close_reader(ReaderNumber reader) {
    close(reader);
}

ClaimStore::ReaderNumber ClaimStore::open_reader(RouterId router, std::uint64_t from) {
    const KeyspaceNumber number = known(router)->live;
    const Keyspace& keyspace = *keyspaces_[number];
    std::uint32_t slot = keyspace.head;
    if (from > 0) {
        slot = kNoSlot;
        for (std::uint32_t last = keyspace.tail; last != kNoSlot && table_[last].version > from;
             last = table_[last].before) {
            slot = last;
        }
    }
    const ReaderNumber reader = open_reader_at(number, slot);
    readers_[reader].snapshot = from == 0;
    // A snapshot gives nothing as live that was gone when it was begun.
    readers_[reader].position = from == 0 ? keyspace.at.version : from;
    return reader;
}

ReadOutcome ClaimStore::read(ReaderNumber number,
                             std::size_t entries_max,
                             std::vector<Entry>& entries) {
    Reader& reader = readers_[number];
    CHECK(reader.open);
    if (!reader.whole) {
        return ReadOutcome::broken;
    }
    // Something that was given as live may be gone, and forgotten already: the receiver would
    // never hear of it.
    const bool passed = keyspaces_[reader.keyspace]->floor > reader.position;
    const Mutations& mutations = options_.mutations;
    if (passed &&
        !(reader.snapshot ? mutations.no_floor_check_snapshot : mutations.no_floor_check)) {
        return ReadOutcome::broken;
    }
    std::size_t set_bytes = 0;
    for (std::size_t i = 0;
         i < entries_max && reader.next != kNoSlot && set_bytes < kReadSetBytesMax;
         ++i) {
        const Slot& slot = table_[reader.next];
        entries.push_back(entry_of(slot));
        set_bytes += entries.back().set.size();
        reader.position = std::max(reader.position, slot.version);
        reader.next = slot.after;
    }
    return reader.next == kNoSlot ? ReadOutcome::end : ReadOutcome::more;
}

void ClaimStore::notify_all(KeyspaceNumber number, KeyspaceNumber against) {
    // Whoever goes out and comes back all the time has one task, which begins again.
    for (Task& task : tasks_) {
        if (task.kind == Task::Kind::notify && task.keyspace == number &&
            readers_[task.reader].whole) {
            task.against = kNoKeyspace;
            readers_[task.reader].next = keyspaces_[number]->head;
            return;
        }
    }
    tasks_.push_back({.kind = Task::Kind::notify,
                      .keyspace = number,
                      .against = against,
                      .reader = open_reader_at(number, keyspaces_[number]->head)});
}

bool ClaimStore::is_being_notified(KeyspaceNumber number) const {
    return std::any_of(tasks_.begin(), tasks_.end(), [number](const Task& task) {
        return task.kind == Task::Kind::notify && task.keyspace == number;
    });
}

bool ClaimStore::same_claim(const Slot& slot, KeyspaceNumber other) const {
    const std::uint32_t twin = table_.find(slot.key, other);
    return twin != kNoSlot && table_[twin].gone == 0 && body_of(table_[twin]) == body_of(slot);
}

// What was withdrawn since a restart must not be seen again when even that is forgotten.
void ClaimStore::drop_stale(const Origin& origin, const routing::AgentId& agent) {
    const std::uint32_t slot =
        origin.stale == kNoKeyspace ? kNoSlot : table_.find(agent, origin.stale);
    if (slot == kNoSlot) {
        return;
    }
    Keyspace& stale = *keyspaces_[origin.stale];
    if (table_[slot].gone == 0) {
        print(stale, table_[slot], false);
        empty(table_[slot], stale, slot);
        changes_.push_back(agent);
    } else {
        unlink_gone(stale, slot);
    }
    free_record(stale, slot);
}

// True: done.
bool ClaimStore::notify_some(Task& task, std::size_t& budget) {
    Reader& reader = readers_[task.reader];
    for (; reader.whole && reader.next != kNoSlot && budget > 0; --budget) {
        const Slot& slot = table_[reader.next];
        reader.next = slot.after;
        if (slot.kind != RecordKind::claim) {
            continue;
        }
        const KeyspaceNumber stale = origins_[keyspaces_[task.keyspace]->origin].stale;
        const bool matters = slot.gone == 0
                                 ? task.against == kNoKeyspace || !same_claim(slot, task.against)
                                 : stale != kNoKeyspace && table_.find(slot.key, stale) != kNoSlot;
        if (matters) {
            changes_.push_back(slot.key);  // what is gone hides what was said before a restart
        }
    }
    if (reader.whole && reader.next != kNoSlot) {
        return false;
    }
    close(task.reader);
    return true;
}

bool ClaimStore::retire_some(Task& task, std::size_t& budget) {
    Keyspace& keyspace = *keyspaces_[task.keyspace];
    const KeyspaceNumber live = origins_[keyspace.origin].live;
    for (; keyspace.head != kNoSlot && budget > 0; --budget) {
        const std::uint32_t number = keyspace.head;
        Slot& slot = table_[number];
        if (!keyspace.silent && slot.kind == RecordKind::claim) {
            const std::uint32_t twin = live == kNoKeyspace ? kNoSlot : table_.find(slot.key, live);
            if (slot.gone == 0 && (twin == kNoSlot || table_[twin].gone != 0)) {
                changes_.push_back(slot.key);
            }
            const bool withdrawn =
                slot.gone != 0 ||
                (live != kNoKeyspace && keyspaces_[live]->at.generation == keyspace.at.generation);
            if (twin == kNoSlot && withdrawn) {
                drop_stale(origins_[keyspace.origin], slot.key);
            }
        }
        if (slot.gone == 0) {
            empty(slot, keyspace, number);
        }
        free_record(keyspace, number);
    }
    if (keyspace.head != kNoSlot) {
        return false;
    }
    free_keyspace(task.keyspace);
    return true;
}

bool ClaimStore::collect_some(Task& task, std::size_t& budget) {
    if (keyspaces_[task.keyspace] == nullptr) {
        return true;
    }
    Keyspace& keyspace = *keyspaces_[task.keyspace];
    if (keyspace.role == KeyspaceRole::retired) {
        return true;
    }
    const auto more = [&] {
        return keyspace.gone_head != kNoSlot &&
               table_[keyspace.gone_head].version <= keyspace.floor;
    };
    for (; more() && budget > 0; --budget) {
        forget_oldest(task.keyspace);
    }
    keyspace.collected = more();
    return !keyspace.collected;
}

// Its origin goes with the last of its keyspaces, unless there is something to remember of it.
void ClaimStore::free_keyspace(KeyspaceNumber number) {
    const std::uint16_t place = keyspaces_[number]->origin;
    keyspaces_[number].reset();
    free_keyspaces_.push_back(number);
    --origins_[place].keyspaces;
    give_up(place);
}

void ClaimStore::expire_stale(std::uint64_t now_ms) {
    for (Origin& origin : origins_) {
        if (origin.stale != kNoKeyspace && keyspaces_[origin.stale]->stale_until_ms <= now_ms) {
            end_stale(origin);
        }
    }
}

bool ClaimStore::work(std::size_t budget, std::uint64_t now_ms) {
    expire_stale(now_ms);
    expire_provisional(now_ms);
    check_some(budget / 2 + 1);
    while (!tasks_.empty() && budget > 0) {
        Task& task = tasks_.front();
        const bool done = task.kind == Task::Kind::notify   ? notify_some(task, budget)
                          : task.kind == Task::Kind::retire ? retire_some(task, budget)
                                                            : collect_some(task, budget);
        if (!done) {
            break;
        }
        tasks_.pop_front();
        budget -= budget > 0 ? 1 : 0;
    }
    return !tasks_.empty() || !running_.empty();
}

}  // namespace posthaste::gossip::claims
