// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/transport.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "controlplane/cluster/cluster_options.h"
#include "controlplane/cluster/keyring_file.h"
#include "controlplane/log.h"

namespace posthaste::controlplane {

namespace {

using gossip::claims::EventKind;
using gossip::membership::MemberEventKind;

constexpr std::chrono::microseconds kTurn{1'000};

std::uint64_t wall_ms() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

LinkLimits link_limits(const ClusterConfig& config) {
    return {.links_max = 2U * config.routers_max + 16U};
}

void append(auto& kept, auto& fresh, std::uint64_t& lost) {
    kept.insert(kept.end(), std::move_iterator(fresh.begin()), std::move_iterator(fresh.end()));
    if (kept.size() > Cluster::kEventsMax) {
        const std::size_t over = kept.size() - Cluster::kEventsMax;
        kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(over));
        lost += over;
    }
}

// The member of whom the table of routers refused one more than before.
void log_refused(const gossip::membership::MemberView& member,
                 const MemberRefusalCounts& before,
                 const MemberRefusalCounts& now) {
    for (std::size_t why = 0; why < now.size(); ++why) {
        if (before[why] != now[why]) {
            log_at(LogLevel::warning,
                   "cluster member refused: " + std::string(kMemberRefusalNames[why]),
                   "member " + member.name + " at " + text_of(member.address) +
                       " says it is a router, but " + std::string(kMemberRefusalReasons[why]) +
                       ": not taken for one");
        }
    }
}

void log_router(const RouterMember& router) {
    const std::string who = "router " + router.name + " (" + router.management.to_text() + ") is ";
    switch (router.membership) {
        case gossip::claims::Membership::alive:
            log_notice(who + "alive");
            break;
        case gossip::claims::Membership::out:
            log_notice(who + "out of the cluster");
            break;
        case gossip::claims::Membership::forgotten:
            log_notice(who + "forgotten");
            break;
    }
}

constexpr std::uint64_t kKeyringRetryMs = 5'000;

}  // namespace

Cluster::Transport::Transport(Parts parts)
    : self(parts.self),
      claims_ahead_ms(wall_ms() - parts.now_ms),
      address(parts.membership.address),
      route_address(socket_address(*parts.config.address, bound_port(parts.route_listener))),
      watch(std::move(parts.watch)),
      member_listener(std::move(parts.member_listener)),
      route_listener(std::move(parts.route_listener)),
      membership(parts.membership, std::move(parts.keyring), parts.start.random_seed, parts.now_ms),
      plane(plane_options(parts.config),
            parts.self,
            parts.start.generation,
            routing::mix(parts.start.random_seed + 1),
            routing::KeyHash::random_key()),
      routers(parts.config.name, parts.self, parts.config.routers_max),
      datagrams(std::move(parts.datagrams)),
      streams(watch, membership, *parts.config.address),
      links(watch,
            plane,
            routers,
            membership.keyring(),
            parts.config.name,
            *parts.config.address,
            link_limits(parts.config),
            routing::mix(parts.start.random_seed + 2)),
      keyring_path_(parts.config.keyring),
      keyring_writer_([this](std::span<const std::string> keys) {
          return write_keyring(keyring_path_, keys);
      }) {}

bool Cluster::Transport::watch_all() {
    return datagrams.watch(watch) &&
           watch.add(member_listener, {Watched::member_listener}, false) &&
           watch.add(route_listener, {Watched::route_listener}, false);
}

bool Cluster::Transport::turn(std::uint64_t now_ms) {
    const auto begun = std::chrono::steady_clock::now();
    const TurnBudget budget(kTurn);
    const std::uint64_t plane_ms = claims_ms(now_ms);
    bool more = serve(budget, now_ms);
    if (now_ms >= membership.next_due_ms()) {
        membership.on_timer(now_ms);
        streams.end_lingering(now_ms);
    }
    note_members(now_ms);
    send_of_members(now_ms);
    note_keyring(now_ms);
    if (plane_ms >= plane.next_due_ms()) {
        plane.on_timer(plane_ms);
    }
    links.care(plane_ms);
    more = links.send(budget, plane_ms) || more;
    note_routes();
    more = more || plane.next_due_ms() == 0;
    const auto took = std::chrono::steady_clock::now() - begun;
    turn_us_max_ =
        std::max(turn_us_max_,
                 static_cast<std::uint64_t>(
                     std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    ++turns_;
    return more;
}

bool Cluster::Transport::serve(const TurnBudget& budget, std::uint64_t now_ms) {
    // Who is alive is said by datagrams: nothing keeps us from hearing it. And no flood of them
    // keeps us from one of the others.
    bool more = serve_one({Watched::datagrams}, budget, now_ms);
    ready_.look(watch);
    more = ready_.full() || more;
    while (const auto what = ready_.next()) {
        more = serve_one(*what, budget, now_ms) || more;
        if (budget.spent()) {
            return true;
        }
    }
    return more;
}

bool Cluster::Transport::serve_one(Readiness what, const TurnBudget& budget, std::uint64_t now_ms) {
    switch (what.kind) {
        case Watched::datagrams:
            return datagrams.receive(
                budget, [&](const SocketAddress& from, std::span<const std::uint8_t> bytes) {
                    membership.on_datagram(from, bytes, now_ms);
                });
        case Watched::member_listener:
            streams.accept(member_listener, now_ms);
            return false;
        case Watched::member_stream:
            return streams.serve(what.number, budget, now_ms);
        case Watched::route_listener:
            links.accept(route_listener, claims_ms(now_ms));
            return false;
        case Watched::route_link:
            return links.serve(what.number, budget, claims_ms(now_ms));
    }
    return false;
}

void Cluster::Transport::send_of_members(std::uint64_t now_ms) {
    auto output = membership.take_output();
    for (auto& datagram : output.datagrams) {
        datagrams.send(std::move(datagram));
    }
    datagrams.flush(watch);
    streams.apply(std::move(output.streams), now_ms);
}

void Cluster::Transport::note_members(std::uint64_t now_ms) {
    auto events = membership.take_events();
    for (const auto& event : events) {
        if (event.kind == MemberEventKind::keys_changed && !keyring_path_.empty()) {
            keyring_writer_.keep(membership.keyring().keys());
        }
        const auto refused = routers.refused();
        const auto router = routers.take(event);
        log_refused(event.member, refused, routers.refused());
        if (!router) {
            continue;
        }
        log_router(*router);
        plane.set_member(router->id, router->membership);
        if (router->membership != gossip::claims::Membership::alive) {
            links.hang_up(router->id, claims_ms(now_ms));
        }
    }
    append(member_events, events, events_lost_);
}

void Cluster::Transport::note_routes() {
    auto events = plane.take_events();
    for (const auto& event : events) {
        if (event.kind == EventKind::session_up || event.kind == EventKind::session_down) {
            routers.set_connected(event.router, plane.session_of(event.router) != nullptr);
        }
    }
    append(route_events, events, events_lost_);
}

void Cluster::Transport::note_keyring(std::uint64_t now_ms) {
    if (const auto why = keyring_writer_.take_failure()) {
        ++keyring_failures_;
        keyring_again_ms_ = now_ms + kKeyringRetryMs;
        log_error("the cluster's keys have changed and are not kept: " + *why);
    }
    if (keyring_again_ms_ != 0 && now_ms >= keyring_again_ms_) {
        keyring_again_ms_ = 0;
        keyring_writer_.keep(membership.keyring().keys());
    }
}

ClusterCounters Cluster::Transport::counters() const {
    return {.links = links.counters(),
            .members_refused = routers.refused(),
            .datagrams_dropped = datagrams.dropped(),
            .datagrams_refused = datagrams.refused(),
            .streams_refused = streams.refused(),
            .events_lost = events_lost_,
            .keyring_failures = keyring_failures_,
            .turns = turns_,
            .turn_us_max = turn_us_max_};
}

}  // namespace posthaste::controlplane
