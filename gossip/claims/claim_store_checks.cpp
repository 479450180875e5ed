// SPDX-License-Identifier: BSD-3-Clause
// Whether a keyspace is what its fingerprint says, found out in slices.
#include <utility>

#include "gossip/claims/claim_store.h"

namespace posthaste::gossip::claims {

std::optional<std::uint64_t> ClaimStore::begin_check(RouterId router,
                                                     std::optional<std::uint8_t> bucket) {
    const Keyspace* const held = keyspace(router);
    if (held == nullptr || running_.size() >= kChecksMax) {
        return std::nullopt;
    }
    const KeyspaceNumber number = known(router)->live;
    RunningCheck& begun = running_.emplace_back();
    begun.check.number = ++checks_begun_;
    begun.check.router = router;
    begun.check.bucket = bucket;
    begun.check.at = held->at;
    begun.keyspace = number;
    begun.reader = open_reader_at(number, held->head);
    return checks_begun_;
}

std::vector<ClaimStore::Check> ClaimStore::take_checks() {
    return std::exchange(checks_, {});
}

// What was counted already is not what it was; what is put in comes after all that was.
void ClaimStore::print_counted(const Keyspace& keyspace, const Slot& slot, std::uint64_t sum) {
    RunningCheck& running = running_.front();
    if (slot.keyspace == running.keyspace && readers_[running.reader].whole &&
        slot.version <= running.counted && keyspace.role == KeyspaceRole::live) {
        running.sum += sum;
        running.sums[bucket_of(slot.key)] += sum;
    }
}

void ClaimStore::check_some(std::size_t budget) {
    while (!running_.empty() && budget > 0) {
        RunningCheck& running = running_.front();
        Check& check = running.check;
        Reader& reader = readers_[running.reader];
        for (; reader.whole && reader.next != kNoSlot && budget > 0; --budget) {
            const Slot& slot = table_[reader.next];
            reader.next = slot.after;
            running.counted = slot.version;
            if (slot.gone != 0) {
                continue;
            }
            const std::uint8_t bucket = bucket_of(slot.key);
            if (check.bucket && bucket != *check.bucket) {
                continue;
            }
            const std::uint64_t hash = hash_of(slot, check.router);
            running.sum += hash;
            running.sums[bucket] += hash;
            if (check.bucket && check.entries.size() < kBucketEntriesMax) {
                check.entries.push_back({slot.key, slot.version, hash});
            }
        }
        if (reader.whole && reader.next != kNoSlot) {
            return;
        }
        end_check();
    }
}

void ClaimStore::end_check() {
    RunningCheck& running = running_.front();
    Check& check = running.check;
    if (readers_[running.reader].whole) {
        Keyspace& keyspace = *keyspaces_[running.keyspace];
        if (check.bucket) {
            check.outcome = keyspace.at == check.at ? CheckOutcome::good : CheckOutcome::ended;
        } else if (running.sum == keyspace.fingerprint && running.sums == keyspace.buckets) {
            check.outcome = CheckOutcome::good;
        } else {
            check.outcome = CheckOutcome::damaged;
            for (std::size_t bucket = kFingerprintBuckets; bucket-- > 0;) {
                if (running.sums[bucket] != keyspace.buckets[bucket]) {
                    check.first = static_cast<std::uint8_t>(bucket);
                    ++check.differing;
                }
            }
            if (check.router == self_) {
                keyspace.fingerprint = running.sum;
                keyspace.buckets = running.sums;
            }
        }
    }
    close(running.reader);
    checks_.push_back(std::move(check));
    running_.pop_front();
}

}  // namespace posthaste::gossip::claims
