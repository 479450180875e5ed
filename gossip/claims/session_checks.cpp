// SPDX-License-Identifier: BSD-3-Clause
// Loads, questions about agents, and what is done where equal versions have different content.
#include <algorithm>
#include <iterator>

#include "gossip/claims/session.h"

namespace posthaste::gossip::claims {

namespace {

constexpr std::size_t kBucketEntriesMax = 4'096;

}  // namespace

void Session::take(const LoadUpdate& update, std::uint64_t /*now_ms*/) {
    for (const auto& [agent, load] : update.loads) {
        state_.store.set_load(peer_, update.generation, agent, load);
    }
}

// Whoever knows says so; usually that is the router where the agent is.
void Session::take(const Discover& request, std::uint64_t now_ms) {
    if (!discoveries_.take(static_cast<std::uint32_t>(now_ms))) {
        state_.refuse(Refusal::rate_limited);
        return;
    }
    Discovered answer{.agent = request.agent};
    if (const auto best = state_.store.best(request.agent); best && !best->provisional) {
        answer.found = true;
        answer.router = best->router;
        answer.at = best->at;
        answer.body = best->body;
        answer.load = best->load;
        answer.set = state_.store.sets().text(best->set);
    }
    send(answer);
}

void Session::take(const Discovered& answer, std::uint64_t now_ms) {
    if (!state_.asked.holds(answer.agent)) {
        state_.refuse(Refusal::unasked_answer);
        return;
    }
    Event event{.kind = EventKind::discovered, .router = peer_, .agent = answer.agent};
    if (answer.found) {
        event.router = answer.router;
        event.number = 1;
        const auto put =
            state_.store.put_provisional(answer.agent,
                                         {.router = answer.router,
                                          .at = answer.at,
                                          .body = answer.body,
                                          .load = answer.load,
                                          .set = answer.set,
                                          .until_ms = now_ms + state_.options.provisional_ms});
        if (!put) {
            state_.refuse(put.error());
        }
        heard_of(answer.router, answer.at, now_ms);
    }
    state_.note(event);
}

// The router whose keyspace it is knows best; else the peer does, if our own copy is not even what
// we believe it is.
void Session::check_differing(const DigestRow& row) {
    if (state_.options.store.mutations.no_fingerprint_check) {
        return;
    }
    ClaimStore& store = state_.store;
    if (row.router == store.self()) {
        if (!store.verify(row.router)) {
            store.reprint();
            static_cast<void>(
                state_.own.defend({row.at.generation, row.at.version + 1}, state_.nonce()));
            state_.note({.kind = EventKind::renewed, .router = store.self()});
        }
        return;  // otherwise it is the peer's to repair
    }
    Session* source = state_.session_of(row.router);
    if (source == nullptr && !store.verify(row.router)) {
        source = this;
    }
    if (source != nullptr) {
        source->send(BucketsAsk{row.router, store.row(row.router)->at});
    }
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
    if (differing == 0 && state_.store.verify(answer.router)) {
        return;
    }
    state_.note({.kind = EventKind::inconsistent, .router = answer.router, .number = differing});
    send(BucketAsk{answer.router, answer.at, first});
    pull(answer.router, answer.at.generation, now_ms, true);
}

void Session::take(const BucketAsk& request, std::uint64_t /*now_ms*/) {
    const auto held = state_.store.row(request.router);
    if (held && held->at == request.at) {
        send(BucketEntries{request.router,
                           request.at,
                           request.bucket,
                           state_.store.bucket(request.router, request.bucket, kBucketEntriesMax)});
    }
}

void Session::take(const BucketEntries& answer, std::uint64_t /*now_ms*/) {
    const auto held = state_.store.row(answer.router);
    if (!held || held->at != answer.at) {
        return;
    }
    auto ours = state_.store.bucket(answer.router, answer.bucket, kBucketEntriesMax);
    auto theirs = answer.entries;
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
