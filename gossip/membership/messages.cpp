// SPDX-License-Identifier: BSD-3-Clause
// Datagrams: what is done with each message, and how what we say is packed.
#include <algorithm>

#include "gossip/membership/address.h"
#include "gossip/membership/membership_state.h"

namespace posthaste::gossip::membership {

namespace {

// Of the time for an answer, as in Lifeguard's paper. Peers wait twice their timeout by default: a
// nack after the whole of ours would come too late, and they would think themselves slow.
constexpr std::uint64_t kNackPercent = 80;

// Where the sender wants the answer; where it came from if it does not say.
SocketAddress answer_to(const AddressBytes& address, std::uint16_t port, SocketAddress from) {
    return socket_address_of(address, port).value_or(from);
}

}  // namespace

void MembershipState::on_datagram(const SocketAddress& from,
                                  std::span<const std::uint8_t> bytes,
                                  std::uint64_t now_ms) {
    ++counters_.datagrams_received;
    counters_.bytes_received += bytes.size();
    const Decoded decoded = decode_datagram(bytes, sealing_);
    for (const Refusal why : decoded.refused) {
        refuse(why);
    }
    for (const Message& message : decoded.messages) {
        take(message, from, now_ms);
    }
}

void MembershipState::take(const Message& message,
                           const SocketAddress& from,
                           std::uint64_t now_ms) {
    ++counters_.received[static_cast<std::size_t>(type_of(message))];
    if (const auto* ping = std::get_if<Ping>(&message)) {
        take_ping(*ping, from);
    } else if (const auto* indirect = std::get_if<IndirectPing>(&message)) {
        take_indirect(*indirect, from, now_ms);
    } else if (const auto* ack = std::get_if<Ack>(&message)) {
        take_ack(*ack, now_ms);
    } else if (const auto* nack = std::get_if<Nack>(&message)) {
        take_nack(*nack);
    } else if (const auto* suspicion = std::get_if<Suspect>(&message)) {
        suspect(*suspicion, now_ms);
        answer_accuser(suspicion->node, from);
    } else if (const auto* life = std::get_if<Alive>(&message)) {
        alive(*life, now_ms);
    } else if (const auto* death = std::get_if<Dead>(&message)) {
        dead(*death, now_ms);
        answer_accuser(death->node, from);
    } else if (const auto* user = std::get_if<User>(&message)) {
        layer_->on_user(user->payload, now_ms);
    }
}

// Whoever still says so has missed what we said against it, or might miss what we say now.
void MembershipState::answer_accuser(std::string_view accused, const SocketAddress& from) {
    if (is_self(accused) && !leaving() && options_.lifeguard.asked_suspects) {
        send(from, own_life());
    }
}

void MembershipState::take_ping(const Ping& ping, const SocketAddress& from) {
    if (!ping.node.empty() && !is_self(ping.node)) {
        refuse(Refusal::unexpected_message);
        return;
    }
    send(answer_to(ping.source_address, ping.source_port, from),
         Ack{.sequence = ping.sequence, .payload = layer_->ack_payload()});
}

void MembershipState::take_indirect(const IndirectPing& ping,
                                    const SocketAddress& from,
                                    std::uint64_t now_ms) {
    const auto target = socket_address_of(ping.target, ping.port);
    if (!target) {
        refuse(Refusal::bad_address);
        return;
    }
    if (relays_.size() >= kRelaysMax) {
        refuse(Refusal::queue_full);
        return;
    }
    const std::uint64_t timeout_ms = options_.timing.probe_timeout_ms;
    relays_.push_back({.sequence = ++sequence_,
                       .asked = ping.sequence,
                       .to = answer_to(ping.source_address, ping.source_port, from),
                       .nack = ping.nack,
                       .nack_ms = now_ms + timeout_ms * kNackPercent / 100,
                       .due_ms = now_ms + timeout_ms});
    send(*target, ping_of(sequence_, ping.node));
}

void MembershipState::take_ack(const Ack& ack, std::uint64_t now_ms) {
    if (Probe* const probe = probe_of(ack.sequence); probe != nullptr) {
        probe_answered(*probe, now_ms, probe->stage == ProbeStage::direct);
        return;
    }
    if (relays_.empty()) {
        return;
    }
    const std::uint32_t first = relays_.front().sequence;  // the sequence may wrap
    const auto relaying =
        std::ranges::lower_bound(relays_, ack.sequence - first, {}, [first](const Relaying& one) {
            return one.sequence - first;
        });
    if (relaying != relays_.end() && relaying->sequence == ack.sequence && !relaying->answered) {
        relaying->answered = true;
        send(relaying->to, Ack{.sequence = relaying->asked});
    }
}

void MembershipState::take_nack(const Nack& nack) {
    Probe* const probe = probe_of(nack.sequence);
    if (probe != nullptr && probe->stage == ProbeStage::indirect) {
        ++probe->nacks;
    }
}

void MembershipState::end_relays(std::uint64_t now_ms) {
    for (; relays_nacked_ < relays_.size() && relays_[relays_nacked_].nack_ms <= now_ms;
         ++relays_nacked_) {
        const Relaying& relaying = relays_[relays_nacked_];
        if (relaying.nack && !relaying.answered) {
            send(relaying.to, Nack{.sequence = relaying.asked});
        }
    }
    while (!relays_.empty() && relays_.front().due_ms <= now_ms) {
        relays_.pop_front();
        --relays_nacked_;
    }
}

PacketRoom MembershipState::packet_room() const {
    return {.bytes = options_.limits.packet_bytes - kCompoundHeadBytes - wrap_overhead(sealing_),
            .per_part = kCompoundPartBytes,
            .parts_left = kPartsSentMax};
}

void MembershipState::put(PacketRoom& room, std::vector<std::uint8_t> message) const {
    const std::size_t bytes = message.size() + room.per_part;
    room.bytes -= std::min(bytes, room.bytes);
    --room.parts_left;
    room.parts.push_back(std::move(message));
}

unsigned MembershipState::transmit_limit() const {
    return options_.timing.retransmit_multiplier * magnitude_of(known_count());
}

// Our own words first, but a quarter of what is free is the users'. That is less than a long one of
// theirs needs: in every fourth packet where both have something to say, theirs go first.
void MembershipState::fill_with_broadcasts(PacketRoom& room) {
    constexpr std::size_t kUsersPart = 4;
    const bool shared = !swim_queue_.empty() && !user_queue_.empty();
    if (shared && ++packets_shared_ % kUsersPart == 0) {
        user_queue_.fill(room, 0);
    }
    swim_queue_.fill(room, shared ? room.bytes / kUsersPart : 0);
    user_queue_.fill(room, 0);
    swim_queue_.fill(room, 0);
    const unsigned limit = transmit_limit();
    swim_queue_.packet_done(limit);
    user_queue_.packet_done(limit);
}

void MembershipState::send(const SocketAddress& to, const Message& message) {
    PacketRoom room = packet_room();
    put(room, encode(message));
    fill_with_broadcasts(room);
    send_packet(to, std::move(room));
}

void MembershipState::send_packet(const SocketAddress& to, PacketRoom room) {
    for (const auto& part : room.parts) {
        ++counters_.sent[part.front()];
    }
    const std::vector<std::uint8_t> plain =
        room.parts.size() == 1 ? std::move(room.parts.front()) : compound(room.parts);
    std::vector<std::uint8_t> bytes = wrap_datagram(plain, sealing_, nonces_.next());
    ++counters_.datagrams_sent;
    counters_.bytes_sent += bytes.size();
    output_.datagrams.push_back({.to = to, .bytes = std::move(bytes)});
}

}  // namespace posthaste::gossip::membership
