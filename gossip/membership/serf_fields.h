// SPDX-License-Identifier: BSD-3-Clause
// The fields of Serf's messages by their names on the wire, with their bounds.
#pragma once

#include "gossip/membership/fields.h"
#include "gossip/membership/message_fields.h"
#include "gossip/membership/serf_codec.h"

namespace posthaste::gossip::membership {

template <typename Visit>
void fields(Visit& visit, Like<LeaveIntent> auto& intent) {
    visit.number("LTime", intent.time);
    visit.text("Node", intent.node, kNameBytesMax);
    visit.flag("Prune", intent.prune);
}

template <typename Visit>
void fields(Visit& visit, Like<JoinIntent> auto& intent) {
    visit.number("LTime", intent.time);
    visit.text("Node", intent.node, kNameBytesMax);
}

template <typename Visit>
void fields(Visit& visit, Like<UserEvent> auto& event) {
    visit.flag("CC", event.coalesce);
    visit.number("LTime", event.time);
    visit.text("Name", event.name, kEventBytesMax);
    visit.text_or_nil("Payload", event.payload, kEventBytesMax);
}

inline void write_texts(PackWriter& out, const std::vector<std::string>& texts) {
    out.array(static_cast<std::uint32_t>(texts.size()));
    for (const std::string& text : texts) {
        out.text(text);
    }
}

template <std::size_t kCountMax, std::size_t kTextMax>
void read_texts(PackReader& in, std::vector<std::string>& texts) {
    const std::uint32_t count = in.array();
    if (count > kCountMax) {
        in.fail(Refusal::oversize);
    }
    texts.clear();
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        texts.emplace_back(in.text());
        if (texts.back().size() > kTextMax) {
            in.fail(Refusal::oversize);
        }
    }
}

template <typename Visit>
void fields(Visit& visit, Like<Query> auto& query) {
    visit.text("Addr", query.address, kAddressBytesMax);
    visit.other("Filters", query.filters, read_texts<kFiltersMax, kSerfPayloadMax>, write_texts);
    visit.number("Flags", query.flags);
    visit.number("ID", query.id);
    visit.number("LTime", query.time);
    visit.text("Name", query.name, kEventBytesMax);
    visit.text_or_nil("Payload", query.payload, kSerfPayloadMax);
    visit.number("Port", query.port);
    visit.number("RelayFactor", query.relay_factor);
    visit.text("SourceNode", query.source_node, kNameBytesMax);
    visit.number("Timeout", query.timeout_ns);
}

template <typename Visit>
void fields(Visit& visit, Like<QueryResponse> auto& response) {
    visit.number("Flags", response.flags);
    visit.text("From", response.from, kNameBytesMax);
    visit.number("ID", response.id);
    visit.number("LTime", response.time);
    visit.text_or_nil("Payload", response.payload, kSerfPayloadMax);
}

inline void read_tags(PackReader& in, Tags& tags) {
    const std::uint32_t count = in.map();
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        const std::string_view name = in.text();
        const std::string_view value = in.text();
        if (in.good()) {
            tags.insert_or_assign(std::string(name), std::string(value));
        }
    }
}

inline void write_tags(PackWriter& out, const Tags& tags) {
    out.map(static_cast<std::uint32_t>(tags.size()));
    for (const auto& [name, value] : tags) {
        out.text(name);
        out.text(value);
    }
}

template <typename Visit>
void fields(Visit& visit, Like<ConflictResponse> auto& member) {
    visit.text("Addr", member.address, kAddressBytesMax);
    visit.number("DelegateCur", member.versions[5]);
    visit.number("DelegateMax", member.versions[4]);
    visit.number("DelegateMin", member.versions[3]);
    visit.text("Name", member.name, kNameBytesMax);
    visit.number("Port", member.port);
    visit.number("ProtocolCur", member.versions[2]);
    visit.number("ProtocolMax", member.versions[1]);
    visit.number("ProtocolMin", member.versions[0]);
    visit.number("Status", member.status);
    visit.other("Tags", member.tags, read_tags, write_tags);
}

template <typename Visit>
void fields(Visit& visit, Like<KeyRequest> auto& request) {
    visit.text("Key", request.key, kEventBytesMax);
}

template <typename Visit>
void fields(Visit& visit, Like<KeyResponse> auto& response) {
    visit.other("Keys", response.keys, read_texts<kKeysListedMax, kNameBytesMax>, write_texts);
    visit.text("Message", response.message, kEventBytesMax);
    visit.text("PrimaryKey", response.primary_key, kNameBytesMax);
    visit.flag("Result", response.result);
}

// Go's UDP address, nested in a relay.
struct RelayAddress {
    AddressBytes address;
    std::uint16_t port = 0;
    std::string zone;
};

template <typename Visit>
void fields(Visit& visit, Like<RelayAddress> auto& address) {
    visit.text("IP", address.address, kAddressBytesMax);
    visit.number("Port", address.port);
    visit.text("Zone", address.zone, kNameBytesMax);
}

struct RelayHead {
    RelayAddress destination;
    std::string node;
};

template <typename Visit>
void fields(Visit& visit, Like<RelayHead> auto& head) {
    visit.other(
        "DestAddr", head.destination, read_fields<RelayAddress>, write_fields<RelayAddress>);
    visit.text("DestName", head.node, kNameBytesMax);
}

// An event among those of one time in a push/pull.
struct PushEvent {
    std::string name;
    std::string payload;
};

template <typename Visit>
void fields(Visit& visit, Like<PushEvent> auto& event) {
    visit.text("Name", event.name, kEventBytesMax);
    visit.text_or_nil("Payload", event.payload, kEventBytesMax);
}

}  // namespace posthaste::gossip::membership
