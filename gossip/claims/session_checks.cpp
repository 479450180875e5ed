// SPDX-License-Identifier: BSD-3-Clause
// What is done where equal versions have different content; and loads.
#include <algorithm>
#include <iterator>
#include <utility>

#include "gossip/claims/session.h"

namespace posthaste::gossip::claims {

void Session::take(const LoadUpdate& update, std::uint64_t /*now_ms*/) {
    for (const auto& [agent, load] : update.loads) {
        state_.store.set_load(peer_, update.generation, agent, load);
    }
}

// The router whose keyspace it is knows best; else the peer does, if our own copy is not even what
// we believe it is. A peer that says so with every row has one look at a time.
void Session::check_differing(const DigestRow& row) {
    if (state_.options.store.mutations.no_fingerprint_check) {
        return;
    }
    if (row.router != state_.store.self()) {
        if (Session* const source = state_.session_of(row.router)) {
            source->send(BucketsAsk{row.router, state_.store.row(row.router)->at});
            return;
        }
    }
    if (state_.now_ms < next_check_ms_) {
        return;
    }
    next_check_ms_ = state_.now_ms + state_.options.digest_ms;
    using For = PlaneState::CheckFor;
    const For what = row.router == state_.store.self() ? For::own : For::damage;
    static_cast<void>(check(what, row.router, std::nullopt));
}

bool Session::check(PlaneState::CheckFor what,
                    RouterId router,
                    std::optional<std::uint8_t> bucket) {
    return state_.check({.what = what, .router = router, .peer = peer_, .connection = connection_},
                        bucket);
}

void Session::finish(PlaneState& state, const ClaimStore::Check& check, std::uint64_t now_ms) {
    const auto pending = state.checks.extract(check.number);
    if (pending.empty()) {
        return;
    }
    const PlaneState::PendingCheck& wanted = pending.mapped();
    if (wanted.what == PlaneState::CheckFor::own) {
        if (check.outcome == ClaimStore::CheckOutcome::damaged) {
            // Nobody must take what was told before for what is told now.
            const Position at = state.store.row(state.store.self())->at;
            static_cast<void>(state.own.defend({at.generation, at.version + 1}, state.nonce()));
            state.note({.kind = EventKind::renewed, .router = state.store.self()});
        }
        return;  // otherwise it is the peer's to repair
    }
    Session* const session = state.session_of(wanted.peer);
    const auto held = state.store.row(wanted.router);
    if (session != nullptr && session->connection_ == wanted.connection && held) {
        session->checked(wanted, check, held->at, now_ms);
    }
}

// `at`: where the keyspace is now. One that changes all the time is repaired, too; only the names
// of what is damaged need it to stand still.
void Session::checked(const PlaneState::PendingCheck& pending,
                      const ClaimStore::Check& check,
                      const Position& at,
                      std::uint64_t now_ms) {
    const bool stands = check.outcome != ClaimStore::CheckOutcome::ended && at == check.at;
    const bool damaged = check.outcome == ClaimStore::CheckOutcome::damaged;
    if (pending.what == PlaneState::CheckFor::answer) {
        if (stands) {
            send(BucketEntries{pending.router, check.at, *check.bucket, check.entries});
        }
    } else if (pending.what == PlaneState::CheckFor::suspect) {
        if (stands) {
            suspect_ = check;
            send(BucketAsk{pending.router, check.at, *check.bucket});
        }
        pull(pending.router, at.generation, now_ms, true);
    } else if (damaged && pending.what == PlaneState::CheckFor::damage) {
        send(BucketsAsk{pending.router, at});
    } else if (damaged) {
        begin_repair(pending.router, check.differing, check.first, now_ms);
    }
}

// What we have is looked at first, if a bucket differs: it is gone when the repair is done.
void Session::begin_repair(RouterId router,
                           std::uint64_t differing,
                           std::uint8_t first,
                           std::uint64_t now_ms) {
    if (differing == 0) {
        pull(router, state_.store.row(router)->at.generation, now_ms, true);
    } else if (!check(PlaneState::CheckFor::suspect, router, first)) {
        return;
    }
    state_.note({.kind = EventKind::inconsistent, .router = router, .number = differing});
}

void Session::take(const BucketsAsk& request, std::uint64_t /*now_ms*/) {
    const Keyspace* const held = state_.store.keyspace(request.router);
    if (held != nullptr && held->at == request.at) {
        send(Buckets{request.router, request.at, held->buckets});
    }
}

void Session::take(const Buckets& answer, std::uint64_t now_ms) {
    const Keyspace* const held = state_.store.keyspace(answer.router);
    if (held == nullptr || held->at != answer.at || answer.router == state_.store.self()) {
        return;  // we have gone on, and will compare again
    }
    std::uint64_t differing = 0;
    std::uint8_t first = 0;
    for (std::size_t bucket = 0; bucket < kFingerprintBuckets; ++bucket) {
        if (held->buckets[bucket] != answer.sums[bucket]) {
            first = differing == 0 ? static_cast<std::uint8_t>(bucket) : first;
            ++differing;
        }
    }
    if (differing == 0) {
        static_cast<void>(check(PlaneState::CheckFor::repair, answer.router, std::nullopt));
    } else {
        begin_repair(answer.router, differing, first, now_ms);
    }
}

void Session::take(const BucketAsk& request, std::uint64_t /*now_ms*/) {
    const auto held = state_.store.row(request.router);
    if (held && held->at == request.at) {
        static_cast<void>(check(PlaneState::CheckFor::answer, request.router, request.bucket));
    }
}

void Session::take(const BucketEntries& answer, std::uint64_t /*now_ms*/) {
    if (!suspect_ || suspect_->router != answer.router || suspect_->at != answer.at ||
        suspect_->bucket != answer.bucket || answer.entries.size() > kBucketEntriesMax) {
        state_.refuse(Refusal::unasked_answer);
        return;
    }
    auto ours = std::move(suspect_->entries);
    auto theirs = answer.entries;
    suspect_.reset();
    std::sort(ours.begin(), ours.end());
    std::sort(theirs.begin(), theirs.end());
    std::vector<ClaimStore::BucketEntry> differing;
    std::set_symmetric_difference(
        ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(differing));
    if (!differing.empty()) {
        state_.note({.kind = EventKind::damaged_records,
                     .router = answer.router,
                     .agent = differing.front().key,
                     .number = differing.size()});
    }
}

}  // namespace posthaste::gossip::claims
