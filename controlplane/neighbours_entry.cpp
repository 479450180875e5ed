// SPDX-License-Identifier: BSD-3-Clause
// The life of one neighbour: asked for, confirmed, probed, failed, forgotten.
//
//   incomplete --answer--> reachable --reachable_ms--> probe (a next hop) or stale (only learnt)
//   probe: `retries` + 1 unicast requests, then as many to everybody; the MAC stays in use
//   incomplete, probe --no answer--> failed --doubling interval--> incomplete
//   stale --stale_ms since the last confirmation--> forgotten
#include <algorithm>

#include "controlplane/neighbours.h"

namespace posthaste::controlplane {

using routing::Drop;
using routing::Mac;

void Neighbours::hear(const Key& key, const Mac& mac, bool solicited, std::uint64_t now_ms) {
    const auto at = table_.find(key);
    if (at == table_.end()) {
        ++counters_.strangers;
        return;
    }
    Entry& entry = at->second;
    const bool awaited =
        entry.state == NeighbourState::incomplete || entry.state == NeighbourState::probe;
    if (solicited && awaited) {
        set_mac(at, mac, now_ms);
        confirm(at, now_ms);
        return;
    }
    if (entry.mac == mac) {
        return;  // unsolicited: proves nothing new
    }
    if (entry.mac && now_ms < entry.changed_at_ms + kMacLockMs) {
        ++counters_.mac_changes_ignored;
        return;
    }
    set_mac(at, mac, now_ms);
    if (entry.adjacencies.empty()) {
        rest_stale(at);
    } else {
        start_probing(at, now_ms);
    }
}

void Neighbours::set_mac(Place at, const Mac& mac, std::uint64_t now_ms) {
    Entry& entry = at->second;
    if (entry.mac == mac) {
        return;
    }
    if (entry.mac) {
        ++counters_.mac_changes;
    } else {
        ++counters_.resolved;
    }
    entry.mac = mac;
    entry.changed_at_ms = now_ms;
    update_adjacencies(entry);
    holds_.release(entry.id, output_.resubmit);
}

void Neighbours::confirm(Place at, std::uint64_t now_ms) {
    Entry& entry = at->second;
    entry.state = NeighbourState::reachable;
    entry.failures = 0;
    entry.confirmed_at_ms = now_ms;
    set_timer(at, now_ms + limits_.reachable_ms);
}

void Neighbours::start_resolving(Place at, std::uint64_t now_ms) {
    Entry& entry = at->second;
    entry.state = NeighbourState::incomplete;
    entry.attempts = 0;
    if (!ports_[at->first.port].up) {
        set_timer(at, 0);  // set_port_up() goes on
        return;
    }
    if (!source_for(at->first.port, at->first.ip)) {
        fail(at, now_ms);  // no address of that family to ask with
        return;
    }
    request(at, false);
    set_timer(at, now_ms + limits_.retry_ms);
}

void Neighbours::start_probing(Place at, std::uint64_t now_ms) {
    Entry& entry = at->second;
    entry.state = NeighbourState::probe;
    entry.attempts = 0;
    if (!ports_[at->first.port].up) {
        rest_stale(at);
        return;
    }
    if (!source_for(at->first.port, at->first.ip)) {
        fail(at, now_ms);
        return;
    }
    request(at, true);
    set_timer(at, now_ms + limits_.retry_ms);
}

void Neighbours::request(Place at, bool unicast) {
    Entry& entry = at->second;
    const auto& [port, ip] = at->first;
    const auto source = source_for(port, ip);
    send(port, make_request(link_of(port), *source, ip, unicast ? &*entry.mac : nullptr));
    ++entry.attempts;
    ++counters_.requests;
}

void Neighbours::fail(Place at, std::uint64_t now_ms) {
    Entry& entry = at->second;
    ++counters_.failures;
    entry.state = NeighbourState::failed;
    entry.mac.reset();
    entry.failed_at_ms = now_ms;
    const std::uint32_t doublings = std::min(entry.failures, 5U);
    ++entry.failures;
    holds_.drop(entry.id, Drop::neighbour_unresolved, output_.dropped);
    update_adjacencies(entry);
    set_timer(at, now_ms + std::min(kFailedBackoffMs << doublings, kRetryIntervalMaxMs));
}

void Neighbours::on_timer(Place at, std::uint64_t now_ms) {
    Entry& entry = at->second;
    const std::uint32_t round = limits_.retries + 1;
    switch (entry.state) {
        case NeighbourState::incomplete:
            if (entry.attempts >= round) {
                fail(at, now_ms);
                return;
            }
            request(at, false);
            set_timer(at, now_ms + limits_.retry_ms);
            return;
        case NeighbourState::probe:
            if (entry.attempts >= 2 * round) {
                fail(at, now_ms);
                return;
            }
            request(at, entry.attempts < round);
            set_timer(at, now_ms + limits_.retry_ms);
            return;
        case NeighbourState::reachable:
            if (entry.adjacencies.empty()) {
                rest_stale(at);
            } else {
                start_probing(at, now_ms);
            }
            return;
        case NeighbourState::failed:
            if (!entry.adjacencies.empty()) {
                start_resolving(at, now_ms);
                return;
            }
            break;
        case NeighbourState::stale:
            break;
    }
    ++counters_.forgotten;
    forget(at);
}

// A next hop on a port that is down has no timer: it must not be forgotten.
void Neighbours::rest_stale(Place at) {
    Entry& entry = at->second;
    entry.state = NeighbourState::stale;
    set_timer(at, entry.adjacencies.empty() ? entry.confirmed_at_ms + limits_.stale_ms : 0);
}

Neighbours::Place Neighbours::forget(Place at) {
    set_timer(at, 0);
    holds_.drop(at->second.id, Drop::neighbour_unresolved, output_.dropped);
    return table_.erase(at);
}

void Neighbours::set_timer(Place at, std::uint64_t deadline_ms) {
    Entry& entry = at->second;
    if (entry.deadline_ms != 0) {
        timers_.erase({entry.deadline_ms, at->first});
    }
    entry.deadline_ms = deadline_ms;
    if (deadline_ms != 0) {
        timers_.emplace(deadline_ms, at->first);
    }
}

Neighbours::Place Neighbours::add(const Key& key) {
    const auto at = table_.emplace(key, Entry{}).first;
    at->second.id = ++ids_;
    return at;
}

// Next hops come before what was only learnt: the entry that would be due first goes.
void Neighbours::make_room() {
    if (table_.size() < limits_.neighbours_max) {
        return;
    }
    for (const auto& [deadline_ms, key] : timers_) {
        const auto at = table_.find(key);
        if (at->second.adjacencies.empty()) {
            ++counters_.forgotten;
            forget(at);
            return;
        }
    }
}

}  // namespace posthaste::controlplane
