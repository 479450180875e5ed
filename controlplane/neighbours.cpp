// SPDX-License-Identifier: BSD-3-Clause
// Next hops, ports and held frames of the neighbour plane.
#include "controlplane/neighbours.h"

#include <algorithm>
#include <array>
#include <utility>

namespace posthaste::controlplane {

using routing::Drop;
using routing::Family;
using routing::IpAddress;
using routing::Mac;

namespace {

constexpr std::array<std::string_view, 5> kStateNames = {
    "incomplete", "reachable", "stale", "probe", "failed"};

// Slot numbers are 16 bits wide and 0xffff means none.
constexpr std::size_t kSlotsMax = routing::kNoAdjacency;

// Intervals of 0 would make a timer fire for ever at one point in time.
NeighboursConfig with_sane_intervals(NeighboursConfig limits) {
    limits.retry_ms = std::max(limits.retry_ms, 1U);
    limits.reachable_ms = std::max(limits.reachable_ms, 1U);
    return limits;
}

HoldLimits hold_limits(const NeighboursConfig& limits) {
    return {limits.held_per_neighbour, limits.held_max, limits.hold_ms};
}

}  // namespace

std::string_view name_of(NeighbourState state) noexcept {
    return kStateNames[static_cast<std::size_t>(state)];
}

Neighbours::Neighbours(const NeighboursConfig& limits, std::vector<NeighbourPort> ports)
    : limits_(with_sane_intervals(limits)), holds_(hold_limits(limits)) {
    ports_.reserve(ports.size());
    for (NeighbourPort& port : ports) {
        ports_.emplace_back().settings = std::move(port);
    }
}

tl::expected<std::uint16_t, std::string> Neighbours::acquire(std::uint16_t port,
                                                             const IpAddress& ip,
                                                             std::uint16_t udp_port,
                                                             std::uint64_t now_ms) {
    if (port >= ports_.size()) {
        return tl::unexpected("there is no port " + std::to_string(port));
    }
    if (!ip.is_unicast_host() || is_own(port, ip)) {
        return tl::unexpected(ip.to_text() + " is not the address of another host");
    }
    const Wanted wanted{port, udp_port, ip};
    if (const auto known = slot_of_.find(wanted); known != slot_of_.end()) {
        ++slots_[known->second].users;
        return known->second;
    }
    if (slot_of_.size() >= limits_.neighbours_max) {
        return tl::unexpected("neighbours_max (" + std::to_string(limits_.neighbours_max) +
                              ") next hops are in use");
    }
    std::uint16_t slot = 0;
    if (!resting_.empty() && resting_.front().first <= now_ms) {
        slot = resting_.front().second;
        resting_.pop_front();
    } else if (slots_.size() < kSlotsMax) {
        slot = static_cast<std::uint16_t>(slots_.size());
        slots_.emplace_back();
        adjacencies_.emplace_back();
    } else {
        return tl::unexpected(std::string("every next hop is in use or was released just now"));
    }
    slot_of_.emplace(wanted, slot);
    slots_[slot].users = 1;
    adjacencies_[slot] = {};
    adjacencies_[slot].used = true;
    adjacencies_[slot].port = port;
    adjacencies_[slot].udp_port = udp_port;
    adjacencies_[slot].ip = ip;
    output_.adjacencies_changed = true;
    attach(slot, now_ms);
    return slot;
}

void Neighbours::release(std::uint16_t adjacency, std::uint64_t now_ms) {
    if (adjacency >= slots_.size() || slots_[adjacency].users == 0 ||
        --slots_[adjacency].users > 0) {
        return;
    }
    detach(adjacency, Drop::neighbour_unresolved);
    const dataplane::Adjacency& old = adjacencies_[adjacency];
    slot_of_.erase({old.port, old.udp_port, old.ip});
    adjacencies_[adjacency] = {};
    output_.adjacencies_changed = true;
    resting_.emplace_back(now_ms + kSlotRestMs, adjacency);
}

Drop Neighbours::hold(const HeldFrame& frame, std::uint64_t now_ms) {
    const auto refused = [this](Drop why) {
        ++counters_.hold_refused;
        return why;
    };
    if (frame.adjacency >= slots_.size() || !slots_[frame.adjacency].next_hop) {
        return refused(Drop::neighbour_unresolved);
    }
    const auto at = table_.find(*slots_[frame.adjacency].next_hop);
    if (!ports_[at->first.port].up) {
        return refused(Drop::port_down);
    }
    Entry& entry = at->second;
    if (entry.mac) {
        // Resolved since the lcore looked.
        ++counters_.held;
        output_.resubmit.push_back(frame);
        output_.resubmit.back().held_at_ms = now_ms;
        return Drop::none;
    }
    if (entry.state == NeighbourState::failed && now_ms >= entry.failed_at_ms + kFailedBackoffMs) {
        start_resolving(at, now_ms);
    }
    if (entry.state == NeighbourState::failed) {
        return refused(Drop::neighbour_unresolved);
    }
    if (!holds_.hold(entry.id, frame, now_ms)) {
        return refused(Drop::hold_full);
    }
    ++counters_.held;
    return Drop::none;
}

void Neighbours::learn(std::uint16_t port,
                       const IpAddress& ip,
                       const Mac& mac,
                       std::uint64_t now_ms) {
    if (port >= ports_.size() || mac.is_group() || mac.is_zero() || !ip.is_unicast_host() ||
        is_own(port, ip) || !is_on_link(port, ip)) {
        return;
    }
    const Key key{port, ip};
    auto at = table_.find(key);
    if (at == table_.end()) {
        if (table_.size() >= limits_.neighbours_max) {
            ++counters_.learn_refused;
            return;
        }
        at = add(key);
    } else if (!at->second.adjacencies.empty()) {
        return;  // next hops are what ARP and ND say; a registration cannot redirect them
    }
    set_mac(at, mac, now_ms);
    confirm(at, now_ms);
}

void Neighbours::set_port_up(std::uint16_t port, bool up, std::uint64_t now_ms) {
    if (port >= ports_.size() || ports_[port].up == up) {
        return;
    }
    ports_[port].up = up;
    ports_[port].announcements_left = up ? kAnnouncements : 0;
    if (up) {
        announce(port, now_ms);
    }
    for (auto at = table_.lower_bound({port, {}}); at != table_.end() && at->first.port == port;) {
        Entry& entry = at->second;
        if (!up) {
            // Whoever is there when the link comes back may have another MAC.
            holds_.drop(entry.id, Drop::port_down, output_.dropped);
            entry.mac.reset();
            update_adjacencies(entry);
        }
        if (entry.adjacencies.empty()) {
            at = forget(at);
            continue;
        }
        entry.failures = 0;
        start_resolving(at, now_ms);  // a port that is down only takes the timer away
        ++at;
    }
}

void Neighbours::set_port(std::uint16_t port, NeighbourPort next, std::uint64_t now_ms) {
    if (port >= ports_.size()) {
        return;
    }
    std::vector<std::uint16_t> affected;
    for (const auto& [wanted, slot] : slot_of_) {
        if (wanted.port == port) {
            affected.push_back(slot);
        }
    }
    for (const std::uint16_t slot : affected) {
        detach(slot, Drop::neighbour_unresolved);
    }
    ports_[port].settings = std::move(next);
    for (auto at = table_.lower_bound({port, {}}); at != table_.end() && at->first.port == port;) {
        at = is_on_link(port, at->first.ip) ? std::next(at) : forget(at);
    }
    if (ports_[port].up) {
        ports_[port].announcements_left = kAnnouncements;
        announce(port, now_ms);
    }
    for (const std::uint16_t slot : affected) {
        attach(slot, now_ms);
    }
}

void Neighbours::set_limits(const NeighboursConfig& limits) {
    limits_ = with_sane_intervals(limits);
    holds_.set_limits(hold_limits(limits));
}

void Neighbours::advance(std::uint64_t now_ms) {
    holds_.expire(now_ms, output_.dropped);
    // Every timer that fires is set again to a later time, or its entry goes: this ends.
    while (!timers_.empty() && timers_.begin()->first <= now_ms) {
        on_timer(table_.find(timers_.begin()->second), now_ms);
    }
    for (std::uint16_t port = 0; port < ports_.size(); ++port) {
        if (ports_[port].announcements_left > 0 && ports_[port].announce_at_ms <= now_ms) {
            announce(port, now_ms);
        }
    }
}

std::optional<std::uint64_t> Neighbours::next_deadline_ms() const {
    std::optional<std::uint64_t> next = holds_.next_deadline_ms();
    const auto sooner = [&next](std::uint64_t at) { next = std::min(next.value_or(at), at); };
    if (!timers_.empty()) {
        sooner(timers_.begin()->first);
    }
    for (const Port& port : ports_) {
        if (port.announcements_left > 0) {
            sooner(port.announce_at_ms);
        }
    }
    return next;
}

void Neighbours::drop_held(Drop why) {
    holds_.drop_all(why, output_.dropped);
}

NeighbourOutput Neighbours::take_output() {
    return std::exchange(output_, {});
}

std::vector<NeighbourRow> Neighbours::rows() const {
    std::vector<NeighbourRow> rows;
    rows.reserve(table_.size());
    for (const auto& [key, entry] : table_) {
        rows.push_back({.port = key.port,
                        .ip = key.ip,
                        .mac = entry.mac,
                        .state = entry.state,
                        .confirmed_at_ms = entry.confirmed_at_ms,
                        .adjacencies = static_cast<std::uint32_t>(entry.adjacencies.size()),
                        .held = static_cast<std::uint32_t>(holds_.size_for(entry.id))});
    }
    return rows;
}

void Neighbours::attach(std::uint16_t adjacency, std::uint64_t now_ms) {
    const dataplane::Adjacency& wanted = adjacencies_[adjacency];
    slots_[adjacency].next_hop = next_hop(wanted.port, wanted.ip);
    if (!slots_[adjacency].next_hop) {
        update_adjacency(adjacency, std::nullopt);
        return;
    }
    const Key& key = *slots_[adjacency].next_hop;
    auto at = table_.find(key);
    const bool known = at != table_.end();
    if (!known) {
        make_room();
        at = add(key);
    }
    Entry& entry = at->second;
    entry.adjacencies.push_back(adjacency);
    if (!known || entry.state == NeighbourState::failed) {
        start_resolving(at, now_ms);
    } else if (entry.state == NeighbourState::stale) {
        start_probing(at, now_ms);
    }
    update_adjacency(adjacency, entry.mac);
}

void Neighbours::detach(std::uint16_t adjacency, Drop why) {
    if (!slots_[adjacency].next_hop) {
        return;
    }
    const auto at = table_.find(*slots_[adjacency].next_hop);
    slots_[adjacency].next_hop.reset();
    holds_.drop_adjacency(at->second.id, adjacency, why, output_.dropped);
    std::erase(at->second.adjacencies, adjacency);
    if (!at->second.adjacencies.empty()) {
        return;
    }
    if (!at->second.mac) {
        forget(at);
    } else if (at->second.state != NeighbourState::reachable) {
        rest_stale(at);  // from now on it ages
    }
}

void Neighbours::update_adjacencies(const Entry& entry) {
    for (const std::uint16_t adjacency : entry.adjacencies) {
        update_adjacency(adjacency, entry.mac);
    }
}

void Neighbours::update_adjacency(std::uint16_t adjacency, const std::optional<Mac>& mac) {
    dataplane::Adjacency& target = adjacencies_[adjacency];
    if (target.resolved == mac.has_value() && target.mac == mac.value_or(Mac{})) {
        return;
    }
    target.resolved = mac.has_value();
    target.mac = mac.value_or(Mac{});
    output_.adjacencies_changed = true;
}

std::optional<Neighbours::Key> Neighbours::next_hop(std::uint16_t port, const IpAddress& ip) const {
    if (is_own(port, ip)) {
        return std::nullopt;
    }
    if (is_on_link(port, ip)) {
        return Key{port, ip};
    }
    const NeighbourPort& settings = ports_[port].settings;
    const auto& gateway = ip.family == Family::ipv4 ? settings.gateway : settings.gateway6;
    if (!gateway) {
        return std::nullopt;
    }
    return Key{port, *gateway};
}

bool Neighbours::is_own(std::uint16_t port, const IpAddress& ip) const {
    return std::ranges::any_of(ports_[port].settings.addresses,
                               [&ip](const auto& own) { return own.address == ip; });
}

bool Neighbours::is_on_link(std::uint16_t port, const IpAddress& ip) const {
    return std::ranges::any_of(ports_[port].settings.addresses,
                               [&ip](const auto& own) { return own.contains(ip); });
}

// An address of the same link where there is one, otherwise the first of the family.
std::optional<IpAddress> Neighbours::source_for(std::uint16_t port, const IpAddress& ip) const {
    std::optional<IpAddress> first;
    for (const routing::Prefix& own : ports_[port].settings.addresses) {
        if (own.contains(ip)) {
            return own.address;
        }
        if (!first && own.address.family == ip.family) {
            first = own.address;
        }
    }
    return first;
}

LinkSide Neighbours::link_of(std::uint16_t port) const {
    return {ports_[port].settings.mac, ports_[port].settings.vlan};
}

void Neighbours::send(std::uint16_t port, FrameBytes bytes) {
    output_.frames.push_back({port, std::move(bytes)});
}

void Neighbours::announce(std::uint16_t port, std::uint64_t now_ms) {
    for (const routing::Prefix& own : ports_[port].settings.addresses) {
        send(port, make_announcement(link_of(port), own.address));
        ++counters_.announcements;
    }
    --ports_[port].announcements_left;
    ports_[port].announce_at_ms = now_ms + kAnnounceIntervalMs;
}

}  // namespace posthaste::controlplane
