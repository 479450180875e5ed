// SPDX-License-Identifier: BSD-3-Clause
// ClaimsCluster: many route planes in a full mesh under virtual time: every connection has a delay,
// every router a bandwidth, and clocks do not agree. For measurements; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "gossip/claims/route_plane.h"

namespace posthaste::sim {

namespace claims = gossip::claims;

// What a router's thread is kept busy with, a call each.
enum class PlaneCall : std::uint8_t { timer, receive, output, connect, disconnect };
inline constexpr std::array<const char*, 5> kPlaneCallNames = {
    "on_timer", "receive", "take_output", "connect", "disconnect"};

// The longest call of each kind so far, of this thread's processor time.
using LongestCalls = std::array<double, kPlaneCallNames.size()>;

struct ClusterOptions {
    unsigned routers = 100;
    std::uint64_t delay_ms = 1;
    std::uint64_t bytes_per_ms = 125'000;  // that a router sends: 1 Gbit/s
    std::uint32_t records_max = 1'048'576;
    bool time_calls = false;  // which takes longer than many of them
};

class ClaimsCluster {
  public:
    explicit ClaimsCluster(const ClusterOptions& options);

    // Routers on different sides have no connection; all are on side 0 at first, and not yet
    // connected.
    void set_side(unsigned router, unsigned side) { routers_[router].side = side; }

    // Ends and makes connections as the sides want it.
    void connect();
    // One millisecond.
    void tick();
    // Until all routers of a side know the same and nothing is left to be done. False: not within.
    [[nodiscard]] bool settle(std::uint64_t ticks_max);

    [[nodiscard]] claims::RoutePlane& operator[](unsigned router) {
        return *routers_[router].plane;
    }

    [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(routers_.size()); }

    // As the router's own clock has it.
    [[nodiscard]] std::uint64_t now_ms(unsigned router) const {
        return now_ms_ + routers_[router].skew_ms;
    }

    [[nodiscard]] std::uint64_t now_ms() const noexcept { return now_ms_; }

    [[nodiscard]] bool agree() const;

    // In milliseconds, since the last call.
    [[nodiscard]] LongestCalls take_longest() { return std::exchange(longest_, {}); }

    // That came to the router since the last call.
    [[nodiscard]] std::uint64_t take_bytes_in(unsigned router);

  private:
    struct Router {
        std::unique_ptr<claims::RoutePlane> plane;
        std::uint64_t skew_ms = 0;
        std::uint64_t bytes_in = 0;
        std::uint64_t may_send = 0;
        unsigned side = 0;
    };

    struct Packet {
        std::uint64_t at_ms = 0;
        std::vector<std::uint8_t> bytes;
    };

    // One way of a connection.
    struct Way {
        unsigned from = 0;
        unsigned to = 0;
        claims::ConnectionId link = 0;
        std::deque<Packet> packets{};
    };

    template <typename Call>
    auto timed(PlaneCall kind, const Call& call);

    ClusterOptions options_;
    LongestCalls longest_{};
    std::vector<Router> routers_;
    std::vector<Way> ways_;
    std::uint64_t now_ms_ = 1'000'000'000;
    claims::ConnectionId links_made_ = 0;
    std::size_t first_way_ = 0;  // of this tick: nobody is always the last
};

}  // namespace posthaste::sim
