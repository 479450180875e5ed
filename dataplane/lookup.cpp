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

void add_capability(unsigned lane, const AgentId& id, Asked& asked) noexcept {
    asked.capability[lane] = routing::capability_key(id);
    asked.destination[lane] = add(asked, asked.capability[lane], false);
    asked.with_destination.set(lane);
}

// Agents by their ids, capabilities by their keys.
void add_destination(Burst& burst,
                     unsigned lane,
                     const routing::WireHeader& header,
                     bool may_follow,
                     Asked& asked) noexcept {
    if (header.addressing() == static_cast<std::uint8_t>(Addressing::agent)) [[likely]] {
        asked.destination[lane] = add(asked, header.destination, false);
        asked.with_destination.set(lane);
        return;
    }
    burst.to_capability.set(lane);
    if (!routing::is_capability_id(header.destination)) {
        burst.aim(lane, nullptr);
        return;
    }
    if (header.addressing() == static_cast<std::uint8_t>(Addressing::capability_any)) {
        burst.to_any.set(lane);
        if (may_follow) {
            return;
        }
    }
    add_capability(lane, header.destination, asked);
}

void add_sender(unsigned lane, const AgentId& id, Asked& asked) noexcept {
    if (asked.last_sender == Asked::kMax || *asked.agent[asked.last_sender] != id) {
        asked.last_sender = add(asked, id, true);
    }
    asked.sender[lane] = static_cast<std::uint8_t>(asked.last_sender);
    asked.with_sender.set(lane);
}

// What was added since there were `first`.
void announce(Asked& asked, unsigned first, routing::Resolver& resolver) noexcept {
    if (asked.count != first) {
        resolver.announce(std::span(asked.agent).subspan(first, asked.count - first),
                          asked.hash.data() + first);
    }
}

// Of lanes to any that have no way the capability has to be asked for.
void ask_for_rest(const Burst& burst,
                  LaneMask left,
                  Asked& asked,
                  routing::Resolver& resolver) noexcept {
    asked.with_destination = asked.with_destination - burst.followed;
    const unsigned first = asked.count;
    for (const unsigned lane : left - asked.with_destination) {
        const routing::WireHeader& header = header_in(burst, lane);
        add_capability(lane, header.destination, asked);
    }
    announce(asked, first, resolver);
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
         Conversing& conversing,
         routing::Resolver& resolver,
         const CapabilityTables& tables) noexcept {
    const bool checks_sources = port.role == Role::edge && port.source_check != SourceCheck::off;
    const unsigned first = asked.count;
    for (const unsigned lane : burst.live& lanes) {
        const routing::WireHeader& header = header_in(burst, lane);
        const bool heartbeat = burst.view[lane].kind == FrameKind::heartbeat;
        if (!heartbeat) [[likely]] {
            add_destination(burst, lane, header, !conversing.mostly_new, asked);
        } else {
            burst.aim(lane, nullptr);
        }
        if (checks_sources || heartbeat) {
            add_sender(lane, header.source, asked);
        }
    }
    announce(asked, first, resolver);
    if (const LaneMask to_any = burst.to_any & lanes; to_any.any()) [[unlikely]] {
        begin_conversations(burst, to_any, conversing, tables);
    }
}

void lookup(Burst& burst,
            Asked& asked,
            Conversing& conversing,
            routing::Resolver& resolver,
            const CapabilityTables& tables,
            SpscRing<AgentId>& wanted) noexcept {
    if (burst.to_any.any()) [[unlikely]] {
        ask_for_rest(burst, follow(burst, conversing, tables), asked, resolver);
    }
    resolver.resolve_announced(std::span(asked.agent.data(), asked.count),
                               asked.hash.data(),
                               asked.found.data(),
                               asked.hop.data(),
                               burst.now_ms);
    conversing.generation = resolver.announced_generation();
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
