// SPDX-License-Identifier: BSD-3-Clause
// Watch: the cluster's epoll descriptor, and what became of what it watches. ReadySockets: who is
// served next. TurnBudget: how long one turn may still take.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "controlplane/cluster/sockets.h"

namespace posthaste::controlplane {

enum class Watched : std::uint8_t {
    datagrams,
    member_listener,
    member_stream,
    route_listener,
    route_link,
};

struct Readiness {
    Watched kind = Watched::datagrams;
    std::uint32_t number = 0;  // of the stream or link
};

class Watch {
  public:
    [[nodiscard]] static tl::expected<Watch, std::string> open();

    [[nodiscard]] int fd() const noexcept { return epoll_.get(); }

    // Reading is always of interest; level-triggered. Closing the descriptor ends it.
    [[nodiscard]] bool add(const Descriptor& socket, Readiness what, bool writing);
    void change(const Descriptor& socket, Readiness what, bool reading, bool writing);
    // What is ready, without waiting.
    [[nodiscard]] std::span<const Readiness> ready(std::span<Readiness> room) const;

  private:
    Descriptor epoll_;
};

// Whoever was ready is served once before anybody is served again, in however many turns that
// takes. Datagrams are left out: they are read every turn.
class ReadySockets {
  public:
    static constexpr std::size_t kLookMax = 64;

    // Once a turn. Looks only when those of the last time have been served.
    void look(const Watch& watch);
    // Nothing: all were. One that was ready may have ended, or have nothing to say any more.
    [[nodiscard]] std::optional<Readiness> next();

    // More may be ready than one look takes.
    [[nodiscard]] bool full() const noexcept { return count_ == kLookMax; }

  private:
    std::array<Readiness, kLookMax> room_{};
    std::size_t count_ = 0;
    std::size_t served_ = 0;
};

class TurnBudget {
  public:
    explicit TurnBudget(std::chrono::microseconds limit)
        : deadline_(std::chrono::steady_clock::now() + limit) {}

    [[nodiscard]] bool spent() const { return std::chrono::steady_clock::now() >= deadline_; }

  private:
    std::chrono::steady_clock::time_point deadline_;
};

}  // namespace posthaste::controlplane
