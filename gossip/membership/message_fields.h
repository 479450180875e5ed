// SPDX-License-Identifier: BSD-3-Clause
// The fields of memberlist's messages by their names on the wire, with their bounds.
#pragma once

#include "gossip/membership/fields.h"
#include "gossip/membership/message.h"

namespace posthaste::gossip::membership {

inline constexpr std::size_t kVersionsBytesMax = 64;  // not 6: the state machine refuses it
inline constexpr std::size_t kAckPayloadMax = 4'096;
inline constexpr std::size_t kErrorTextMax = 4'096;

template <typename Visit>
void fields(Visit& visit, Like<Ping> auto& ping) {
    visit.text("Node", ping.node, kNameBytesMax);
    visit.number("SeqNo", ping.sequence);
    visit.text_if_any("SourceAddr", ping.source_address, kAddressBytesMax);
    visit.text_if_any("SourceNode", ping.source_node, kNameBytesMax);
    visit.number_if_any("SourcePort", ping.source_port);
}

template <typename Visit>
void fields(Visit& visit, Like<IndirectPing> auto& ping) {
    visit.flag("Nack", ping.nack);
    visit.text("Node", ping.node, kNameBytesMax);
    visit.number("Port", ping.port);
    visit.number("SeqNo", ping.sequence);
    visit.text_if_any("SourceAddr", ping.source_address, kAddressBytesMax);
    visit.text_if_any("SourceNode", ping.source_node, kNameBytesMax);
    visit.number_if_any("SourcePort", ping.source_port);
    visit.text("Target", ping.target, kAddressBytesMax);
}

template <typename Visit>
void fields(Visit& visit, Like<Ack> auto& ack) {
    visit.text_or_nil("Payload", ack.payload, kAckPayloadMax);
    visit.number("SeqNo", ack.sequence);
}

template <typename Visit>
void fields(Visit& visit, Like<Nack> auto& nack) {
    visit.number("SeqNo", nack.sequence);
}

template <typename Visit>
void fields(Visit& visit, Like<Suspect> auto& suspect) {
    visit.text("From", suspect.from, kNameBytesMax);
    visit.number("Incarnation", suspect.incarnation);
    visit.text("Node", suspect.node, kNameBytesMax);
}

template <typename Visit>
void fields(Visit& visit, Like<Dead> auto& dead) {
    visit.text("From", dead.from, kNameBytesMax);
    visit.number("Incarnation", dead.incarnation);
    visit.text("Node", dead.node, kNameBytesMax);
}

template <typename Visit>
void fields(Visit& visit, Like<Alive> auto& alive) {
    visit.text("Addr", alive.address, kAddressBytesMax);
    visit.number("Incarnation", alive.incarnation);
    visit.text_or_nil("Meta", alive.meta, kMetaBytesMax);
    visit.text("Node", alive.node, kNameBytesMax);
    visit.number("Port", alive.port);
    visit.text("Vsn", alive.versions, kVersionsBytesMax);
}

template <typename Visit>
void fields(Visit& visit, Like<ErrorResponse> auto& error) {
    visit.text("Error", error.text, kErrorTextMax);
}

inline void read_state(PackReader& in, NodeState& state) {
    const std::uint64_t number = in.number();
    if (number > static_cast<std::uint64_t>(NodeState::left)) {
        in.fail(Refusal::malformed);
    } else {
        state = static_cast<NodeState>(number);
    }
}

inline void write_state(PackWriter& out, NodeState state) {
    out.number(static_cast<std::uint64_t>(state));
}

template <typename Visit>
void fields(Visit& visit, Like<PushNode> auto& node) {
    visit.text("Addr", node.address, kAddressBytesMax);
    visit.number("Incarnation", node.incarnation);
    visit.text_or_nil("Meta", node.meta, kMetaBytesMax);
    visit.text("Name", node.name, kNameBytesMax);
    visit.number("Port", node.port);
    visit.other("State", node.state, read_state, write_state);
    visit.text("Vsn", node.versions, kVersionsBytesMax);
}

// What compress (9) holds.
struct Compressed {
    std::uint8_t algorithm = 0;  // 0: LZW
    std::string_view packed;     // of the input
};

inline void read_view(PackReader& in, std::string_view& view) {
    view = in.text();
}

inline void write_view(PackWriter& out, std::string_view view) {
    out.text(view);
}

template <typename Visit>
void fields(Visit& visit, Like<Compressed> auto& compressed) {
    visit.number("Algo", compressed.algorithm);
    visit.other("Buf", compressed.packed, read_view, write_view);
}

}  // namespace posthaste::gossip::membership
