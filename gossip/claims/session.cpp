// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/session.h"

#include <algorithm>

namespace posthaste::gossip::claims {

Session::Session(PlaneState& state,
                 ConnectionId connection,
                 bool initiated,
                 std::optional<RouterId> expected)
    : state_(state),
      connection_(connection),
      initiated_(initiated),
      expected_(expected),
      frames_(state.cluster),
      discoveries_(state.options.discover_per_second),
      hints_(state.options.not_here_per_second) {}

Session::~Session() {
    end_all();
}

void Session::on_connect(std::uint64_t now_ms) {
    connected_ms_ = now_ms;
    allowed_ms_ = now_ms;
    allowance_ = static_cast<std::int64_t>(state_.options.out_low);
    send(Hello{state_.store.self()});
}

void Session::on_bytes(std::span<const std::uint8_t> bytes, std::uint64_t now_ms) {
    if (closed_) {
        return;
    }
    state_.counters.bytes_received += bytes.size();
    // In pieces, so that no more than a frame is held at once.
    while (!bytes.empty() && !closed_) {
        const std::size_t piece = std::min(bytes.size(), kFrameBytesMax);
        frames_.add(bytes.first(piece));
        bytes = bytes.subspan(piece);
        while (!closed_) {
            const auto frame = frames_.next();
            if (!frame) {
                close(frame.error());
                return;
            }
            if (!*frame) {
                break;
            }
            const auto message = decode((*frame)->kind, (*frame)->body);
            if (message) {
                dispatch(*message, now_ms);
            } else if (message.error() == Refusal::unknown_message && established_) {
                state_.refuse(message.error());  // of a later router: no harm
            } else {
                close(message.error());
            }
        }
    }
    pump(now_ms);
}

void Session::on_disconnect(std::uint64_t /*now_ms*/) {
    const bool was = established_;
    end_all();
    if (was) {
        state_.note({.kind = EventKind::session_down, .router = peer_, .why = closed_});
    }
}

void Session::end_all() {
    for (Pulling& pull : pulls_) {
        if (state_.options.store.mutations.partial_publish) {
            publish_part(pull);
        }
        if (pull.staging != kNoKeyspace) {
            state_.store.drop_staging(pull.staging);
        }
        state_.pulling.erase(number(pull.router));
        ++state_.counters.pulls_failed;
    }
    pulls_.clear();
    while (!streams_.empty()) {
        drop_stream(streams_.size() - 1);
    }
    if (established_ && state_.session_of(peer_) == this) {
        state_.established.erase(number(peer_));
        state_.compared.erase(number(peer_));
        state_.sum_up_drift();
    }
    established_ = false;
}

void Session::close(Refusal why) {
    if (!closed_) {
        closed_ = why;
        state_.refuse(why);
    }
}

void Session::on_timer(std::uint64_t now_ms) {
    if (closed_) {
        return;
    }
    if (!established_ && now_ms >= connected_ms_ + state_.options.hello_ms) {
        close(Refusal::no_hello);
        return;
    }
    for (std::size_t i = pulls_.size(); i-- > 0;) {
        if (now_ms >= pulls_[i].heard_ms + state_.options.pull_idle_ms) {
            fail(pulls_.begin() + static_cast<std::ptrdiff_t>(i), Refusal::range_aborted, true);
        }
    }
    pump(now_ms);
}

void Session::send(const Message& message) {
    if (closed_) {
        return;
    }
    send_frame(kind_of(message), encode(message, state_.cluster));
}

void Session::send_frame(MessageKind kind, std::span<const std::uint8_t> frame) {
    if (closed_) {
        return;
    }
    if (waiting() + frame.size() > state_.options.out_max) {
        close(Refusal::slow_peer);
        return;
    }
    out_.insert(out_.end(), frame.begin(), frame.end());
    ++state_.counters.sent[static_cast<std::size_t>(kind)];
    state_.counters.bytes_sent += frame.size();
}

std::vector<std::uint8_t> Session::take_output(std::size_t bytes_max, std::uint64_t now_ms) {
    const std::size_t count = std::min(bytes_max, waiting());
    const auto first = out_.begin() + static_cast<std::ptrdiff_t>(out_start_);
    std::vector<std::uint8_t> taken(first, first + static_cast<std::ptrdiff_t>(count));
    out_start_ += count;
    if (out_start_ == out_.size() || out_start_ > state_.options.out_low) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_start_));
        out_start_ = 0;
    }
    if (!closed_) {
        pump(now_ms);
    }
    return taken;
}

void Session::dispatch(const Message& message, std::uint64_t now_ms) {
    ++state_.counters.received[message.index()];
    if (!established_ && kind_of(message) != MessageKind::hello) {
        close(Refusal::no_hello);
        return;
    }
    std::visit(
        [this, now_ms](const auto& body) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(body)>, std::monostate>) {
                take(body, now_ms);
            }
        },
        message);
}

void Session::take(const Hello& hello, std::uint64_t now_ms) {
    if (established_) {
        close(Refusal::second_hello);
        return;
    }
    if (hello.router == state_.store.self()) {
        close(Refusal::own_router_id);
        return;
    }
    if (expected_ && *expected_ != hello.router) {
        close(Refusal::other_router_id);
        return;
    }
    peer_ = hello.router;
    if (Session* const other = state_.session_of(peer_); other != nullptr && !take_over(*other)) {
        close(Refusal::duplicate_session);
        return;
    }
    established_ = true;
    state_.established[number(peer_)] = this;
    // What is older is for the digests.
    pushed_ = state_.store.row(state_.store.self())->at;
    state_.note({.kind = EventKind::session_up, .router = peer_});
    if (initiated_) {
        send_root();
    }
    static_cast<void>(now_ms);
}

// Two routers that call each other at once must keep the same connection: the one that the router
// with the lesser id began. Of two begun by the same, the later is the one that works.
bool Session::take_over(Session& other) {
    if (initiated_ != other.initiated_) {
        const bool self_first = number(state_.store.self()) < number(peer_);
        if (initiated_ != self_first) {
            return false;
        }
    }
    other.close(Refusal::duplicate_session);
    other.end_all();
    return true;
}

}  // namespace posthaste::gossip::claims
