// SPDX-License-Identifier: BSD-3-Clause
// What the neighbour plane does about a frame it is given.
#include "controlplane/neighbours.h"

namespace posthaste::controlplane {

using routing::Drop;
using routing::Family;
using routing::IpAddress;
using routing::Mac;

Drop Neighbours::receive(std::uint16_t port,
                         std::span<const std::uint8_t> frame,
                         std::uint64_t now_ms) {
    if (port >= ports_.size()) {
        return Drop::port_down;
    }
    const auto parsed = parse_neighbour_frame(frame, ports_[port].settings.vlan);
    if (!parsed) {
        ++counters_.malformed;
        return parsed.error();
    }
    const Mac& own = ports_[port].settings.mac;
    if (!parsed->frame_destination.is_group() && parsed->frame_destination != own) {
        return Drop::wrong_mac;
    }
    if (parsed->frame_source == own || !ports_[port].up) {
        ++counters_.ignored;  // our own frame come back, or nobody to answer through
        return Drop::none;
    }
    switch (parsed->kind) {
        case NeighbourMessageKind::arp_request:
        case NeighbourMessageKind::arp_reply:
            receive_arp(port, *parsed, now_ms);
            break;
        case NeighbourMessageKind::solicitation:
            receive_solicitation(port, *parsed, now_ms);
            break;
        case NeighbourMessageKind::advertisement:
            receive_advertisement(port, *parsed, now_ms);
            break;
        case NeighbourMessageKind::echo_request:
            receive_echo(port, *parsed, now_ms);
            break;
        case NeighbourMessageKind::ignored:
            ++counters_.ignored;
            break;
    }
    return Drop::none;
}

void Neighbours::receive_arp(std::uint16_t port,
                             const NeighbourMessage& message,
                             std::uint64_t now_ms) {
    if (refuse_conflict(port, message.source, now_ms)) {
        return;
    }
    const bool asks_us =
        message.kind == NeighbourMessageKind::arp_request && is_own(port, message.target);
    // Who only asks us says nothing we keep; a known neighbour's address is taken all the same.
    if (message.source.is_unicast_host() && (!asks_us || table_.contains({port, message.source}))) {
        const bool solicited = message.kind == NeighbourMessageKind::arp_reply &&
                               !message.frame_destination.is_group();
        hear({port, message.source}, *message.link_address, solicited, now_ms);
    }
    if (asks_us) {
        answer(port, message.target, message, now_ms);
    }
}

void Neighbours::receive_solicitation(std::uint16_t port,
                                      const NeighbourMessage& message,
                                      std::uint64_t now_ms) {
    if (refuse_conflict(port, message.source, now_ms)) {
        return;
    }
    if (!is_own(port, message.target) ||
        (message.destination != message.target &&
         message.destination != solicited_node_address(message.target))) {
        ++counters_.ignored;
        return;
    }
    const Key key{port, message.source};
    if (message.link_address && table_.contains(key)) {
        hear(key, *message.link_address, false, now_ms);
    }
    answer(port, message.target, message, now_ms);
}

// RFC 4861, 7.2.5.
void Neighbours::receive_advertisement(std::uint16_t port,
                                       const NeighbourMessage& message,
                                       std::uint64_t now_ms) {
    if (refuse_conflict(port, message.target, now_ms)) {
        return;
    }
    const Key key{port, message.target};
    const auto at = table_.find(key);
    if (at == table_.end()) {
        ++counters_.strangers;
        return;
    }
    const Entry& entry = at->second;
    const bool solicited = message.solicited && is_own(port, message.destination);
    if (!message.link_address) {
        // Without the option it can only confirm what is known.
        if (entry.mac && solicited) {
            hear(key, Mac(*entry.mac), true, now_ms);
        }
        return;
    }
    if (entry.mac && *entry.mac != *message.link_address && !message.override_known) {
        if (entry.state == NeighbourState::reachable && !entry.adjacencies.empty()) {
            start_probing(at, now_ms);
        }
        return;
    }
    hear(key, *message.link_address, solicited, now_ms);
}

void Neighbours::receive_echo(std::uint16_t port,
                              const NeighbourMessage& message,
                              std::uint64_t now_ms) {
    const std::size_t ip_bytes = message.family == Family::ipv4 ? 20 : 40;
    if (message.frame_destination.is_group() || !is_own(port, message.target) ||
        is_own(port, message.source) ||
        message.icmp.size() + ip_bytes > ports_[port].settings.mtu) {
        ++counters_.ignored;
        return;
    }
    if (!ports_[port].echoes.take(static_cast<std::uint32_t>(now_ms))) {
        ++counters_.replies_suppressed;
        return;
    }
    send(port, make_echo_reply(link_of(port), message));
    ++counters_.echo_replies;
}

// Somebody else says that `ip` is theirs. If it is ours, we say so once in a while (RFC 5227,
// 2.4 b) and believe nothing of the frame.
bool Neighbours::refuse_conflict(std::uint16_t port, const IpAddress& ip, std::uint64_t now_ms) {
    if (!is_own(port, ip)) {
        return false;
    }
    ++counters_.conflicts;
    Port& state = ports_[port];
    if (!state.defended || now_ms >= state.defended_at_ms + kDefendIntervalMs) {
        state.defended = true;
        state.defended_at_ms = now_ms;
        send(port, make_announcement(link_of(port), ip));
        ++counters_.announcements;
    }
    return true;
}

void Neighbours::answer(std::uint16_t port,
                        const IpAddress& own,
                        const NeighbourMessage& request,
                        std::uint64_t now_ms) {
    if (!ports_[port].replies.take(static_cast<std::uint32_t>(now_ms))) {
        ++counters_.replies_suppressed;
        return;
    }
    send(port, make_reply(link_of(port), own, request));
    ++counters_.replies;
}

}  // namespace posthaste::controlplane
