// SPDX-License-Identifier: BSD-3-Clause
// Ranges that go out: what the peer pulls, and what changed here.
#include <algorithm>

#include "gossip/claims/session.h"

namespace posthaste::gossip::claims {

namespace {

// Nothing more is sent ahead of the rate than this.
constexpr std::int64_t kBurstMs = 50;

}  // namespace

void Session::take(const Pull& pull, std::uint64_t now_ms) {
    static_cast<void>(now_ms);
    const auto held = state_.store.row(pull.router);
    std::optional<Refusal> why;
    std::uint64_t from = pull.from;
    if (!held) {
        why = Refusal::unknown_keyspace;
    } else if (streams_.size() >= state_.options.streams_max) {
        why = Refusal::too_many_ranges;
    } else {
        if (held->at.generation != pull.generation) {
            from = 0;
        }
        if (from > held->at.version || (from == held->at.version && from != 0)) {
            why = Refusal::not_newer;
        }
    }
    if (why) {
        state_.refuse(*why);
        send(RangeAbort{pull.id, true, *why});
        return;
    }
    if (from < held->floor && !state_.options.store.mutations.no_snapshot_below_floor) {
        from = 0;  // what was withdrawn since is forgotten: all that is left must be told
    }
    if (held->at.version - from > state_.options.delta_entries_max) {
        from = 0;
    }
    ++state_.counters.streams;
    send(RangeBegin{pull.id, pull.router, held->at.generation, from});
    streams_.push_back({.id = pull.id,
                        .router = pull.router,
                        .reader = state_.store.open_reader(pull.router, from)});
}

void Session::take(const RangeAbort& abort, std::uint64_t now_ms) {
    if (abort.by_sender) {
        take_abort(abort, now_ms);
        return;
    }
    for (std::size_t place = 0; place < streams_.size(); ++place) {
        if (streams_[place].id == abort.id) {
            ++state_.counters.streams_aborted;
            drop_stream(place);
            return;
        }
    }
}

void Session::drop_stream(std::size_t place) {
    state_.store.close_reader(streams_[place].reader);
    streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(place));
}

// A chunk of each stream in turn, while there is room to send and the rate allows it.
void Session::pump(std::uint64_t now_ms) {
    if (closed_ || !established_) {
        return;
    }
    const auto rate = static_cast<std::int64_t>(state_.options.bytes_per_second);
    const auto passed = static_cast<std::int64_t>(
        std::min<std::uint64_t>(now_ms - std::min(allowed_ms_, now_ms), 1'000));
    const std::int64_t burst = std::max<std::int64_t>(
        rate * kBurstMs / 1'000, static_cast<std::int64_t>(state_.options.out_low));
    allowance_ = std::min(allowance_ + rate * passed / 1'000, burst);
    allowed_ms_ = now_ms;
    while (!streams_.empty() && waiting() < state_.options.out_low && allowance_ > 0 && !closed_) {
        turn_ = turn_ < streams_.size() ? turn_ : 0;
        const std::size_t before = out_.size();
        if (send_some(streams_[turn_])) {
            drop_stream(turn_);
        } else {
            ++turn_;
        }
        allowance_ -= static_cast<std::int64_t>(out_.size() - before);
    }
}

// True: that was all of it, or no more will come.
bool Session::send_some(Stream& stream) {
    RangeChunk chunk{stream.id, stream.chunks, {}};
    const ReadOutcome outcome =
        state_.store.read(stream.reader, state_.options.chunk_entries, chunk.entries);
    if (outcome == ReadOutcome::broken) {
        ++state_.counters.streams_aborted;
        send(RangeAbort{stream.id, true, Refusal::range_aborted});
        return true;
    }
    if (!chunk.entries.empty()) {
        ++stream.chunks;
        stream.count += chunk.entries.size();
        send(chunk);
    }
    if (outcome == ReadOutcome::more) {
        return false;
    }
    // Nothing can change between the last chunk and this.
    const DigestRow row = *state_.store.row(stream.router);
    send(RangeCommit{.id = stream.id,
                     .chunks = stream.chunks,
                     .entries = stream.count,
                     .to = row.at.version,
                     .floor = row.floor,
                     .fingerprint = row.fingerprint});
    if (stream.router == state_.store.self()) {
        pushed_ = row.at;
        floor_told_ = row.floor;
    }
    return true;
}

// Peers who have read alike are told alike: the frame is made once for all of them.
void Session::push() {
    ClaimStore& store = state_.store;
    const RouterId self = store.self();
    const DigestRow row = *store.row(self);
    if (!established_ || closed_ || waiting() >= state_.options.out_low) {
        return;
    }
    if (row.at == pushed_) {
        // Neither pushes nor roots have the floor: peers would keep all that was ever withdrawn.
        if (floor_told_ < state_.floor_to_tell) {
            floor_told_ = row.floor;
            send(DigestRows{.all = false, .answer = true, .rows = {row}});
        }
        return;
    }
    const bool streaming =
        std::any_of(streams_.begin(), streams_.end(), [self](const Stream& stream) {
            return stream.router == self;
        });
    if (streaming) {
        return;  // goes up to where we are
    }
    PlaneState::PushFrame& made = state_.push_frame;
    if (made.from != pushed_ || made.to != row.at) {
        make_push(row, made);
    }
    pushed_ = row.at;
    if (!made.bytes.empty()) {
        send_frame(MessageKind::push, made.bytes);
    } else {
        send(DigestRows{.all = false, .answer = true, .rows = {row}});  // the peer will pull
    }
}

// Without bytes: it is not for a push.
void Session::make_push(const DigestRow& row, PlaneState::PushFrame& made) {
    ClaimStore& store = state_.store;
    made = {pushed_, row.at, {}};
    const bool known =
        pushed_.generation == row.at.generation && pushed_.version > 0 &&
        (pushed_.version >= row.floor || state_.options.store.mutations.no_snapshot_below_floor);
    if (!known || row.at.version - pushed_.version > state_.options.push_entries_max) {
        return;
    }
    Push update{.life = tag_of(row.at.generation),
                .from = pushed_.version,
                .to = row.at.version,
                .fingerprint = static_cast<std::uint32_t>(row.fingerprint),
                .entries = {}};
    const auto reader = store.open_reader(store.self(), pushed_.version);
    const bool whole =
        store.read(reader, state_.options.push_entries_max, update.entries) == ReadOutcome::end;
    store.close_reader(reader);
    if (whole) {
        made.bytes = encode(update, state_.cluster);
    }
}

}  // namespace posthaste::gossip::claims
