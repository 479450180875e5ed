// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/serf_codec.h"

#include "gossip/membership/sealing.h"
#include "gossip/membership/serf_fields.h"

namespace posthaste::gossip::membership {

namespace {

using Times = std::map<std::string, LamportTime>;
using Slots = std::vector<std::pair<LamportTime, std::vector<UserEvent>>>;

constexpr std::uint8_t kTagsMagic = 0xff;
constexpr std::uint8_t kCoordinateMagic = 1;
constexpr std::uint32_t kDimensions = 8;

void read_times(PackReader& in, Times& times) {
    const std::uint32_t count = in.map();
    if (count > kPushMembersMax) {
        in.fail(Refusal::oversize);
    }
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        const std::string_view name = in.text();
        const LamportTime time = in.number();
        if (name.size() > kNameBytesMax) {
            in.fail(Refusal::oversize);
        } else if (in.good()) {
            times.insert_or_assign(std::string(name), time);
        }
    }
}

void write_times(PackWriter& out, const Times& times) {
    out.map(static_cast<std::uint32_t>(times.size()));
    for (const auto& [name, time] : times) {
        out.text(name);
        out.number(time);
    }
}

// The events of one time. The time may come before or after them.
struct Slot {
    LamportTime time = 0;
    std::vector<UserEvent> events;
    std::size_t room = 0;  // for how many there may be
};

void read_slot_events(PackReader& in, Slot& slot) {
    const std::uint32_t count = in.array();
    if (count > slot.room) {
        in.fail(Refusal::oversize);
    }
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        PushEvent event;
        read_fields(in, event);
        slot.events.push_back({.name = std::move(event.name), .payload = std::move(event.payload)});
    }
}

void write_slot_events(PackWriter& out, const Slot& slot) {
    out.array(static_cast<std::uint32_t>(slot.events.size()));
    for (const UserEvent& event : slot.events) {
        write_fields(out, PushEvent{.name = event.name, .payload = event.payload});
    }
}

template <typename Visit>
void fields(Visit& visit, Like<Slot> auto& slot) {
    visit.other("Events", slot, read_slot_events, write_slot_events);
    visit.number("LTime", slot.time);
}

void read_slots(PackReader& in, Slots& slots) {
    const std::uint32_t count = in.array();
    std::size_t room = kPushEventsMax;
    slots.clear();
    for (std::uint32_t i = 0; i < count && in.good(); ++i) {
        if (in.nil()) {
            continue;
        }
        Slot slot{.time = 0, .events = {}, .room = room};
        read_fields(in, slot);
        room -= std::min(room, slot.events.size());
        for (UserEvent& event : slot.events) {
            event.time = slot.time;
        }
        if (in.good() && !slot.events.empty()) {
            slots.emplace_back(slot.time, std::move(slot.events));
        }
    }
}

void write_slots(PackWriter& out, const Slots& slots) {
    out.array(static_cast<std::uint32_t>(slots.size()));
    for (const auto& [time, events] : slots) {
        write_fields(out, Slot{.time = time, .events = events, .room = 0});
    }
}

}  // namespace

// Where the lookup by its argument finds it.
template <typename Visit>
void fields(Visit& visit, Like<SerfPushPull> auto& push) {
    visit.number("EventLTime", push.event_time);
    visit.other("Events", push.events, read_slots, write_slots);
    visit.number("LTime", push.time);
    visit.other(
        "LeftMembers", push.left_members, read_texts<kPushMembersMax, kNameBytesMax>, write_texts);
    visit.number("QueryLTime", push.query_time);
    visit.other("StatusLTimes", push.status_times, read_times, write_times);
}

namespace {

using Result = tl::expected<SerfMessage, Refusal>;

template <typename Structure>
Result read_message(PackReader& in, bool trailing = false) {
    Structure value;
    read_fields(in, value);
    if (in.good() && !in.rest().empty() && !trailing) {
        in.fail(Refusal::trailing_bytes);
    }
    if (!in.good()) {
        return tl::unexpected(*in.refusal());
    }
    return value;
}

Result read_relay(PackReader& in) {
    RelayHead head;
    read_fields(in, head);
    if (!in.good()) {
        return tl::unexpected(*in.refusal());
    }
    const auto message = in.rest();
    if (message.empty()) {
        return tl::unexpected(Refusal::truncated);
    }
    if (message.size() > kSerfPayloadMax) {
        return tl::unexpected(Refusal::oversize);
    }
    return Relay{.address = std::move(head.destination.address),
                 .port = head.destination.port,
                 .node = std::move(head.node),
                 .message = std::string(message.begin(), message.end())};
}

void write_message(PackWriter& out, const Relay& relay) {
    write_fields(
        out,
        RelayHead{.destination = {.address = relay.address, .port = relay.port, .zone = {}},
                  .node = relay.node});
    out.raw(relay.message);
}

template <typename Structure>
void write_message(PackWriter& out, const Structure& message) {
    write_fields(out, message);
}

}  // namespace

SerfType type_of(const SerfMessage& message) noexcept {
    constexpr SerfType kTypes[] = {SerfType::leave,
                                   SerfType::join,
                                   SerfType::push_pull,
                                   SerfType::user_event,
                                   SerfType::query,
                                   SerfType::query_response,
                                   SerfType::conflict_response,
                                   SerfType::key_request,
                                   SerfType::key_response,
                                   SerfType::relay};
    static_assert(std::size(kTypes) == std::variant_size_v<SerfMessage>);
    return kTypes[message.index()];
}

Result decode_serf(std::string_view payload) {
    if (payload.empty()) {
        return tl::unexpected(Refusal::truncated);
    }
    PackReader in(octets_of(payload.substr(1)));
    switch (static_cast<SerfType>(payload[0])) {
        case SerfType::leave:
            return read_message<LeaveIntent>(in);
        case SerfType::join:
            return read_message<JoinIntent>(in);
        case SerfType::push_pull:
            return read_message<SerfPushPull>(in, true);
        case SerfType::user_event:
            return read_message<UserEvent>(in);
        case SerfType::query:
            return read_message<Query>(in);
        case SerfType::query_response:
            return read_message<QueryResponse>(in);
        case SerfType::conflict_response:
            return read_message<ConflictResponse>(in);
        case SerfType::key_request:
            return read_message<KeyRequest>(in);
        case SerfType::key_response:
            return read_message<KeyResponse>(in);
        case SerfType::relay:
            return read_relay(in);
    }
    return tl::unexpected(Refusal::unknown_type);
}

std::string encode_serf(const SerfMessage& message) {
    PackWriter out;
    out.octet(static_cast<std::uint8_t>(type_of(message)));
    std::visit([&](const auto& body) { write_message(out, body); }, message);
    return out.take_text();
}

tl::expected<Tags, Refusal> tags_of_meta(std::string_view meta) {
    if (meta.empty()) {
        return Tags();
    }
    if (static_cast<std::uint8_t>(meta[0]) != kTagsMagic) {
        return Tags{{"role", std::string(meta)}};
    }
    PackReader in(octets_of(meta.substr(1)));
    Tags tags;
    read_tags(in, tags);
    if (!in.good()) {
        return tl::unexpected(*in.refusal());
    }
    return tags;
}

tl::expected<std::string, Refusal> meta_of_tags(const Tags& tags) {
    PackWriter out;
    out.octet(kTagsMagic);
    write_tags(out, tags);
    std::string meta = out.take_text();
    if (meta.size() > kMetaBytesMax) {
        return tl::unexpected(Refusal::oversize);
    }
    return meta;
}

const std::string& resting_coordinate() {
    static const std::string kPayload = [] {
        PackWriter out;
        out.octet(kCoordinateMagic);
        out.map(4);
        out.text("Adjustment");
        out.real(0);
        out.text("Error");
        out.real(1.5);  // Serf's own before it has measured anything
        out.text("Height");
        out.real(1e-5);  // its minimum, in seconds
        out.text("Vec");
        out.array(kDimensions);
        for (std::uint32_t i = 0; i < kDimensions; ++i) {
            out.real(0);
        }
        return out.take_text();
    }();
    return kPayload;
}

}  // namespace posthaste::gossip::membership
