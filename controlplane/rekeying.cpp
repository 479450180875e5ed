// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/rekeying.h"

#include <array>

#include "controlplane/log.h"

namespace posthaste::controlplane {

namespace {

// Far above what chance does: eight times the average bound, and a few dozen where that is small.
constexpr double kTimesChance = 8;
constexpr std::uint32_t kSpilledAnyway = 64;

}  // namespace

std::string_view name_of(Rekeying::State state) noexcept {
    constexpr std::array<std::string_view, 4> kNames = {"never", "running", "done", "given_up"};
    return kNames[static_cast<std::size_t>(state)];
}

tl::expected<void, std::string> Rekeying::start(std::string_view reason, std::uint64_t now_ms) {
    if (state_ == State::running) {
        return tl::unexpected(std::string("the key of the route table is being changed already"));
    }
    if (!fib_.rekey_start(routing::KeyHash::random_key())) {
        return tl::unexpected(
            std::string("there is no memory for a second index of the route table, or the last "
                        "one is not free yet"));
    }
    state_ = State::running;
    reason_ = reason;
    started_at_ms_ = now_ms;
    keys_before_ = fib_.rekeyed_count();
    log_notice("the key of the route table changes (" + std::string(reason) + ")");
    return {};
}

bool Rekeying::step(std::uint64_t now_ms) {
    if (state_ != State::running) {
        watch(now_ms);
        return false;
    }
    if (!fib_.rekey_step(kEntriesPerStep)) {
        return false;
    }
    ended_at_ms_ = now_ms;
    state_ = fib_.rekeyed_count() > keys_before_ ? State::done : State::given_up;
    if (state_ == State::done) {
        log_notice("the key of the route table has changed, in " +
                   std::to_string(ended_at_ms_ - started_at_ms_) + " ms");
    } else {
        log_warning("the new key of the route table was given up: not every agent had room");
    }
    return true;
}

std::uint32_t Rekeying::spilled_bound() const {
    return kSpilledAnyway + static_cast<std::uint32_t>(kTimesChance * fib_.spilled_by_chance());
}

void Rekeying::watch(std::uint64_t now_ms) {
    if (now_ms - watched_at_ms_ < kWatchMs && now_ms >= watched_at_ms_) {
        return;
    }
    watched_at_ms_ = now_ms;
    if (fib_.spilled_count() <= kSpilledAnyway || fib_.spilled_count() <= spilled_bound()) {
        return;
    }
    if (own_at_ms_.has_value() && now_ms - *own_at_ms_ < kPauseMs) {
        return;
    }
    own_at_ms_ = now_ms;
    log_warning(std::to_string(fib_.spilled_count()) +
                " agents found no place in the route table, more than chance explains: somebody "
                "may know its key");
    if (const auto started = start("spilled", now_ms); !started.has_value()) {
        log_warning(started.error());
    }
}

}  // namespace posthaste::controlplane
