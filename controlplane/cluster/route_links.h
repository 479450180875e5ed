// SPDX-License-Identifier: BSD-3-Clause
// RouteLinks: the route plane's TCP connections.
//
// Of two routers the one with the lower id calls, again and again while the other is alive. Who
// calls us must have the address of a router we know, and say as its first message which of those
// it is; only then does the route plane hear of it. What the plane has to say is taken from it as
// the socket takes it. At most LinkLimits; control thread only. `now_ms` is the clock of claims.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "controlplane/cluster/backoff.h"
#include "controlplane/cluster/routers.h"
#include "controlplane/cluster/tcp_stream.h"
#include "gossip/claims/route_plane.h"
#include "gossip/seal/sealed_stream.h"
#include "routing/token_bucket.h"

namespace posthaste::controlplane {

// Connections that end before the route plane hears of them, by name; those that are not sealed
// as they should be have names of their own (StreamRefusal).
enum class LinkRefusal : std::uint8_t {
    unknown_source,  // no router we know has that address
    too_many_links,
    too_often,  // that source calls more than calls_per_second
    handshake_timeout,
    foreign_router,  // it is not who has that address
    count,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(LinkRefusal::count)>
    kLinkRefusalNames = {
        "unknown-source", "too-many-links", "too-often", "handshake-timeout", "foreign-router"};

struct LinkCounters {
    std::uint64_t dialled = 0;
    std::uint64_t dials_failed = 0;
    std::uint64_t accepted = 0;
    std::uint64_t ended = 0;  // once they were up
    std::array<std::uint64_t, static_cast<std::size_t>(LinkRefusal::count)> refused{};
    std::array<std::uint64_t, static_cast<std::size_t>(gossip::seal::StreamRefusal::count)>
        seal_refused{};
};

struct LinkLimits {
    std::size_t links_max = 512;
    std::size_t strangers_max = 4;  // links a router at an address, that have not said who they are
    std::uint32_t calls_per_second = 20;  // of a source
    std::uint64_t handshake_ms = 5'000;
};

class RouteLinks {
  public:
    RouteLinks(Watch& watch,
               gossip::claims::RoutePlane& plane,
               const Routers& routers,
               const gossip::seal::Keyring& keyring,
               const std::string& cluster,
               const routing::IpAddress& local,
               const LinkLimits& limits,
               std::uint64_t random_seed);

    void accept(const Descriptor& listener, std::uint64_t now_ms);
    // The link's socket is ready. True: there is more than a turn's share.
    bool serve(gossip::claims::ConnectionId link, const TurnBudget& budget, std::uint64_t now_ms);
    // Ends what is overdue or closed by the plane, and calls who is due.
    void care(std::uint64_t now_ms);
    // Sends what the plane has to say. True: there is more than a turn's share.
    bool send(const TurnBudget& budget, std::uint64_t now_ms);
    // The router is no more.
    void hang_up(gossip::claims::RouterId router, std::uint64_t now_ms);

    [[nodiscard]] std::size_t count() const noexcept { return links_.size(); }

    [[nodiscard]] const LinkCounters& counters() const noexcept { return counters_; }

  private:
    struct Link {
        TcpStream tcp;
        gossip::seal::SealedStream seal;
        bool initiated = false;
        std::optional<gossip::claims::RouterId> router;  // whom we called, or who says it is
        routing::IpAddress from;                         // of one that called us
        std::uint64_t begun_ms = 0;
        bool known_to_plane = false;
        gossip::seal::Bytes first;  // from one that has not said who it is
    };

    enum class End : std::uint8_t { lost, refused };

    [[nodiscard]] std::uint64_t draw();
    [[nodiscard]] gossip::seal::SealedStream new_seal(bool initiated) const;
    [[nodiscard]] gossip::claims::ConnectionId next_number();
    [[nodiscard]] std::optional<LinkRefusal> judge_caller(const routing::IpAddress& from,
                                                          std::uint64_t now_ms);
    void refuse(LinkRefusal why);
    // Null: it cannot be watched.
    [[nodiscard]] Link* add(Descriptor socket, bool initiated, std::uint64_t now_ms);
    void greet(Link& link);
    void call(const RouterMember& router, std::uint64_t now_ms);
    void end_overdue(std::uint64_t now_ms);
    // False: the link has ended.
    [[nodiscard]] bool take(gossip::claims::ConnectionId number,
                            std::span<const std::uint8_t> bytes,
                            std::uint64_t now_ms);
    [[nodiscard]] bool introduce(gossip::claims::ConnectionId number,
                                 Link& link,
                                 std::uint64_t now_ms);
    // True: there is more than a turn's share.
    [[nodiscard]] bool send_some(gossip::claims::ConnectionId number,
                                 Link& link,
                                 const TurnBudget& budget,
                                 std::uint64_t now_ms);
    void end(gossip::claims::ConnectionId number, End how, std::uint64_t now_ms);

    Watch& watch_;
    gossip::claims::RoutePlane& plane_;
    const Routers& routers_;
    const gossip::seal::Keyring& keyring_;
    std::uint32_t cluster_;
    routing::IpAddress local_;
    LinkLimits limits_;
    std::uint64_t random_state_;
    std::map<gossip::claims::ConnectionId, Link> links_;
    std::unordered_map<gossip::claims::RouterId, Backoff> calls_;
    std::unordered_map<routing::IpAddress, routing::TokenBucket, routing::IpAddressHash> callers_;
    gossip::claims::ConnectionId last_number_ = 0;
    gossip::claims::ConnectionId served_ = 0;  // by send(), the last time
    std::uint64_t care_ms_ = 0;
    std::vector<std::uint8_t> room_;
    gossip::seal::Bytes plain_;
    LinkCounters counters_;
};

}  // namespace posthaste::controlplane
