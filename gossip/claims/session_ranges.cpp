// SPDX-License-Identifier: BSD-3-Clause
// Ranges that come: kept aside until their commit, then applied at once or not at all.
#include <algorithm>
#include <utility>

#include "gossip/claims/session.h"

namespace posthaste::gossip::claims {

namespace {

constexpr std::uint32_t kAttemptsMax = 3;  // at once; after that with the next digest

}  // namespace

std::vector<Session::Pulling>::iterator Session::find_pull(std::uint32_t id) {
    return std::find_if(
        pulls_.begin(), pulls_.end(), [id](const Pulling& pull) { return pull.id == id; });
}

void Session::fail(std::vector<Pulling>::iterator pull, Refusal why, bool tell) {
    if (pull->staging != kNoKeyspace) {
        state_.store.drop_staging(pull->staging);
    }
    state_.pulling.erase(number(pull->router));
    state_.refuse(why);
    ++state_.counters.pulls_failed;
    if (tell) {
        send(RangeAbort{pull->id, false, why});
    }
    pulls_.erase(pull);
}

void Session::take(const RangeBegin& begin, std::uint64_t now_ms) {
    const auto pull = find_pull(begin.id);
    if (pull == pulls_.end() || pull->begun) {
        state_.refuse(Refusal::unasked_range);
        return;
    }
    if (begin.router != pull->router) {
        fail(pull, Refusal::foreign_keyspace, true);
        return;
    }
    const bool as_asked = begin.from == pull->from && begin.generation == pull->generation;
    if (begin.from != 0 && !as_asked) {
        fail(pull, Refusal::not_from_start, true);
        return;
    }
    pull->begun = true;
    pull->heard_ms = now_ms;
    pull->from = begin.from;
    pull->generation = begin.generation;
    if (begin.from == 0) {
        const auto staging = state_.store.open_staging(begin.router, begin.generation);
        if (!staging) {
            fail(pull, staging.error(), true);
            return;
        }
        pull->staging = *staging;
    }
}

void Session::take(const RangeChunk& chunk, std::uint64_t now_ms) {
    const auto pull = find_pull(chunk.id);
    if (pull == pulls_.end() || !pull->begun) {
        state_.refuse(Refusal::unasked_range);  // or one that failed here a moment ago
        return;
    }
    if (chunk.sequence != pull->chunks) {
        fail(pull, Refusal::sequence_jump, true);
        return;
    }
    // Each takes the range on, and there is an end to that: nobody can hold a keyspace's place.
    if (chunk.entries.empty()) {
        fail(pull, Refusal::malformed, true);
        return;
    }
    if (pull->count >= std::uint64_t{2} * state_.options.store.limits.records_max) {
        fail(pull, Refusal::range_too_large, true);
        return;
    }
    ++pull->chunks;
    pull->heard_ms = now_ms;
    pull->count += chunk.entries.size();
    state_.counters.entries_received += chunk.entries.size();
    if (pull->staging == kNoKeyspace) {
        if (pull->count > std::uint64_t{2} * state_.options.delta_entries_max) {
            fail(pull, Refusal::range_too_large, true);
            return;
        }
        pull->entries.insert(pull->entries.end(), chunk.entries.begin(), chunk.entries.end());
        return;
    }
    const std::span<const Entry> entries(chunk.entries);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i % ClaimTable::kPrefetchMax == 0) {
            state_.store.prefetch(
                entries.subspan(i, std::min(entries.size() - i, ClaimTable::kPrefetchMax)));
        }
        if (const auto good = state_.store.stage(pull->staging, entries[i]); !good) {
            fail(pull, good.error(), true);
            return;
        }
    }
}

void Session::take(const RangeCommit& message, std::uint64_t now_ms) {
    const auto pull = find_pull(message.id);
    if (pull == pulls_.end() || !pull->begun) {
        state_.refuse(Refusal::unasked_range);
        return;
    }
    if (message.chunks != pull->chunks || message.entries != pull->count) {
        fail(pull, Refusal::incomplete_range, false);
        return;
    }
    if (const auto why = commit(*pull, message, now_ms)) {
        fail(pull, *why, false);
        return;
    }
    state_.behind.erase(number(pull->router));
    state_.pulling.erase(number(pull->router));
    pulls_.erase(find_pull(message.id));
}

std::optional<Refusal> Session::commit(Pulling& pull,
                                       const RangeCommit& commit,
                                       std::uint64_t now_ms) {
    const Range range{.router = pull.router,
                      .from = pull.from,
                      .to = {pull.generation, commit.to},
                      .floor = commit.floor,
                      .fingerprint = commit.fingerprint};
    const Mutations& mutations = state_.options.store.mutations;
    if (pull.staging == kNoKeyspace) {
        const UpdateResult result = apply_routing_update(state_.store, range, pull.entries);
        ++state_.counters.updates[static_cast<std::size_t>(result.outcome)];
        state_.counters.deltas_applied += result.refusal ? 0 : 1;
        if (result.refusal) {
            return result.refusal;  // what there is to pull, the next digest says
        }
        return settle(result, range, static_cast<std::uint32_t>(range.fingerprint), now_ms);
    }
    if (!mutations.no_fingerprint_check &&
        state_.store.staged_fingerprint(pull.staging) != commit.fingerprint) {
        ++state_.counters.fingerprint_mismatches;
        return Refusal::fingerprint_mismatch;
    }
    if (const auto good = state_.store.publish(pull.staging, range, now_ms, pull.repair); !good) {
        ++state_.counters.updates[static_cast<std::size_t>(UpdateOutcome::rejected)];
        return good.error();
    }
    pull.staging = kNoKeyspace;
    ++state_.counters.updates[static_cast<std::size_t>(UpdateOutcome::applied)];
    ++state_.counters.snapshots_published;
    if (pull.repair) {
        ++state_.counters.repairs;
        state_.note({.kind = EventKind::repaired, .router = pull.router});
    }
    return std::nullopt;
}

// The rules of the brief for what became of an update: answers, hints, and the next pull.
// Of the fingerprint the low half is enough.
std::optional<Refusal> Session::settle(const UpdateResult& result,
                                       const Range& range,
                                       std::uint32_t fingerprint,
                                       std::uint64_t now_ms) {
    const RouterId self = state_.store.self();
    if (result.refusal) {
        if (*result.refusal == Refusal::gap || *result.refusal == Refusal::not_from_start) {
            pull(range.router, range.to.generation, now_ms, false);
        } else if (*result.refusal == Refusal::not_newer && result.mismatch &&
                   range.to < result.mismatch->at) {
            send(VersionMismatch{*result.mismatch});
        }
        return result.refusal;
    }
    for (const Conflict& conflict : result.conflicts) {
        state_.note({.kind = EventKind::conflict, .router = range.router, .agent = conflict.agent});
        Session* const origin = state_.session_of(range.router);
        if (conflict.verdict == ConflictVerdict::reject_remote && conflict.winner == self &&
            origin != nullptr) {
            origin->send(Superseded{conflict.agent, self, state_.store.row(self)->at});
        }
    }
    check_fingerprint(range, fingerprint);
    return std::nullopt;
}

void Session::check_fingerprint(const Range& range, std::uint32_t fingerprint) {
    if (state_.options.store.mutations.no_fingerprint_check) {
        return;
    }
    const auto row = state_.store.row(range.router);
    if (row && row->at == range.to && static_cast<std::uint32_t>(row->fingerprint) != fingerprint) {
        ++state_.counters.fingerprint_mismatches;
        check_differing(*row);
    }
}

void Session::take(const Push& push, std::uint64_t now_ms) {
    state_.counters.entries_received += push.entries.size();
    const auto held = state_.store.row(peer_);
    if (!held || tag_of(held->at.generation) != push.life) {
        ++state_.counters.updates[static_cast<std::size_t>(UpdateOutcome::rejected)];
        state_.refuse(Refusal::not_from_start);
        if (!state_.pulling.contains(number(peer_))) {
            send_root_again(now_ms);  // the rows that come will say what to pull
        }
        return;
    }
    const Range range{
        .router = peer_, .from = push.from, .to = {held->at.generation, push.to}, .floor = 0};
    const UpdateResult result = apply_routing_update(state_.store, range, push.entries);
    ++state_.counters.updates[static_cast<std::size_t>(result.outcome)];
    if (const auto why = settle(result, range, push.fingerprint, now_ms)) {
        state_.refuse(*why);
    } else {
        ++state_.counters.pushes_applied;
    }
}

void Session::take_abort(const RangeAbort& abort, std::uint64_t now_ms) {
    const auto pulled = find_pull(abort.id);
    if (pulled == pulls_.end()) {
        return;
    }
    const Pulling ended = *pulled;
    fail(pulled, abort.why, false);
    // The keyspace changed under the reader: what is there now is to be read anew.
    if (abort.why == Refusal::range_aborted && ended.attempt < kAttemptsMax) {
        pull(ended.router, ended.generation, now_ms, ended.repair);
        if (!pulls_.empty() && pulls_.back().router == ended.router) {
            pulls_.back().attempt = ended.attempt + 1;
        }
    }
}

// What a router without commits would do: see Mutations.
void Session::publish_part(Pulling& pull) {
    if (!pull.begun) {
        return;
    }
    Range range{.router = pull.router, .from = pull.from, .to = {pull.generation, 0}};
    if (pull.staging == kNoKeyspace) {
        range.to.version = pull.entries.empty() ? 0 : pull.entries.back().version;
        static_cast<void>(state_.store.apply(range, pull.entries));
        return;
    }
    range.to.version = state_.store.staged_version(pull.staging);
    if (range.to.version > 0 && state_.store.publish(pull.staging, range, 0, false)) {
        pull.staging = kNoKeyspace;
    }
}

}  // namespace posthaste::gossip::claims
