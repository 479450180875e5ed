// SPDX-License-Identifier: BSD-3-Clause
// ClaimsWorld: routers with their route planes, agents with sessions, and a network that delays,
// cuts and splits, all from one seed and under a time of its own.
//
// It carries bytes and counts; what must hold is checked by ClaimsJudge.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "gossip/claims/route_plane.h"
#include "tests/sim/dice.h"

namespace posthaste::sim {

namespace claims = gossip::claims;

inline constexpr std::uint64_t kTickMs = 20;
inline constexpr unsigned kAgents = 10;

[[nodiscard]] routing::AgentId agent_id(unsigned number);

struct Router {
    claims::RouterId id{};
    std::unique_ptr<claims::RoutePlane> plane;  // none: it is down
    bool gone = false;                          // for good
    std::uint64_t counter = 0;                  // on its disk
    std::uint64_t lives = 0;
    std::map<std::uint64_t, std::uint64_t> forgets;  // how often it forgot a router
    std::set<unsigned> disk;                         // agents that were attached when it went down
    std::uint64_t skew_ms = 0;                       // of its clock
    std::map<routing::AgentId, std::uint64_t> fib;   // the winner's router, from changes alone
    std::map<routing::AgentId, std::deque<std::uint64_t>> moves;  // accepted, for the limit
};

class ClaimsWorld {
  public:
    ClaimsWorld(std::uint64_t seed, const claims::Mutations& mutations);

    // One random thing happens, and perhaps some time passes.
    void step();
    // All that is not gone comes up, all partitions end, and nothing new happens any more.
    void heal();
    void tick();

    [[nodiscard]] std::vector<Router>& routers() noexcept { return routers_; }

    [[nodiscard]] const std::vector<Router>& routers() const noexcept { return routers_; }

    [[nodiscard]] std::uint64_t now_ms() const noexcept { return now_ms_; }

    // More moves of one agent to one router than the limit allows were let through.
    [[nodiscard]] bool too_many_moves() const noexcept { return too_many_moves_; }

    // Whether nothing is on its way.
    [[nodiscard]] bool quiet() const;

    [[nodiscard]] Dice& dice() noexcept { return dice_; }

  private:
    struct Delivery {
        std::uint64_t at_ms = 0;
        std::vector<std::uint8_t> bytes;
    };

    struct Link {
        claims::ConnectionId id = 0;
        unsigned one = 0;  // began it
        unsigned other = 0;
        bool deaf = false;  // nothing comes back to the one that began it
        std::deque<Delivery> to_other;
        std::deque<Delivery> to_one;
    };

    void start(Router& router, bool with_disk);
    void crash(Router& router);
    void forget(unsigned at);
    void duplicate();

    [[nodiscard]] std::uint64_t clock(const Router& router) const {
        return now_ms_ + router.skew_ms;
    }

    void attach(Router& router, unsigned agent);
    void close_sessions(Router& router);
    void cut(std::size_t link);
    void begin_link(unsigned one, unsigned other);
    void split();
    void connect_missing();
    void carry(Link& link, bool forth);
    void tell_members();
    void act();
    [[nodiscard]] Router* up();
    [[nodiscard]] bool joined(unsigned one, unsigned other) const;

    Dice dice_;
    claims::PlaneOptions options_;
    std::vector<Router> routers_;
    std::vector<Link> links_;
    std::vector<unsigned> side_;  // routers of different sides cannot talk
    std::uint64_t now_ms_ = 1'000'000;
    claims::ConnectionId next_link_ = 1;
    std::set<std::pair<unsigned, unsigned>> forgotten_;  // who, and whom
    bool forgets_ = false;                               // else nobody is ever forgotten
    bool healed_ = false;
    bool too_many_moves_ = false;
};

}  // namespace posthaste::sim
