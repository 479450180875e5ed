// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/serf_layer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "gossip/membership/serf_codec.h"

namespace posthaste::gossip::membership {

namespace {

bool is_sane(const SerfPushPull& push) {
    const auto within = [](LamportTime time) { return time <= kLamportMax; };
    return within(push.time) && within(push.event_time) && within(push.query_time) &&
           std::ranges::all_of(push.status_times,
                               [&](const auto& entry) { return within(entry.second); }) &&
           std::ranges::all_of(push.events, [&](const auto& entry) { return within(entry.first); });
}

}  // namespace

bool SerfLayer::is_self(std::string_view name) const {
    return name == host_.options().name;
}

SerfLayer::Record* SerfLayer::find(std::string_view name) {
    const auto found = records_.find(name);
    return found == records_.end() ? nullptr : &found->second;
}

BroadcastNumber SerfLayer::broadcast(std::string_view payload) {
    ++host_.counters().serf_sent[static_cast<std::uint8_t>(payload[0])];
    return host_.broadcast_user(std::string(payload));
}

bool SerfLayer::send(const SocketAddress& to, std::string_view payload) {
    ++host_.counters().serf_sent[static_cast<std::uint8_t>(payload[0])];
    return host_.send_user(to, payload);
}

void SerfLayer::on_user(std::string_view payload, std::uint64_t now_ms) {
    receive(payload, now_ms);
}

void SerfLayer::receive(std::string_view payload, std::uint64_t now_ms) {
    const auto message = decode_serf(payload);
    if (!message.has_value()) {
        host_.refuse(message.error());
        return;
    }
    ++host_.counters().serf_received[static_cast<std::size_t>(type_of(*message))];
    Spread spread = Spread::no;
    if (const auto* const leave = std::get_if<LeaveIntent>(&*message)) {
        spread = take_leave(*leave, now_ms);
    } else if (const auto* const join = std::get_if<JoinIntent>(&*message)) {
        spread = take_join(*join, now_ms);
    } else if (const auto* const event = std::get_if<UserEvent>(&*message)) {
        spread = take_event(*event);
    } else if (const auto* const query = std::get_if<Query>(&*message)) {
        take_query(*query, payload);
    } else if (const auto* const response = std::get_if<QueryResponse>(&*message)) {
        take_response(*response);
    } else if (const auto* const relay = std::get_if<Relay>(&*message)) {
        take_relay(*relay, now_ms);
    } else {
        host_.refuse(Refusal::unexpected_message);
    }
    if (spread == Spread::yes) {
        broadcast(payload);
    }
}

std::string SerfLayer::user_state() const {
    SerfPushPull push{.time = clock_.now(),
                      .event_time = event_clock_.now(),
                      .events = events_.events(),
                      .query_time = query_clock_.now()};
    for (const auto& [name, record] : records_) {
        push.status_times.emplace_hint(push.status_times.end(), name, record.time);
        if (record.status == MemberStatus::left) {
            push.left_members.push_back(name);
        }
    }
    return encode_serf(push);
}

void SerfLayer::merge_user_state(std::string_view state, bool join, std::uint64_t now_ms) {
    const auto message = decode_serf(state);
    if (!message.has_value()) {
        host_.refuse(message.error());
        return;
    }
    const auto* const push = std::get_if<SerfPushPull>(&*message);
    if (push == nullptr) {
        host_.refuse(Refusal::unexpected_message);
        return;
    }
    ++host_.counters().serf_received[static_cast<std::size_t>(SerfType::push_pull)];
    if (!is_sane(*push)) {
        host_.refuse(Refusal::bad_intent);
        return;
    }
    // The clock of a push/pull is the time of what comes next. One far ahead of ours is not
    // believed before we are there.
    const bool intents_reached = clock_.follow(push->time);
    const bool events_reached = event_clock_.follow(push->event_time);
    const bool queries_reached = query_clock_.follow(push->query_time);  // none come with it
    if (!intents_reached || !events_reached || !queries_reached) {
        host_.refuse(Refusal::bad_intent);
    }
    if (intents_reached) {
        merge_intents(*push, now_ms);
    }
    if (events_reached) {
        merge_events(*push, join);
    }
}

// Nothing of a push/pull is relayed: everybody has one of their own.
void SerfLayer::merge_intents(const SerfPushPull& push, std::uint64_t now_ms) {
    const std::set<std::string_view> left(push.left_members.begin(), push.left_members.end());
    for (const std::string_view name : left) {
        const auto found = push.status_times.find(std::string(name));
        const LamportTime time = found == push.status_times.end() ? 0 : found->second;
        take_left(name, time, now_ms);
    }
    for (const auto& [name, time] : push.status_times) {
        if (!left.contains(name)) {
            static_cast<void>(take_join({.time = time, .node = name}, now_ms));
        }
    }
}

// What happened before a new member was there is not for it.
void SerfLayer::merge_events(const SerfPushPull& push, bool join) {
    if (join && !merged_) {
        events_.ignore_before(push.event_time);
    }
    merged_ = true;
    for (const auto& [time, events] : push.events) {
        for (const UserEvent& event : events) {
            static_cast<void>(take_event(event));
        }
    }
}

SerfLayer::Spread SerfLayer::take_event(const UserEvent& event) {
    if (!event_clock_.reaches(event.time)) {
        host_.refuse(Refusal::malformed);
        return Spread::no;
    }
    event_clock_.witness(event.time);
    switch (events_.add(event, event_clock_.now())) {
        case Novelty::fresh:
            host_.emit({.kind = MemberEventKind::user_event,
                        .text = event.name,
                        .payload = event.payload});
            return Spread::yes;
        case Novelty::full:
            host_.refuse(Refusal::queue_full);
            return Spread::no;
        case Novelty::known:
        case Novelty::old:
            break;
    }
    return Spread::no;
}

tl::expected<void, std::string> SerfLayer::send_event(std::string_view name,
                                                      std::string_view payload) {
    if (name.empty()) {
        return tl::unexpected(std::string("An event has a name."));
    }
    if (name.size() + payload.size() > kOwnEventBytesMax) {
        return tl::unexpected("Name and payload of an event have at most " +
                              std::to_string(kOwnEventBytesMax) + " bytes together.");
    }
    const UserEvent event{
        .time = event_clock_.now(), .name = std::string(name), .payload = std::string(payload)};
    if (take_event(event) != Spread::yes) {
        return tl::unexpected(std::string("Too many events at once."));
    }
    broadcast(encode_serf(event));
    return {};
}

void SerfLayer::on_timer(std::uint64_t now_ms) {
    for (const std::string& name : std::exchange(prunes_, {})) {
        host_.forget(name);
    }
    for (const OwnQuery& query : own_queries_.take_finished(now_ms)) {
        finish(query);
    }
}

std::uint64_t SerfLayer::next_due_ms() const {
    return prunes_.empty() ? own_queries_.next_due_ms() : 0;
}

std::string SerfLayer::ack_payload() const {
    return resting_coordinate();
}

}  // namespace posthaste::gossip::membership
