// SPDX-License-Identifier: BSD-3-Clause
// Rekeying: the change of the Fib's hash key, asked for by the operator or by what the table shows.
//
// Control thread only; time is an argument. One change at a time, kEntriesPerStep entries a cycle,
// beside lookups and changes. Starting one takes memory for a second index, zeroed there and then.
// By itself it starts when far more ids lie outside the table than chance explains, which means
// that somebody knows the key; at most once in kPauseMs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "routing/fib.h"

namespace posthaste::controlplane {

class Rekeying {
  public:
    static constexpr std::uint32_t kEntriesPerStep = 2'000;
    static constexpr std::uint64_t kPauseMs = 600'000;
    static constexpr std::uint64_t kWatchMs = 1'000;

    enum class State : std::uint8_t { never, running, done, given_up };

    explicit Rekeying(routing::Fib& fib) : fib_(fib) {}

    Rekeying(const Rekeying&) = delete;
    Rekeying& operator=(const Rekeying&) = delete;

    // The error is one sentence: one is under way, or there is no memory.
    [[nodiscard]] tl::expected<void, std::string> start(std::string_view reason,
                                                        std::uint64_t now_ms);
    // Once per cycle. True: a change of the key came to its end.
    bool step(std::uint64_t now_ms);

    [[nodiscard]] State state() const noexcept { return state_; }

    // Of the last one: "operator" or "spilled"; empty: there was none.
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }

    [[nodiscard]] std::uint64_t started_at_ms() const noexcept { return started_at_ms_; }

    [[nodiscard]] std::uint64_t ended_at_ms() const noexcept { return ended_at_ms_; }

    // More than these outside the table are too many.
    [[nodiscard]] std::uint32_t spilled_bound() const;

  private:
    void watch(std::uint64_t now_ms);

    routing::Fib& fib_;
    State state_ = State::never;
    std::string_view reason_;
    std::uint64_t started_at_ms_ = 0;
    std::uint64_t ended_at_ms_ = 0;
    std::uint64_t keys_before_ = 0;
    std::uint64_t watched_at_ms_ = 0;
    std::optional<std::uint64_t> own_at_ms_;  // when it last started by itself, or tried to
};

[[nodiscard]] std::string_view name_of(Rekeying::State state) noexcept;

}  // namespace posthaste::controlplane
