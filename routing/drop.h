// SPDX-License-Identifier: BSD-3-Clause
// Drop: every reason for which a received frame goes no further. One enum, one table of names.
//
// Counters, the operator's client, metrics and tests iterate this list; names are a contract.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "routing/message.h"

namespace posthaste::routing {

enum class Drop : std::uint8_t {
    none = 0,
    // Outer headers.
    too_short,       // fewer bytes than the headers announce
    segmented,       // headers not contiguous in the first mbuf segment
    wrong_mac,       // unicast to somebody else's MAC
    wrong_vlan,      // tag missing, not wanted, or of another VLAN
    bad_ethertype,   // neither IPv4, IPv6 nor ARP
    bad_ip_header,   // version, header length, total length or header checksum
    ip_fragment,     // an IPv4 fragment
    ip_extension,    // IPv6 extension header
    wrong_address,   // IP destination is not an address of the port
    wrong_protocol,  // neither UDP nor a protocol the box answers itself
    wrong_udp_port,  // UDP to another port than Posthaste's
    bad_udp_length,  // UDP length disagrees with the IP length
    bad_checksum,    // UDP checksum wrong, or absent over IPv6
    // Posthaste header.
    bad_length,  // header length or payload length disagrees with the UDP length
    bad_magic,
    bad_version,
    bad_type,        // a type this port does not take
    bad_agent_id,    // destination or source nil, or both equal
    bad_addressing,  // addressing or strategy outside the known values
    bad_tlv,         // a TLV runs past the header
    bad_flags,       // relayed from an edge port, or not relayed on a fabric port
    hop_limit,
    lifetime,
    // Decisions.
    source_unknown,  // edge: the source agent is not registered on this box
    source_spoofed,  // edge: registered, but at another endpoint
    unknown_agent,
    unknown_capability,
    bad_name,     // the capability's name is none, or not that of the id
    no_provider,  // nobody who has the capability is available
    fan_out,      // more copies than one frame may have
    policy,       // a content policy says so
    agent_stopped,
    not_here,           // relayed and redirected before, and still not attached here
    too_large,          // does not fit the egress port's MTU
    no_source_address,  // egress port has no address of the next hop's family
    shed,               // overload: lower priority goes first
    // Resources.
    neighbour_unresolved,  // held for a next hop that never answered
    hold_full,             // too many frames wait for a neighbour
    punt_full,             // control thread behind, ring of that class full
    tx_full,               // egress backlog full
    port_down,             // egress port stopped or without link
    no_headroom,           // no room before the frame for longer outer headers
    no_buffer,             // no mbuf for a copy
    // Control plane.
    bad_neighbour,    // malformed ARP, neighbour discovery or echo
    control_refused,  // a control frame answered with an error, or not meant for the box
    draining,         // arrived while the box shuts down
    count
};

inline constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::count);

inline constexpr std::array<std::string_view, kDropCount> kDropNames = {
    "none",           "too_short",
    "segmented",      "wrong_mac",
    "wrong_vlan",     "bad_ethertype",
    "bad_ip_header",  "ip_fragment",
    "ip_extension",   "wrong_address",
    "wrong_protocol", "wrong_udp_port",
    "bad_udp_length", "bad_checksum",
    "bad_length",     "bad_magic",
    "bad_version",    "bad_type",
    "bad_agent_id",   "bad_addressing",
    "bad_tlv",        "bad_flags",
    "hop_limit",      "lifetime",
    "source_unknown", "source_spoofed",
    "unknown_agent",  "unknown_capability",
    "bad_name",       "no_provider",
    "fan_out",        "policy",
    "agent_stopped",  "not_here",
    "too_large",      "no_source_address",
    "shed",           "neighbour_unresolved",
    "hold_full",      "punt_full",
    "tx_full",        "port_down",
    "no_headroom",    "no_buffer",
    "bad_neighbour",  "control_refused",
    "draining",
};

static_assert(!kDropNames.back().empty(), "every Drop has a name");

[[nodiscard]] constexpr std::string_view name_of(Drop drop) noexcept {
    return kDropNames[static_cast<std::size_t>(drop)];
}

// The error a sender with want-error gets for a frame dropped so; none where it gets no answer
// (the header was never sound, or answering would only add load).
[[nodiscard]] constexpr ErrorCode error_of(Drop drop) noexcept {
    switch (drop) {
        case Drop::bad_agent_id:
        case Drop::bad_addressing:
        case Drop::bad_tlv:
        case Drop::bad_type:
        case Drop::bad_flags:
        case Drop::bad_name:
            return ErrorCode::malformed;
        case Drop::bad_version:
            return ErrorCode::bad_version;
        case Drop::hop_limit:
            return ErrorCode::hop_limit;
        case Drop::lifetime:
            return ErrorCode::lifetime;
        case Drop::source_unknown:
        case Drop::source_spoofed:
        case Drop::policy:
            return ErrorCode::unauthorised;
        case Drop::unknown_agent:
        case Drop::not_here:
        case Drop::neighbour_unresolved:
            return ErrorCode::unknown_agent;
        case Drop::unknown_capability:
            return ErrorCode::unknown_capability;
        case Drop::agent_stopped:
        case Drop::no_provider:
            return ErrorCode::no_available_provider;
        case Drop::too_large:
        case Drop::fan_out:
            return ErrorCode::too_large;
        case Drop::shed:
        case Drop::hold_full:
        case Drop::punt_full:
        case Drop::tx_full:
        case Drop::port_down:
        case Drop::no_buffer:
            return ErrorCode::overloaded;
        case Drop::draining:
            return ErrorCode::draining;
        default:
            return ErrorCode::none;
    }
}

}  // namespace posthaste::routing
