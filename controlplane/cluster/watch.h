// SPDX-License-Identifier: BSD-3-Clause
// Watch: the cluster's epoll descriptor, and what became of what it watches. TurnBudget: how long
// one turn may still take.
#pragma once

#include <chrono>
#include <cstdint>
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

class TurnBudget {
  public:
    explicit TurnBudget(std::chrono::microseconds limit)
        : deadline_(std::chrono::steady_clock::now() + limit) {}

    [[nodiscard]] bool spent() const { return std::chrono::steady_clock::now() >= deadline_; }

  private:
    std::chrono::steady_clock::time_point deadline_;
};

}  // namespace posthaste::controlplane
