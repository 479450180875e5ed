// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/lookup.h"

#include <rte_prefetch.h>

#include "dataplane/segments.h"
#include "routing/capability_name.h"

namespace posthaste::dataplane {

using routing::Addressing;
using routing::AgentId;
using routing::FibEntry;
using routing::FrameKind;

namespace {

// The keys of a burst: destinations first, then senders, so that one call takes all.
struct Keys {
    std::array<const AgentId*, 2 * kBurstMax> agent;
    std::array<std::uint8_t, 2 * kBurstMax> lane;
    std::array<const FibEntry*, 2 * kBurstMax> found;
    std::array<std::uint64_t, 2 * kBurstMax> capability;  // room for keys made here, not cleared
    unsigned count = 0;

    void add(unsigned of_lane, const AgentId& id) noexcept {
        agent[count] = &id;
        lane[count] = static_cast<std::uint8_t>(of_lane);
        ++count;
    }

    void add_capability(unsigned of_lane, const AgentId& id) noexcept {
        auto* const key = reinterpret_cast<AgentId*>(capability.data() + std::size_t{2} * of_lane);
        *key = routing::capability_key(id);
        add(of_lane, *key);
    }
};

// Agents by their ids, capabilities by their keys.
void ask_around(const Keys& keys,
                unsigned destinations,
                routing::Resolver& resolver,
                SpscRing<AgentId>& wanted) noexcept {
    for (const std::uint32_t at : resolver.news()) {
        if (at >= destinations) {
            return;
        }
        if (wanted.push(*keys.agent[at])) {
            resolver.counters().discovery_wanted.add(1);
        } else {
            resolver.counters().discovery_dropped.add(1);
        }
    }
}

}  // namespace

void lookup(Burst& burst,
            const PortView& port,
            routing::Resolver& resolver,
            SpscRing<AgentId>& wanted) noexcept {
    const bool checks_sources = port.role == Role::edge && port.source_check != SourceCheck::off;
    Keys keys;
    LaneMask with_sender;
    for (const unsigned lane : burst.live) {
        const routing::FrameView& view = burst.view[lane];
        const routing::WireHeader& header = header_of(bytes_of(burst.frame[lane]), view);
        burst.target[lane] = nullptr;
        burst.sender[lane] = nullptr;
        const bool heartbeat = view.kind == FrameKind::heartbeat;
        if (heartbeat || checks_sources) {
            with_sender.set(lane);
        }
        if (heartbeat) {
            continue;
        }
        if (header.addressing() == static_cast<std::uint8_t>(Addressing::agent)) [[likely]] {
            keys.add(lane, header.destination);
            continue;
        }
        burst.to_capability.set(lane);
        if (routing::is_capability_id(header.destination)) {
            keys.add_capability(lane, header.destination);
        }
    }
    const unsigned destinations = keys.count;
    for (const unsigned lane : with_sender) {
        keys.add(lane, header_of(bytes_of(burst.frame[lane]), burst.view[lane]).source);
    }
    resolver.resolve(std::span(keys.agent.data(), keys.count), keys.found.data(), burst.now_ms);
    for (unsigned i = 0; i < keys.count; ++i) {
        rte_prefetch0(keys.found[i]);
        (i < destinations ? burst.target : burst.sender)[keys.lane[i]] = keys.found[i];
    }
    ask_around(keys, destinations, resolver, wanted);
}

}  // namespace posthaste::dataplane
