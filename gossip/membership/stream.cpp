// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/stream.h"

#include <algorithm>
#include <array>

#include "gossip/membership/lzw.h"
#include "gossip/membership/message_fields.h"

namespace posthaste::gossip::membership {

namespace {

constexpr std::size_t kFrameHeadBytes = 5;

// What the seal of a frame vouches for beside it: the frame's head and the label.
std::vector<std::uint8_t> associated_of(std::span<const std::uint8_t> head,
                                        std::string_view label) {
    std::vector<std::uint8_t> associated(head.size() + label.size());
    std::ranges::copy(octets_of(label), std::ranges::copy(head, associated.begin()).out);
    return associated;
}

const char* text_end(std::span<const std::uint8_t> bytes) {
    return reinterpret_cast<const char*>(bytes.data() + bytes.size());
}

}  // namespace

StreamReader::StreamReader(const Sealing& sealing, const StreamLimits& limits, StreamPart part)
    : sealing_(sealing),
      stage_(part == StreamPart::request ? Stage::label : Stage::front),
      body_(limits) {}

void StreamReader::add(std::span<const std::uint8_t> bytes) {
    if (stage_ == Stage::open) {
        body_.add(bytes);
    } else if (stage_ != Stage::refused) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
}

tl::expected<std::optional<StreamMessage>, Refusal> StreamReader::next() {
    const auto refuse = [this](Refusal why) {
        stage_ = Stage::refused;
        refusal_ = why;
        bytes_ = {};
        return tl::unexpected(why);
    };
    while (stage_ == Stage::label || stage_ == Stage::front) {
        const Progress progress = stage_ == Stage::label ? take_label() : take_front();
        if (!progress.has_value()) {
            return refuse(progress.error());
        }
        if (!*progress) {
            return std::optional<StreamMessage>();
        }
    }
    if (stage_ == Stage::refused) {
        return tl::unexpected(refusal_);
    }
    if (stage_ == Stage::done) {
        if (!bytes_.empty()) {
            return refuse(Refusal::trailing_bytes);
        }
        return std::optional<StreamMessage>();
    }
    auto message = body_.next();
    if (!message.has_value()) {
        return refuse(message.error());
    }
    if (message->has_value()) {
        if (body_.held() > 0 || !bytes_.empty()) {
            return refuse(Refusal::trailing_bytes);
        }
        stage_ = Stage::done;
    } else if (whole_) {
        return refuse(Refusal::truncated);
    }
    return message;
}

StreamReader::Progress StreamReader::take_label() {
    if (bytes_.empty()) {
        return false;
    }
    if (bytes_[0] != octet_of(MessageType::has_label)) {
        if (!sealing_.label.empty()) {
            return tl::unexpected(Refusal::bad_label);
        }
        stage_ = Stage::front;
        return true;
    }
    if (bytes_.size() < kLabelHeadBytes) {
        return false;
    }
    if (bytes_[1] != sealing_.label.size() || bytes_[1] == 0) {
        return tl::unexpected(Refusal::bad_label);
    }
    const std::size_t length = kLabelHeadBytes + bytes_[1];
    if (bytes_.size() < length) {
        return false;
    }
    const auto label = std::span(bytes_).subspan(kLabelHeadBytes, bytes_[1]);
    if (!std::ranges::equal(label, octets_of(sealing_.label))) {
        return tl::unexpected(Refusal::bad_label);
    }
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(length));
    stage_ = Stage::front;
    return true;
}

StreamReader::Progress StreamReader::take_front() {
    if (bytes_.empty()) {
        return false;
    }
    if (bytes_[0] == octet_of(MessageType::encrypt)) {
        return open_frame();
    }
    if (sealing_.sealed() && sealing_.refuse_plaintext) {
        return tl::unexpected(Refusal::plaintext);
    }
    if (bytes_[0] == octet_of(MessageType::compress)) {
        const Progress expanded = expand(std::span(bytes_).subspan(1), false);
        if (expanded.has_value() && *expanded) {
            bytes_.clear();
        }
        return expanded;
    }
    body_.add(bytes_);
    bytes_.clear();
    stage_ = Stage::open;
    return true;
}

StreamReader::Progress StreamReader::open_frame() {
    if (!sealing_.sealed()) {
        return tl::unexpected(Refusal::bad_seal);
    }
    if (bytes_.size() < kFrameHeadBytes) {
        return false;
    }
    const std::size_t length = std::size_t{bytes_[1]} << 24 | std::size_t{bytes_[2]} << 16 |
                               std::size_t{bytes_[3]} << 8 | bytes_[4];
    if (length > kStreamFrameMax) {
        return tl::unexpected(Refusal::oversize);
    }
    if (bytes_.size() < kFrameHeadBytes + length) {
        return false;
    }
    const auto frame = std::span(bytes_).subspan(kFrameHeadBytes, length);
    const auto associated = associated_of(std::span(bytes_).first(kFrameHeadBytes), sealing_.label);
    const auto plain = sealing_.keyring->open(frame, associated);
    if (!plain.has_value()) {
        // In a frame there is no plaintext, whatever its version says.
        const Refusal why = refusal_of(plain.error());
        return tl::unexpected(why == Refusal::plaintext ? Refusal::bad_seal : why);
    }
    bytes_.erase(bytes_.begin(),
                 bytes_.begin() + static_cast<std::ptrdiff_t>(kFrameHeadBytes + length));
    return take_plain(*plain);
}

StreamReader::Progress StreamReader::take_plain(std::span<const std::uint8_t> plain) {
    if (!plain.empty() && plain[0] == octet_of(MessageType::compress)) {
        return expand(plain.subspan(1), true);
    }
    whole_ = true;
    body_.add(plain);
    stage_ = Stage::open;
    return true;
}

StreamReader::Progress StreamReader::expand(std::span<const std::uint8_t> packed, bool whole) {
    Compressed head;
    PackReader in(packed, kStreamFrameMax);
    read_fields(in, head);
    if (in.refusal() == Refusal::truncated && !whole) {
        // What is compressed may be long, and was measured; all before it may not: it is read anew
        // with every byte that comes.
        return packed.size() - in.unread() <= kStreamPieceMax
                   ? Progress(false)
                   : Progress(tl::unexpected(Refusal::oversize));
    }
    if (!in.good()) {
        return tl::unexpected(*in.refusal());
    }
    if (!in.rest().empty()) {
        return tl::unexpected(Refusal::trailing_bytes);
    }
    // However it comes in, it is taken or not: see above.
    if (packed.size() - head.packed.size() > kStreamPieceMax ||
        head.packed.data() + head.packed.size() != text_end(packed)) {
        return tl::unexpected(Refusal::malformed);
    }
    if (head.algorithm != 0) {
        return tl::unexpected(Refusal::bad_compression);
    }
    const auto plain = decompress(octets_of(head.packed), sealing_.decompressed_max);
    if (!plain.has_value()) {
        return tl::unexpected(plain.error());
    }
    whole_ = true;
    body_.add(*plain);
    stage_ = Stage::open;
    return true;
}

std::vector<std::uint8_t> encode_stream(const StreamMessage& message,
                                        const Sealing& sealing,
                                        const seal::Nonce& nonce,
                                        StreamPart part) {
    std::vector<std::uint8_t> bytes;
    if (part == StreamPart::request) {
        bytes = label_head(sealing.label);
    }
    const std::vector<std::uint8_t> plain = encode_body(message);
    if (!sealing.sealed()) {
        bytes.insert(bytes.end(), plain.begin(), plain.end());
        return bytes;
    }
    const std::size_t length = plain.size() + seal::kSealBytes;
    const std::array<std::uint8_t, kFrameHeadBytes> head = {
        octet_of(MessageType::encrypt),
        static_cast<std::uint8_t>(length >> 24),
        static_cast<std::uint8_t>(length >> 16),
        static_cast<std::uint8_t>(length >> 8),
        static_cast<std::uint8_t>(length),
    };
    const auto sealed = sealing.keyring->seal(plain, associated_of(head, sealing.label), nonce);
    bytes.insert(bytes.end(), head.begin(), head.end());
    bytes.insert(bytes.end(), sealed.begin(), sealed.end());
    return bytes;
}

}  // namespace posthaste::gossip::membership
