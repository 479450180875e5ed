// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/lookup.h"

#include "dataplane/segments.h"
#include "routing/capability_name.h"

namespace posthaste::dataplane {

using routing::Addressing;
using routing::AgentId;
using routing::FrameKind;

namespace {

std::uint8_t add(Asked& asked, const AgentId& id, bool is_sender) noexcept {
    asked.agent[asked.count] = &id;
    asked.is_sender[asked.count] = is_sender;
    return static_cast<std::uint8_t>(asked.count++);
}

// Agents by their ids, capabilities by their keys.
void add_destination(Burst& burst,
                     unsigned lane,
                     const routing::WireHeader& header,
                     Asked& asked) noexcept {
    const AgentId* id = &header.destination;
    if (header.addressing() != static_cast<std::uint8_t>(Addressing::agent)) [[unlikely]] {
        burst.to_capability.set(lane);
        if (!routing::is_capability_id(header.destination)) {
            burst.aim(lane, nullptr);
            return;
        }
        asked.capability[lane] = routing::capability_key(header.destination);
        id = &asked.capability[lane];
    }
    asked.destination[lane] = add(asked, *id, false);
    asked.with_destination.set(lane);
}

void add_sender(unsigned lane, const AgentId& id, Asked& asked) noexcept {
    if (asked.last_sender == Asked::kMax || *asked.agent[asked.last_sender] != id) {
        asked.last_sender = add(asked, id, true);
    }
    asked.sender[lane] = static_cast<std::uint8_t>(asked.last_sender);
    asked.with_sender.set(lane);
}

void ask_around(const Asked& asked,
                routing::Resolver& resolver,
                SpscRing<AgentId>& wanted) noexcept {
    for (const std::uint32_t at : resolver.news()) {
        if (asked.is_sender[at]) {
            continue;
        }
        if (wanted.push(*asked.agent[at])) {
            resolver.counters().discovery_wanted.add(1);
        } else {
            resolver.counters().discovery_dropped.add(1);
        }
    }
}

}  // namespace

void ask(Burst& burst,
         LaneMask lanes,
         const PortView& port,
         Asked& asked,
         routing::Resolver& resolver) noexcept {
    const bool checks_sources = port.role == Role::edge && port.source_check != SourceCheck::off;
    const unsigned first = asked.count;
    for (const unsigned lane : burst.live& lanes) {
        const routing::FrameView& view = burst.view[lane];
        const routing::WireHeader& header = header_of(bytes_of(burst.frame[lane]), view);
        const bool heartbeat = view.kind == FrameKind::heartbeat;
        if (!heartbeat) [[likely]] {
            add_destination(burst, lane, header, asked);
        } else {
            burst.aim(lane, nullptr);
        }
        if (checks_sources || heartbeat) {
            add_sender(lane, header.source, asked);
        }
    }
    if (asked.count != first) {
        resolver.announce(std::span(asked.agent).subspan(first, asked.count - first),
                          asked.hash.data() + first);
    }
}

void lookup(Burst& burst,
            Asked& asked,
            routing::Resolver& resolver,
            SpscRing<AgentId>& wanted) noexcept {
    resolver.resolve_announced(std::span(asked.agent.data(), asked.count),
                               asked.hash.data(),
                               asked.found.data(),
                               asked.hop.data(),
                               burst.now_ms);
    for (const unsigned lane : asked.with_destination) {
        burst.target[lane] = asked.found[asked.destination[lane]];
        burst.to[lane] = asked.hop[asked.destination[lane]];
    }
    for (const unsigned lane : asked.with_sender) {
        burst.sender[lane] = asked.found[asked.sender[lane]];
        burst.from[lane] = asked.hop[asked.sender[lane]];
    }
    ask_around(asked, resolver, wanted);
    asked.count = 0;
    asked.with_destination = asked.with_sender = LaneMask();
    asked.last_sender = Asked::kMax;
}

}  // namespace posthaste::dataplane
