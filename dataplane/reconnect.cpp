// SPDX-License-Identifier: BSD-3-Clause
// The reconnect state machine; see the header.
#include "dataplane/reconnect.h"

namespace posthaste::dataplane {

ReconnectStep Reconnect::poll(std::uint64_t now_ms, bool link_up) noexcept {
    if (!due(now_ms)) {
        return ReconnectStep::nothing;
    }
    next_poll_ms_ = now_ms + (state_ == State::waiting ? kLookMs : kPollMs);
    switch (state_) {
        case State::up:
            if (link_up) {
                return ReconnectStep::nothing;
            }
            ++losses_;
            state_ = State::pausing;
            return ReconnectStep::pause;
        case State::waiting:
            if (link_up) {
                state_ = State::up;
                next_poll_ms_ = now_ms + kPollMs;
                return ReconnectStep::resume;
            }
            if (connecting_) {
                connecting_ = false;
                next_restart_ms_ = now_ms + kHandshakeMs;
            }
            if (!restarts_ || now_ms < next_restart_ms_) {
                return ReconnectStep::nothing;
            }
            ++restart_count_;
            state_ = State::restarting;
            return ReconnectStep::restart;
        case State::pausing:
        case State::restarting:
            return ReconnectStep::nothing;
    }
    return ReconnectStep::nothing;
}

void Reconnect::paused(std::uint64_t now_ms) noexcept {
    if (state_ == State::pausing) {
        state_ = State::waiting;
        next_poll_ms_ = now_ms;
    }
}

void Reconnect::restarted(std::uint64_t now_ms, bool started) noexcept {
    if (state_ == State::restarting) {
        connecting_ = started;
        // The peer answers on another thread; it gets one period for it.
        state_ = State::waiting;
        next_poll_ms_ = now_ms + kLookMs;
        next_restart_ms_ = now_ms + kPollMs;
    }
}

}  // namespace posthaste::dataplane
