// SPDX-License-Identifier: BSD-3-Clause
// SerfLayer: queries of others, the answers to them, and queries of our own.
#include <algorithm>

#include "gossip/membership/address.h"
#include "gossip/membership/serf_codec.h"
#include "gossip/membership/serf_filter.h"
#include "gossip/membership/serf_layer.h"

namespace posthaste::gossip::membership {

namespace {

constexpr std::string_view kConflictQuery = "_serf_conflict";
// A query lives as long as so many rounds of gossip, times the magnitude of the cluster.
constexpr std::uint64_t kRoundsOfQuery = 16;
// Of the protocol in which a member knows relays.
constexpr std::uint8_t kRelayProtocol = 5;
constexpr std::size_t kProtocolMaxAt = 1;

// A list of keys that fits: the last ones are left out.
std::string fitting(KeyResponse response, const QueryResponse& envelope) {
    for (;;) {
        QueryResponse whole = envelope;
        whole.payload = encode_serf(response);
        if (encode_serf(whole).size() <= kResponseBytesMax || response.keys.empty()) {
            return std::move(whole.payload);
        }
        response.keys.pop_back();
        response.message = "The list is cut off: it does not fit.";
    }
}

}  // namespace

std::uint64_t SerfLayer::query_timeout_ms() const {
    return host_.options().timing.gossip_interval_ms * kRoundsOfQuery *
           magnitude_of(host_.known_count());
}

void SerfLayer::take_query(const Query& query, std::string_view payload) {
    if (!query_clock_.reaches(query.time)) {
        host_.refuse(Refusal::bad_query);
        return;
    }
    query_clock_.witness(query.time);
    const Novelty novelty = queries_.add(query.time, query.id, query_clock_.now());
    if (novelty == Novelty::full) {
        host_.refuse(Refusal::queue_full);
    }
    if (novelty != Novelty::fresh) {
        return;
    }
    if ((query.flags & kQueryNoBroadcast) == 0) {
        broadcast(payload);
    }
    switch (judge_filters(query.filters, host_.options().name, host_.options().tags)) {
        case FilterVerdict::malformed:
            host_.refuse(Refusal::bad_query);
            return;
        case FilterVerdict::not_meant:
            return;
        case FilterVerdict::meant:
            break;
    }
    const bool wants_ack = (query.flags & kQueryWantsAck) != 0;
    if (!wants_ack && query.name != kConflictQuery && !key_action_of(query.name)) {
        return;  // for programs beside other members
    }
    // Whoever can speak to us does not make us speak to anybody, nor do anything for them.
    const auto to = socket_address_of(query.address, query.port);
    if (!to.has_value() || !host_.has_member_at(*to, query.source_node)) {
        host_.refuse(Refusal::bad_query);
        return;
    }
    if (wants_ack) {
        respond(query, *to, kResponseIsAck, {});
    }
    answer_internal(query, *to);
}

void SerfLayer::answer_internal(const Query& query, const SocketAddress& to) {
    if (query.name == kConflictQuery) {
        answer_conflict(query, to);
    } else if (const auto action = key_action_of(query.name)) {
        answer_keys(query, to, *action);
    }
    // Of _serf_ping the acknowledgement is the answer; all other queries are for others.
}

void SerfLayer::answer_conflict(const Query& query, const SocketAddress& to) {
    if (is_self(query.payload)) {
        return;
    }
    const SwimMember member = host_.find(query.payload);
    if (!member.found) {
        return;
    }
    ConflictResponse response{
        .name = std::string(member.name),
        .address = std::string(member.address),
        .port = member.port,
        .tags = tags_of_meta(member.meta).value_or(Tags()),
        .status = static_cast<std::uint8_t>(1 + static_cast<unsigned>(status(member.name)))};
    if (member.versions.size() == response.versions.size()) {
        std::ranges::transform(member.versions, response.versions.begin(), [](char octet) {
            return static_cast<std::uint8_t>(octet);
        });
    }
    respond(query, to, 0, encode_serf(response));
}

void SerfLayer::answer_keys(const Query& query, const SocketAddress& to, KeyAction action) {
    std::string key;
    if (action != KeyAction::list) {
        const auto message = decode_serf(query.payload);
        const auto* const request =
            message.has_value() ? std::get_if<KeyRequest>(&*message) : nullptr;
        if (request == nullptr) {
            host_.refuse(Refusal::bad_key);
            return;
        }
        key = request->key;
    }
    KeyOutcome outcome = carry_out(action, key, host_.keyring());
    if (!outcome.response.result) {
        host_.refuse(Refusal::bad_key);
    }
    if (outcome.changed) {
        host_.emit({.kind = MemberEventKind::keys_changed});
    }
    const QueryResponse envelope{.time = query.time, .id = query.id, .from = host_.options().name};
    respond(query, to, 0, fitting(std::move(outcome.response), envelope));
}

void SerfLayer::respond(const Query& query,
                        const SocketAddress& to,
                        std::uint32_t flags,
                        std::string payload) {
    const std::string response = encode_serf(QueryResponse{.time = query.time,
                                                           .id = query.id,
                                                           .from = host_.options().name,
                                                           .flags = flags,
                                                           .payload = std::move(payload)});
    send(to, response);
    if (query.relay_factor == 0) {
        return;
    }
    std::vector<SocketAddress> relays;
    for (const SwimMember& member : host_.random_members(
             std::min<std::size_t>(query.relay_factor, kResponseRelaysMax), query.source_node)) {
        const auto address = socket_address_of(member.address, member.port);
        if (address.has_value() && member.versions.size() > kProtocolMaxAt &&
            static_cast<std::uint8_t>(member.versions[kProtocolMaxAt]) >= kRelayProtocol) {
            relays.push_back(*address);
        }
    }
    const std::string relay = encode_serf(Relay{.address = query.address,
                                                .port = query.port,
                                                .node = query.source_node,
                                                .message = response});
    for (const SocketAddress& address : relays) {
        send(address, relay);
    }
}

// Only answers, and as those only to members.
void SerfLayer::take_relay(const Relay& relay, std::uint64_t now_ms) {
    const auto to = socket_address_of(relay.address, relay.port);
    const auto message = decode_serf(relay.message);
    if (!to.has_value() || !message.has_value() ||
        !std::holds_alternative<QueryResponse>(*message) || !host_.has_member_at(*to, relay.node)) {
        host_.refuse(Refusal::bad_query);
    } else if (*to == host_.options().address) {
        receive(relay.message, now_ms);
    } else {
        send(*to, relay.message);
    }
}

bool SerfLayer::ask(OwnQuery own,
                    std::string_view name,
                    std::string payload,
                    std::uint64_t now_ms) {
    own.time = query_clock_.increment();
    own.id = static_cast<std::uint32_t>(host_.draw());
    own.due_ms = now_ms + query_timeout_ms();
    own.members = static_cast<std::uint32_t>(host_.alive_count());
    // It will come back to us, and is not to be answered.
    static_cast<void>(queries_.add(own.time, own.id, query_clock_.now()));
    constexpr std::uint64_t kNanosecondsPerMs = 1'000'000;
    const Query query{.time = own.time,
                      .id = own.id,
                      .address = address_bytes_of(host_.options().address),
                      .port = host_.options().address.port,
                      .source_node = host_.options().name,
                      .timeout_ns = query_timeout_ms() * kNanosecondsPerMs,
                      .name = std::string(name),
                      .payload = std::move(payload)};
    if (own.members > 1 && broadcast(encode_serf(query)) == 0) {
        return false;
    }
    own_queries_.add(std::move(own));
    return true;
}

tl::expected<std::uint32_t, std::string> SerfLayer::ask_keys(KeyAction action,
                                                             std::string_view key,
                                                             std::uint64_t now_ms) {
    std::string raw;
    if (action != KeyAction::list) {
        auto read = seal::key_of_text(key);
        if (!read.has_value()) {
            return tl::unexpected(read.error());
        }
        raw = std::move(*read);
    }
    if (own_queries_.full()) {
        return tl::unexpected(std::string("Too many queries are under way."));
    }
    KeyOutcome outcome = carry_out(action, raw, host_.keyring());
    if (!outcome.response.result) {
        return tl::unexpected(outcome.response.message);
    }
    if (outcome.changed) {
        host_.emit({.kind = MemberEventKind::keys_changed});
    }
    KeyQuestion question{.action = action, .number = ++questions_};
    count_keys(question, host_.options().name, outcome.response);
    OwnQuery own{.answered = {host_.options().name}, .question = std::move(question)};
    if (!ask(std::move(own), query_name_of(action), encode_serf(KeyRequest{raw}), now_ms)) {
        return tl::unexpected(std::string("The query does not fit a datagram."));
    }
    return questions_;
}

void SerfLayer::take_response(const QueryResponse& response) {
    if ((response.flags & kResponseIsAck) != 0) {
        return;
    }
    const auto message = decode_serf(response.payload);
    if (!message.has_value() || !host_.find(response.from).found) {
        host_.refuse(Refusal::bad_query);
        return;
    }
    // Too late, twice, or not to us: all that happens.
    OwnQuery* query = nullptr;
    if (!own_queries_.take_answer(response.time, response.id, response.from, query)) {
        return;
    }
    if (auto* const keys = std::get_if<KeyQuestion>(&query->question)) {
        if (const auto* const answer = std::get_if<KeyResponse>(&*message)) {
            count_keys(*keys, response.from, *answer);
            return;
        }
    } else if (auto* const conflict = std::get_if<ConflictQuestion>(&query->question)) {
        if (const auto* const member = std::get_if<ConflictResponse>(&*message)) {
            const auto at = socket_address_of(member->address, member->port);
            conflict->ours += at == host_.options().address ? 1 : 0;
            return;
        }
    }
    query->answered.erase(response.from);
    host_.refuse(Refusal::bad_query);
}

void SerfLayer::on_conflict(std::string_view name, std::uint64_t now_ms) {
    if (!is_self(name) || leaving_ || own_queries_.asks_conflict() || own_queries_.full()) {
        return;
    }
    static_cast<void>(
        ask({.question = ConflictQuestion{}}, kConflictQuery, std::string(name), now_ms));
}

void SerfLayer::finish(const OwnQuery& query) {
    if (const auto* const keys = std::get_if<KeyQuestion>(&query.question)) {
        host_.emit({.kind = MemberEventKind::keys_answered, .keys = answers_of(query, *keys)});
        return;
    }
    // Where nobody answered, nothing is decided.
    const std::size_t answers = query.answered.size();
    const std::uint32_t ours = std::get<ConflictQuestion>(query.question).ours;
    if (answers > 0 && ours < answers / 2 + 1) {
        host_.emit({.kind = MemberEventKind::lost_name, .text = host_.options().name});
    }
}

}  // namespace posthaste::gossip::membership
