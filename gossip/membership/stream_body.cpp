// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/stream_body.h"

#include "gossip/membership/message_fields.h"

namespace posthaste::gossip::membership {

namespace {

struct PushHead {
    bool join = false;
    std::uint32_t nodes = 0;
    std::uint32_t user_state_bytes = 0;
};

template <typename Visit>
void fields(Visit& visit, Like<PushHead> auto& head) {
    visit.flag("Join", head.join);
    visit.number("Nodes", head.nodes);
    visit.number("UserStateLen", head.user_state_bytes);
}

struct UserHead {
    std::uint32_t bytes = 0;
};

template <typename Visit>
void fields(Visit& visit, Like<UserHead> auto& head) {
    visit.number("UserMsgLen", head.bytes);
}

std::size_t bytes_of(const PushNode& row) {
    return sizeof(PushNode) + row.name.size() + row.address.size() + row.meta.size() +
           row.versions.size();
}

void write_body(PackWriter& out, const PushPull& push) {
    write_fields(out,
                 PushHead{.join = push.join,
                          .nodes = static_cast<std::uint32_t>(push.nodes.size()),
                          .user_state_bytes = static_cast<std::uint32_t>(push.user_state.size())});
    for (const PushNode& node : push.nodes) {
        write_fields(out, node);
    }
    out.raw(push.user_state);
}

void write_body(PackWriter& out, const User& user) {
    write_fields(out, UserHead{static_cast<std::uint32_t>(user.payload.size())});
    out.raw(user.payload);
}

template <typename Structure>
void write_body(PackWriter& out, const Structure& message) {
    write_fields(out, message);
}

}  // namespace

void StreamBody::add(std::span<const std::uint8_t> bytes) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(start_));
    start_ = 0;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

tl::expected<std::optional<StreamMessage>, Refusal> StreamBody::next() {
    while (!message_.has_value()) {
        const Progress progress = step();
        if (!progress.has_value()) {
            return tl::unexpected(progress.error());
        }
        if (!*progress) {
            return std::optional<StreamMessage>();
        }
    }
    return std::exchange(message_, std::nullopt);
}

StreamBody::Progress StreamBody::step() {
    switch (stage_) {
        case Stage::type:
            return take_type();
        case Stage::simple:
            return take_simple();
        case Stage::user_head:
            return take_user_head();
        case Stage::push_head:
            return take_push_head();
        case Stage::rows:
            return take_rows();
        case Stage::user_state:
        case Stage::user:
            return take_tail();
    }
    return tl::unexpected(Refusal::malformed);
}

StreamBody::Progress StreamBody::take_type() {
    if (held() == 0) {
        return false;
    }
    type_ = static_cast<MessageType>(rest()[0]);
    ++start_;
    switch (type_) {
        case MessageType::ping:
        case MessageType::ack:
        case MessageType::error:
            stage_ = Stage::simple;
            return true;
        case MessageType::user:
            stage_ = Stage::user_head;
            return true;
        case MessageType::push_pull:
            stage_ = Stage::push_head;
            return true;
        case MessageType::indirect_ping:
        case MessageType::suspect:
        case MessageType::alive:
        case MessageType::dead:
        case MessageType::compound:
        case MessageType::compress:
        case MessageType::encrypt:
        case MessageType::nack:
        case MessageType::has_crc:
        case MessageType::has_label:
            return tl::unexpected(Refusal::unexpected_message);
    }
    return tl::unexpected(Refusal::unknown_type);
}

// One structure, if it is there.
template <typename Structure>
StreamBody::Progress StreamBody::take(Structure& value) {
    Structure taken;
    PackReader in(rest(), kStreamPieceMax);
    read_fields(in, taken);
    if (in.refusal() == Refusal::truncated && held() <= kStreamPieceMax) {
        return false;
    }
    const bool long_one = held() - in.rest().size() > kStreamPieceMax;
    if (long_one && (in.good() || in.refusal() == Refusal::truncated)) {
        return tl::unexpected(Refusal::oversize);
    }
    if (!in.good()) {
        return tl::unexpected(*in.refusal());
    }
    start_ = bytes_.size() - in.rest().size();
    value = std::move(taken);
    return true;
}

StreamBody::Progress StreamBody::take_simple() {
    const auto take_one = [this]<typename Structure>(Structure value) -> Progress {
        const Progress taken = take(value);
        if (taken.has_value() && *taken) {
            message_ = std::move(value);
        }
        return taken;
    };
    switch (type_) {
        case MessageType::ping:
            return take_one(Ping{});
        case MessageType::ack:
            return take_one(Ack{});
        default:
            return take_one(ErrorResponse{});
    }
}

StreamBody::Progress StreamBody::take_user_head() {
    UserHead head;
    const Progress taken = take(head);
    if (!taken.has_value() || !*taken) {
        return taken;
    }
    if (head.bytes > limits_.user_state_max) {
        return tl::unexpected(Refusal::oversize);
    }
    tail_bytes_ = head.bytes;
    stage_ = Stage::user;
    return true;
}

StreamBody::Progress StreamBody::take_push_head() {
    PushHead head;
    const Progress taken = take(head);
    if (!taken.has_value() || !*taken) {
        return taken;
    }
    if (head.nodes > limits_.nodes_max || head.user_state_bytes > limits_.user_state_max) {
        return tl::unexpected(Refusal::oversize);
    }
    push_.join = head.join;
    rows_left_ = head.nodes;
    tail_bytes_ = head.user_state_bytes;
    stage_ = Stage::rows;
    return true;
}

StreamBody::Progress StreamBody::take_rows() {
    for (; rows_left_ > 0; --rows_left_) {
        PushNode node;
        const Progress taken = take(node);
        if (!taken.has_value() || !*taken) {
            return taken;
        }
        row_bytes_ += bytes_of(node);
        push_.nodes.push_back(std::move(node));
    }
    stage_ = Stage::user_state;
    return true;
}

StreamBody::Progress StreamBody::take_tail() {
    if (held() < tail_bytes_) {
        return false;
    }
    const auto tail = rest().first(tail_bytes_);
    start_ += tail_bytes_;
    std::string text(tail.begin(), tail.end());
    if (stage_ == Stage::user) {
        message_ = User{std::move(text)};
    } else {
        push_.user_state = std::move(text);
        message_ = std::move(push_);
        row_bytes_ = 0;
    }
    return true;
}

std::vector<std::uint8_t> encode_body(const StreamMessage& message) {
    PackWriter out;
    out.octet(static_cast<std::uint8_t>(type_of(message)));
    std::visit([&](const auto& body) { write_body(out, body); }, message);
    return out.take();
}

}  // namespace posthaste::gossip::membership
