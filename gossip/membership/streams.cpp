// SPDX-License-Identifier: BSD-3-Clause
// Streams: one message, one back, then closed. Each has its time and all have a number. Strangers
// can open them: they get a part of their number, one address a part of that, and what they make us
// hold before there is a message is bounded over all of them.
#include <algorithm>

#include "gossip/membership/membership_state.h"

namespace posthaste::gossip::membership {

bool MembershipState::open_stream(Purpose purpose,
                                  const SocketAddress& to,
                                  std::uint64_t due_ms,
                                  std::uint32_t sequence,
                                  std::string_view name) {
    if (streams_.size() >= options_.limits.streams_max) {
        refuse(Refusal::too_many_streams);
        return false;
    }
    while (next_stream_ == 0 || next_stream_ >= kAcceptedStreams ||
           streams_.contains(next_stream_)) {
        next_stream_ = next_stream_ >= kAcceptedStreams ? 1 : next_stream_ + 1;
    }
    const StreamId id = next_stream_++;
    streams_.emplace(id,
                     Stream{.purpose = purpose,
                            .peer = to,
                            .due_ms = due_ms,
                            .reader = StreamReader(sealing_, stream_limits(), StreamPart::reply),
                            .sequence = sequence,
                            .name = std::string(name)});
    output_.streams.push_back({.kind = StreamOut::Kind::connect, .stream = id, .to = to});
    return true;
}

StreamLimits MembershipState::stream_limits() const {
    return {.nodes_max = options_.limits.push_nodes_max(),
            .user_state_max = options_.limits.user_state_max};
}

void MembershipState::write_stream(StreamId id, const StreamMessage& message, StreamPart part) {
    count_sent(type_of(message));
    std::vector<std::uint8_t> bytes = encode_stream(message, sealing_, nonces_.next(), part);
    counters_.stream_bytes_sent += bytes.size();
    output_.streams.push_back(
        {.kind = StreamOut::Kind::write, .stream = id, .bytes = std::move(bytes)});
}

void MembershipState::forget_stream(Streams::iterator stream) {
    count_held(stream->second, 0);
    streams_.erase(stream);
}

void MembershipState::close_stream(StreamId id) {
    forget_stream(streams_.find(id));
    output_.streams.push_back({.kind = StreamOut::Kind::close, .stream = id});
}

// Whoever called hears why.
void MembershipState::refuse_stream(StreamId id, Refusal why) {
    refuse(why);
    if (streams_.at(id).purpose == Purpose::accepted) {
        write_stream(id, ErrorResponse{std::string(name_of(why))}, StreamPart::reply);
    }
    close_stream(id);
}

bool MembershipState::accepts_from(const SocketAddress& from) const {
    std::size_t accepted = 0;
    std::size_t of_it = 0;
    for (const auto& [id, stream] : streams_) {
        if (stream.purpose == Purpose::accepted) {
            ++accepted;
            of_it += stream.peer.ip == from.ip ? 1 : 0;
        }
    }
    const MembershipLimits& limits = options_.limits;
    return streams_.size() < limits.streams_max && accepted < limits.accepted_max() &&
           of_it < limits.accepted_of_one_max();
}

void MembershipState::on_accept(StreamId stream, const SocketAddress& from, std::uint64_t now_ms) {
    if (!accepts_from(from) || streams_.contains(stream)) {
        refuse(Refusal::too_many_streams);
        output_.streams.push_back({.kind = StreamOut::Kind::close, .stream = stream});
        return;
    }
    streams_.emplace(
        stream,
        Stream{.purpose = Purpose::accepted,
               .peer = from,
               .due_ms = now_ms + options_.timing.stream_timeout_ms,
               .reader = StreamReader(sealing_, stream_limits(), StreamPart::request)});
}

void MembershipState::on_connected(StreamId stream) {
    const auto found = streams_.find(stream);
    if (found == streams_.end() || found->second.purpose == Purpose::accepted) {
        return;
    }
    if (found->second.purpose == Purpose::ping) {
        write_stream(
            stream, ping_of(found->second.sequence, found->second.name), StreamPart::request);
        return;
    }
    const bool join = found->second.purpose != Purpose::exchange;
    write_stream(stream, state_to_push(join), StreamPart::request);
}

void MembershipState::count_held(Stream& stream, std::size_t bytes) {
    if (stream.purpose == Purpose::accepted) {
        accepted_bytes_ += bytes;
        accepted_bytes_ -= stream.held;
        stream.held = bytes;
    }
}

// Who holds the most gives way: a peer of ours needs little, and not for long.
bool MembershipState::make_room_for(StreamId stream, std::size_t bytes) {
    const auto wanted = [&](const auto& one) {
        return one.second.held + (one.first == stream ? bytes : 0);
    };
    while (accepted_bytes_ + bytes > options_.limits.accepted_bytes_max) {
        const StreamId largest = std::ranges::max_element(streams_, {}, wanted)->first;
        refuse_stream(largest, Refusal::queue_full);
        if (largest == stream) {
            return false;
        }
    }
    return true;
}

void MembershipState::on_bytes(StreamId stream,
                               std::span<const std::uint8_t> bytes,
                               std::uint64_t now_ms) {
    const auto found = streams_.find(stream);
    if (found == streams_.end()) {
        return;
    }
    counters_.stream_bytes_received += bytes.size();
    Stream& from = found->second;
    if (from.purpose == Purpose::accepted && !make_room_for(stream, bytes.size())) {
        return;
    }
    from.reader.add(bytes);
    const auto message = from.reader.next();
    count_held(from, from.reader.held());
    if (!message) {
        refuse_stream(stream, message.error());
        return;
    }
    if (!message->has_value()) {
        return;
    }
    if (from.purpose == Purpose::accepted) {
        take_accepted(stream, **message, now_ms);
    } else {
        take_reply(stream, **message, now_ms);
    }
}

void MembershipState::take_accepted(StreamId id,
                                    const StreamMessage& message,
                                    std::uint64_t now_ms) {
    if (const auto* ping = std::get_if<Ping>(&message)) {
        count_received(MessageType::ping);
        if (!ping->node.empty() && !is_self(ping->node)) {
            refuse_stream(id, Refusal::unexpected_message);
            return;
        }
        write_stream(id,
                     Ack{.sequence = ping->sequence, .payload = layer_->ack_payload()},
                     StreamPart::reply);
        close_stream(id);
    } else if (const auto* remote = std::get_if<PushPull>(&message)) {
        count_received(MessageType::push_pull);
        write_stream(id, state_to_push(remote->join), StreamPart::reply);
        close_stream(id);
        merge(*remote, now_ms);
    } else if (const auto* user = std::get_if<User>(&message)) {
        count_received(MessageType::user);
        close_stream(id);
        layer_->on_user(user->payload, now_ms);
    } else {
        refuse_stream(id, Refusal::unexpected_message);
    }
}

void MembershipState::take_reply(StreamId id, const StreamMessage& message, std::uint64_t now_ms) {
    const Purpose purpose = streams_.at(id).purpose;
    const auto* ack = std::get_if<Ack>(&message);
    const auto* remote = std::get_if<PushPull>(&message);
    if (purpose == Purpose::ping && ack != nullptr) {
        count_received(MessageType::ack);
        close_stream(id);
        if (Probe* const probe = probe_of(ack->sequence); probe != nullptr) {
            probe_answered(*probe, now_ms, false);
        }
    } else if (purpose != Purpose::ping && remote != nullptr) {
        count_received(MessageType::push_pull);
        close_stream(id);
        merge(*remote, now_ms);
        if (purpose != Purpose::exchange && !leaving()) {
            layer_->announce_join();
        }
    } else {
        if (std::holds_alternative<ErrorResponse>(message)) {
            count_received(MessageType::error);
        }
        refuse_stream(id, Refusal::unexpected_message);
    }
}

void MembershipState::on_end(StreamId stream) {
    const auto found = streams_.find(stream);
    if (found == streams_.end()) {
        return;
    }
    if (found->second.reader.held() > 0) {
        refuse(Refusal::truncated);
    }
    forget_stream(found);
}

void MembershipState::end_streams(std::uint64_t now_ms) {
    std::vector<StreamId> ended;
    for (const auto& [id, stream] : streams_) {
        if (stream.due_ms <= now_ms) {
            ended.push_back(id);
        }
    }
    std::ranges::sort(ended);
    for (const StreamId id : ended) {
        if (streams_.at(id).purpose != Purpose::ping) {
            refuse(Refusal::stream_timeout);
        }
        close_stream(id);
    }
}

}  // namespace posthaste::gossip::membership
