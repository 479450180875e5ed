// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/packet.h"

#include <zlib.h>

#include <algorithm>

#include "gossip/membership/lzw.h"
#include "gossip/membership/message_fields.h"

namespace posthaste::gossip::membership {

namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t kCrcHeadBytes = 5;

std::uint32_t big_endian(Octets bytes) noexcept {
    std::uint32_t value = 0;
    for (const std::uint8_t octet : bytes) {
        value = value << 8 | octet;
    }
    return value;
}

class Unpacking {
  public:
    explicit Unpacking(const Sealing& sealing)
        : sealing_(sealing), plain_left_(std::min(kDatagramPlainMax, sealing.decompressed_max)) {}

    Decoded datagram(Octets bytes) {
        if (!take_label(bytes)) {
            refuse(Refusal::bad_label);
            return std::move(decoded_);
        }
        if (!sealing_.sealed()) {
            layer(bytes, 0);
            return std::move(decoded_);
        }
        const auto opened = sealing_.keyring->open(bytes, octets_of(sealing_.label));
        if (opened.has_value()) {
            layer(*opened, 0);
        } else if (sealing_.refuse_plaintext) {
            refuse(refusal_of(opened.error()));
        } else {
            layer(bytes, 0);
        }
        return std::move(decoded_);
    }

  private:
    void refuse(Refusal why) { decoded_.refused.push_back(why); }

    // Leaves what is behind it; false if it is not our cluster's.
    bool take_label(Octets& bytes) {
        std::string_view label;
        if (!bytes.empty() && bytes[0] == octet_of(MessageType::has_label)) {
            if (bytes.size() < kLabelHeadBytes || bytes[1] == 0 ||
                bytes.size() - kLabelHeadBytes < bytes[1]) {
                return false;
            }
            label = {reinterpret_cast<const char*>(bytes.data()) + kLabelHeadBytes, bytes[1]};
            bytes = bytes.subspan(kLabelHeadBytes + label.size());
        }
        return label == sealing_.label;
    }

    // `depth`: the layers around it. Recursion ends at kLayersMax.
    void layer(Octets bytes, std::size_t depth) {
        if (bytes.empty()) {
            refuse(Refusal::truncated);
            return;
        }
        const auto type = static_cast<MessageType>(bytes[0]);
        const Octets body = bytes.subspan(1);
        const bool wraps = type == MessageType::compound || type == MessageType::compress ||
                           (type == MessageType::has_crc && depth == 0);
        if (wraps && depth == kLayersMax) {
            refuse(Refusal::nested_too_deep);
        } else if (type == MessageType::compound) {
            parts(body, depth + 1);
        } else if (type == MessageType::compress) {
            compressed(body, depth + 1);
        } else if (wraps) {
            checked(bytes, depth + 1);
        } else {
            message(type, body);
        }
    }

    void checked(Octets bytes, std::size_t depth) {
        if (bytes.size() < kCrcHeadBytes) {
            refuse(Refusal::truncated);
            return;
        }
        const Octets rest = bytes.subspan(kCrcHeadBytes);
        if (::crc32_z(0, rest.data(), rest.size()) != big_endian(bytes.subspan(1, 4))) {
            refuse(Refusal::bad_crc);
            return;
        }
        layer(rest, depth);
    }

    void compressed(Octets body, std::size_t depth) {
        Compressed head;
        if (const auto why = read_whole(body, head)) {
            refuse(*why);
            return;
        }
        if (head.algorithm != 0) {
            refuse(Refusal::bad_compression);
            return;
        }
        const auto plain = decompress(octets_of(head.packed), plain_left_);
        if (!plain.has_value()) {
            refuse(plain.error());
            return;
        }
        plain_left_ -= plain->size();
        layer(*plain, depth);
    }

    void parts(Octets body, std::size_t depth) {
        const std::size_t count = body.empty() ? 0 : body[0];
        if (body.empty() || body.size() - 1 < count * kCompoundPartBytes) {
            refuse(Refusal::truncated);
            return;
        }
        Octets lengths = body.subspan(1, count * kCompoundPartBytes);
        Octets bodies = body.subspan(1 + lengths.size());
        for (; !lengths.empty(); lengths = lengths.subspan(kCompoundPartBytes)) {
            const std::size_t length = big_endian(lengths.first(kCompoundPartBytes));
            if (length > bodies.size()) {
                refuse(Refusal::truncated);
                return;
            }
            if (parts_left_ == 0) {
                refuse(Refusal::too_many_parts);
                return;
            }
            --parts_left_;
            layer(bodies.first(length), depth);
            bodies = bodies.subspan(length);
        }
        if (!bodies.empty()) {
            refuse(Refusal::trailing_bytes);
        }
    }

    template <typename Structure>
    static std::optional<Refusal> read_whole(Octets body, Structure& value) {
        PackReader in(body);
        read_fields(in, value);
        if (in.good() && !in.rest().empty()) {
            in.fail(Refusal::trailing_bytes);
        }
        return in.refusal();
    }

    template <typename Structure>
    void read_message(Octets body) {
        Structure value;
        if (const auto why = read_whole(body, value)) {
            refuse(*why);
        } else {
            decoded_.messages.emplace_back(std::move(value));
        }
    }

    void message(MessageType type, Octets body) {
        switch (type) {
            case MessageType::ping:
                return read_message<Ping>(body);
            case MessageType::indirect_ping:
                return read_message<IndirectPing>(body);
            case MessageType::ack:
                return read_message<Ack>(body);
            case MessageType::nack:
                return read_message<Nack>(body);
            case MessageType::suspect:
                return read_message<Suspect>(body);
            case MessageType::alive:
                return read_message<Alive>(body);
            case MessageType::dead:
                return read_message<Dead>(body);
            case MessageType::user:
                decoded_.messages.emplace_back(User{std::string(body.begin(), body.end())});
                return;
            case MessageType::push_pull:
            case MessageType::encrypt:
            case MessageType::error:
                return refuse(Refusal::unexpected_message);
            case MessageType::compound:
            case MessageType::compress:
            case MessageType::has_crc:
            case MessageType::has_label:
                break;
        }
        refuse(Refusal::unknown_type);
    }

    const Sealing& sealing_;
    Decoded decoded_;
    std::size_t plain_left_;
    std::size_t parts_left_ = kPartsMax;
};

void write_body(PackWriter& out, const User& user) {
    out.raw(user.payload);
}

template <typename Structure>
void write_body(PackWriter& out, const Structure& message) {
    write_fields(out, message);
}

}  // namespace

Decoded decode_datagram(std::span<const std::uint8_t> datagram, const Sealing& sealing) {
    return Unpacking(sealing).datagram(datagram);
}

std::vector<std::uint8_t> encode(const Message& message) {
    PackWriter out;
    out.octet(octet_of(type_of(message)));
    std::visit([&](const auto& body) { write_body(out, body); }, message);
    return out.take();
}

std::vector<std::uint8_t> compound(std::span<const std::vector<std::uint8_t>> parts) {
    std::vector<std::uint8_t> whole(kCompoundHeadBytes + kCompoundPartBytes * parts.size());
    whole[0] = octet_of(MessageType::compound);
    whole[1] = static_cast<std::uint8_t>(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::size_t at = kCompoundHeadBytes + kCompoundPartBytes * i;
        whole[at] = static_cast<std::uint8_t>(parts[i].size() >> 8);
        whole[at + 1] = static_cast<std::uint8_t>(parts[i].size());
        whole.insert(whole.end(), parts[i].begin(), parts[i].end());
    }
    return whole;
}

std::vector<std::uint8_t> wrap_datagram(std::span<const std::uint8_t> plain,
                                        const Sealing& sealing,
                                        const seal::Nonce& nonce) {
    std::vector<std::uint8_t> datagram = label_head(sealing.label);
    if (sealing.sealed()) {
        const auto sealed = sealing.keyring->seal(plain, octets_of(sealing.label), nonce);
        datagram.insert(datagram.end(), sealed.begin(), sealed.end());
    } else {
        datagram.insert(datagram.end(), plain.begin(), plain.end());
    }
    return datagram;
}

std::size_t wrap_overhead(const Sealing& sealing) noexcept {
    const std::size_t label = sealing.label.empty() ? 0 : kLabelHeadBytes + sealing.label.size();
    return label + (sealing.sealed() ? seal::kSealBytes : 0);
}

}  // namespace posthaste::gossip::membership
