// SPDX-License-Identifier: BSD-3-Clause
// Digests and hints: who has newer, and what follows from it.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "gossip/claims/session.h"

namespace posthaste::gossip::claims {

void Session::send_root() {
    send(DigestRoot{state_.store.root()});
}

void Session::send_root_again(std::uint64_t now_ms) {
    if (now_ms >= next_root_ms_) {
        next_root_ms_ = now_ms + state_.options.digest_ms;
        send_root();
    }
}

void Session::ask_rows() {
    send(RowsAsk{});
}

void Session::note_comparison(std::span<const DigestRow> ours,
                              std::span<const DigestRow> theirs,
                              std::uint64_t now_ms) {
    PeerComparison& comparison = state_.compared[number(peer_)];
    ++comparison.number;
    comparison.at_ms = now_ms;
    RowComparison rows = compare_rows(ours, theirs, kDifferencesKept);
    comparison.drift = rows.drift;
    comparison.differences = std::move(rows.differences);
    state_.sum_up_drift();
}

void Session::take(const DigestRoot& digest, std::uint64_t now_ms) {
    if (digest.root == state_.store.root()) {
        note_comparison({}, {}, now_ms);
        return;
    }
    take(RowsAsk{}, now_ms);
}

void Session::take(const RowsAsk& /*request*/, std::uint64_t /*now_ms*/) {
    send(DigestRows{.all = true, .answer = false, .rows = state_.store.rows()});
}

void Session::take(const DigestRows& digest, std::uint64_t now_ms) {
    const std::vector<DigestRow> ours = state_.store.rows();
    // The first rows of a session are about what was missed before it.
    bool urgent = std::exchange(rows_urgent_, false) || digest.answer;
    if (digest.all) {
        note_comparison(ours, digest.rows, now_ms);
        if (needs_reconciliation(state_.compared[number(peer_)].drift,
                                 state_.options.max_version_drift)) {
            ++state_.counters.reconciliations;
            urgent = true;
        }
    }
    std::vector<DigestRow> newer;
    std::unordered_set<std::uint64_t> told;
    for (const DigestRow& row : digest.rows) {
        told.insert(number(row.router));
        if (consider(row, urgent, now_ms)) {
            newer.push_back(*state_.store.row(row.router));
        }
    }
    if (digest.answer) {
        return;
    }
    for (const DigestRow& row : ours) {
        if (digest.all && !told.contains(number(row.router))) {
            newer.push_back(row);
        }
    }
    if (!newer.empty()) {
        send(DigestRows{.all = false, .answer = true, .rows = std::move(newer)});
    }
}

// True: we have newer.
bool Session::consider(const DigestRow& row, bool urgent, std::uint64_t now_ms) {
    ClaimStore& store = state_.store;
    if (row.router == store.self()) {
        return consider_own(row);
    }
    if (store.forgotten(row.router)) {
        state_.refuse(Refusal::forgotten);
        return false;
    }
    const auto held = store.row(row.router);
    if (held) {
        store.follow_floor(row.router, row.at.generation, row.floor);
        const Comparison comparison = compare_versions(held->at, row.at);
        if (comparison == Comparison::local_newer) {
            return true;
        }
        if (comparison == Comparison::equal) {
            state_.behind.erase(number(row.router));
            if (held->fingerprint != row.fingerprint) {
                check_differing(row);
            }
            return false;
        }
        if (!urgent && may_wait(row, *held, now_ms)) {
            return false;
        }
    }
    pull(row.router, row.at.generation, now_ms, false);
    return false;
}

// Nobody can know more of our keyspace than we do, unless it had a life that we have forgotten.
bool Session::consider_own(const DigestRow& row) {
    ClaimStore& store = state_.store;
    const DigestRow own = *store.row(store.self());
    if (row.at <= own.at) {
        if (row.at == own.at && row.fingerprint != own.fingerprint) {
            check_differing(row);
        }
        return row.at < own.at;
    }
    if (state_.options.store.mutations.no_self_defence) {
        return false;
    }
    if (!state_.own.defend(row.at, state_.nonce())) {
        state_.note({.kind = EventKind::generations_spent, .router = peer_});
        return false;
    }
    state_.note({.kind = EventKind::renewed,
                 .router = peer_,
                 .number = store.row(store.self())->at.generation.counter});
    return true;
}

// A small lag behind a router that sends us what changes is most likely on its way.
bool Session::may_wait(const DigestRow& row, const DigestRow& held, std::uint64_t now_ms) {
    if (row.at.generation != held.at.generation || state_.session_of(row.router) == nullptr ||
        lag(held.at, row.at) > state_.options.max_version_drift) {
        return false;
    }
    PlaneState::Behind& behind = state_.behind[number(row.router)];
    if (behind.at != held.at) {
        behind = {now_ms, held.at};
    }
    return now_ms < behind.since_ms + state_.options.behind_ms;
}

// One pull of a keyspace at a time, from whomever.
void Session::pull(RouterId router,
                   const Generation& generation,
                   std::uint64_t now_ms,
                   bool repair) {
    if (pulls_.size() >= state_.options.pulls_max || state_.pulling.contains(number(router))) {
        return;  // the next digest will say it again
    }
    const auto held = state_.store.row(router);
    const bool same = held && held->at.generation == generation && !repair;
    Pulling wanted{.id = next_pull_++,
                   .router = router,
                   .generation = generation,
                   .from = same ? held->at.version : 0,
                   .heard_ms = now_ms,
                   .repair = repair};
    state_.pulling[number(router)] = connection_;
    ++state_.counters.pulls;
    send(Pull{wanted.id, router, generation, wanted.from});
    pulls_.push_back(std::move(wanted));
}

void Session::heard_of(RouterId router, const Position& at, std::uint64_t now_ms) {
    if (router == state_.store.self() || state_.store.forgotten(router)) {
        return;
    }
    const auto held = state_.store.row(router);
    if (!held || held->at < at) {
        pull(router, at.generation, now_ms, false);
    }
}

void Session::take(const VersionMismatch& mismatch, std::uint64_t now_ms) {
    static_cast<void>(consider(mismatch.row, true, now_ms));
}

void Session::take(const Superseded& hint, std::uint64_t now_ms) {
    heard_of(hint.winner, hint.at, now_ms);
}

bool Session::tell_not_here(const routing::AgentId& agent) {
    if (!hints_.take(static_cast<std::uint32_t>(state_.now_ms))) {
        state_.refuse(Refusal::rate_limited);
        return false;
    }
    NotHere hint{.agent = agent};
    if (const auto best = state_.store.best(agent); best && !best->provisional) {
        hint.holder = best->router;
        hint.at = best->at;
    }
    send(hint);
    return true;
}

void Session::take(const NotHere& hint, std::uint64_t now_ms) {
    state_.store.deny_provisional(hint.agent, peer_);
    if (hint.holder != RouterId{}) {
        heard_of(hint.holder, hint.at, now_ms);
    }
    rows_urgent_ = true;
    send_root_again(now_ms);  // what we have of the peer itself was wrong, too
}

}  // namespace posthaste::gossip::claims
