// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/seal/sealed_stream.h"

#include <algorithm>

namespace posthaste::gossip::seal {

namespace {

constexpr std::uint8_t kPlainMode = 0;
constexpr std::uint8_t kSealedMode = 1;
constexpr std::uint8_t kUnpadded = 1;  // version of what Keyring::seal() gives

void put_u32(std::uint32_t value, std::uint8_t* out) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        *out++ = static_cast<std::uint8_t>(value >> shift);
    }
}

std::uint32_t u32_at(std::span<const std::uint8_t> bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
           std::uint32_t{bytes[2]} << 8 | bytes[3];
}

void count_up(Nonce& nonce) {
    for (std::size_t i = nonce.size(); i-- > 0 && ++nonce[i] == 0;) {
    }
}

}  // namespace

SealedStream::SealedStream(const Keyring& keyring,
                           bool initiated,
                           const Challenge& challenge,
                           const Nonce& first_nonce)
    : keyring_(keyring),
      initiated_(initiated),
      sealed_(!keyring.empty()),
      ours_(challenge),
      nonce_(first_nonce) {}

std::array<std::uint8_t, kPreambleBytes> SealedStream::preamble() const {
    std::array<std::uint8_t, kPreambleBytes> out{};
    put_u32(kStreamMagic, out.data());
    out[4] = kStreamVersion;
    out[5] = sealed_ ? kSealedMode : kPlainMode;
    std::ranges::copy(ours_, out.begin() + 8);
    return out;
}

SealedStream::Associated SealedStream::associated(bool of_initiator, std::uint64_t record) const {
    Associated out{};
    out[0] = of_initiator ? 1 : 0;
    const Challenge& first = initiated_ ? ours_ : *theirs_;
    const Challenge& second = initiated_ ? *theirs_ : ours_;
    std::ranges::copy(first, out.begin() + 1);
    std::ranges::copy(second, out.begin() + 1 + kChallengeBytes);
    std::uint8_t* const number = out.data() + 1 + 2 * kChallengeBytes;
    put_u32(static_cast<std::uint32_t>(record >> 32), number);
    put_u32(static_cast<std::uint32_t>(record), number + 4);
    return out;
}

void SealedStream::seal(std::span<const std::uint8_t> plain, Bytes& wire) {
    if (!sealed_) {
        wire.insert(wire.end(), plain.begin(), plain.end());
        return;
    }
    while (!plain.empty()) {
        const auto piece = plain.first(std::min(plain.size(), kRecordPlain));
        plain = plain.subspan(piece.size());
        const Bytes sealed = keyring_.seal(piece, associated(initiated_, sent_), nonce_);
        ++sent_;
        count_up(nonce_);
        const std::size_t at = wire.size();
        wire.resize(at + 4);
        put_u32(static_cast<std::uint32_t>(sealed.size()), wire.data() + at);
        wire.insert(wire.end(), sealed.begin(), sealed.end());
    }
}

std::optional<StreamRefusal> SealedStream::read_preamble() {
    // As much as there is: who does not speak this is told at once.
    for (std::size_t i = 0; i < std::min<std::size_t>(held_.size(), 4); ++i) {
        if (held_[i] != static_cast<std::uint8_t>(kStreamMagic >> (24 - 8 * i))) {
            return StreamRefusal::not_a_router;
        }
    }
    if (held_.size() > 4 && held_[4] != kStreamVersion) {
        return StreamRefusal::other_version;
    }
    if (held_.size() < kPreambleBytes) {
        return std::nullopt;
    }
    if (held_[5] > kSealedMode || held_[6] != 0 || held_[7] != 0) {
        return StreamRefusal::malformed;
    }
    if ((held_[5] == kSealedMode) != sealed_) {
        return sealed_ ? StreamRefusal::plaintext : StreamRefusal::sealed;
    }
    Challenge theirs;
    std::copy_n(held_.begin() + 8, kChallengeBytes, theirs.begin());
    if (theirs == ours_) {
        return StreamRefusal::reflected;
    }
    theirs_ = theirs;
    held_.erase(held_.begin(), held_.begin() + kPreambleBytes);
    return std::nullopt;
}

tl::expected<std::optional<std::size_t>, StreamRefusal> SealedStream::record_at(
    std::size_t start) const {
    const std::span<const std::uint8_t> rest = std::span(held_).subspan(start);
    if (rest.size() < 4) {
        return std::optional<std::size_t>{};
    }
    const std::size_t length = u32_at(rest);
    if (length > kRecordBytesMax - 4) {
        return tl::unexpected(StreamRefusal::oversize);
    }
    if (length <= kSealBytes) {
        return tl::unexpected(StreamRefusal::malformed);
    }
    return rest.size() < 4 + length ? std::optional<std::size_t>{} : std::optional(length);
}

tl::expected<void, StreamRefusal> SealedStream::refuse(StreamRefusal why) {
    refused_ = why;
    held_ = {};
    return tl::unexpected(why);
}

tl::expected<void, StreamRefusal> SealedStream::open(std::span<const std::uint8_t> wire,
                                                     Bytes& plain) {
    if (refused_) {
        return tl::unexpected(*refused_);
    }
    held_.insert(held_.end(), wire.begin(), wire.end());
    if (!ready()) {
        if (const auto why = read_preamble()) {
            return refuse(*why);
        }
        if (!ready()) {
            return {};
        }
    }
    if (!sealed_) {
        plain.insert(plain.end(), held_.begin(), held_.end());
        held_.clear();
        return {};
    }
    std::size_t start = 0;
    for (;;) {
        const auto length = record_at(start);
        if (!length) {
            return refuse(length.error());
        }
        if (!*length) {
            break;
        }
        const auto record = std::span(held_).subspan(start + 4, **length);
        const auto opened = keyring_.open(record, associated(!initiated_, opened_));
        // The seal does not cover its version: one that is made 0 would take a record's end for
        // padding.
        if (!opened || record.front() != kUnpadded) {
            return refuse(opened_ == 0 ? StreamRefusal::wrong_key : StreamRefusal::bad_seal);
        }
        ++opened_;
        start += 4 + **length;
        plain.insert(plain.end(), opened->begin(), opened->end());
    }
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(start));
    return {};
}

}  // namespace posthaste::gossip::seal
