// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/msgpack.h"

#include <bit>

namespace posthaste::gossip::membership {

namespace {

constexpr std::uint8_t kNil = 0xc0;
constexpr std::uint8_t kNever = 0xc1;
constexpr std::uint8_t kFalse = 0xc2;
constexpr std::uint8_t kTrue = 0xc3;
constexpr std::uint8_t kReal64 = 0xcb;
constexpr std::uint8_t kUnsigned8 = 0xcc;
constexpr std::uint8_t kSigned8 = 0xd0;
constexpr std::uint8_t kSigned64 = 0xd3;

// Octets behind the head of a value of fixed length; none for all others.
std::optional<std::size_t> fixed_length(std::uint8_t head) {
    if (head < 0x80 || head >= 0xe0 || (head >= kNil && head <= kTrue && head != kNever)) {
        return 0;
    }
    if (head >= kUnsigned8 && head <= kSigned64) {
        return std::size_t{1} << (head & 3U);
    }
    if (head == 0xca || head == kReal64) {
        return head == kReal64 ? 8 : 4;
    }
    if (head >= 0xd4 && head <= 0xd8) {  // extensions: their type, and 1 .. 16 octets
        return 1 + (std::size_t{1} << (head - 0xd4));
    }
    return std::nullopt;
}

}  // namespace

void PackReader::fail(Refusal why) noexcept {
    if (good()) {
        refusal_ = why;
        unread_ = bytes_.size();
        bytes_ = {};
    }
}

std::span<const std::uint8_t> PackReader::raw(std::uint64_t length) noexcept {
    if (length > bytes_.size()) {
        fail(Refusal::truncated);
        return {};
    }
    const auto taken = bytes_.first(length);
    bytes_ = bytes_.subspan(length);
    return taken;
}

std::uint64_t PackReader::big_endian(std::size_t octets) noexcept {
    std::uint64_t value = 0;
    for (const std::uint8_t octet : raw(octets)) {
        value = value << 8 | octet;
    }
    return value;
}

// A nil where the input has ended: every caller takes it for nothing.
std::uint8_t PackReader::octet() noexcept {
    const auto head = raw(1);
    return head.empty() ? kNil : head[0];
}

std::optional<std::uint64_t> PackReader::text_length(std::uint8_t head) noexcept {
    if (head >= 0xa0 && head <= 0xbf) {
        return head & 0x1fU;
    }
    switch (head) {
        case 0xd9:
        case 0xc4:
            return big_endian(1);
        case 0xda:
        case 0xc5:
            return big_endian(2);
        case 0xdb:
        case 0xc6:
            return big_endian(4);
        default:
            return std::nullopt;
    }
}

// Of an array or a map.
std::optional<std::uint64_t> PackReader::items_within(std::uint8_t head) noexcept {
    if (head >= 0x80 && head <= 0x8f) {
        return 2 * (head & 0xfU);
    }
    if (head >= 0x90 && head <= 0x9f) {
        return head & 0xfU;
    }
    switch (head) {
        case 0xdc:
            return big_endian(2);
        case 0xdd:
            return big_endian(4);
        case 0xde:
            return 2 * big_endian(2);
        case 0xdf:
            return 2 * big_endian(4);
        default:
            return std::nullopt;
    }
}

std::uint32_t PackReader::map() noexcept {
    const std::uint8_t head = octet();
    const bool is_map = (head >= 0x80 && head <= 0x8f) || head == 0xde || head == 0xdf;
    if (!is_map) {
        if (head != kNil) {
            fail(Refusal::malformed);
        }
        return 0;
    }
    return static_cast<std::uint32_t>(items_within(head).value_or(0) / 2);
}

std::uint32_t PackReader::array() noexcept {
    const std::uint8_t head = octet();
    const bool is_array = (head >= 0x90 && head <= 0x9f) || head == 0xdc || head == 0xdd;
    if (!is_array) {
        if (head != kNil) {
            fail(Refusal::malformed);
        }
        return 0;
    }
    return static_cast<std::uint32_t>(items_within(head).value_or(0));
}

std::string_view PackReader::text() noexcept {
    const std::uint8_t head = octet();
    if (head == kNil) {
        return {};
    }
    const auto length = text_length(head);
    if (!length.has_value()) {
        fail(Refusal::malformed);
        return {};
    }
    if (*length > text_max_) {
        fail(Refusal::oversize);
        return {};
    }
    const auto taken = raw(*length);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

std::uint64_t PackReader::number() noexcept {
    const std::uint8_t head = octet();
    if (head < 0x80) {
        return head;
    }
    if (head == kNil) {
        return 0;
    }
    if (head < kUnsigned8 || head > kSigned64) {
        fail(Refusal::malformed);
        return 0;
    }
    const std::size_t octets = std::size_t{1} << (head & 3U);
    const std::uint64_t value = big_endian(octets);
    if (head >= kSigned8 && (value >> (8 * octets - 1) & 1U) != 0) {
        fail(Refusal::malformed);
        return 0;
    }
    return value;
}

bool PackReader::flag() noexcept {
    const std::uint8_t head = octet();
    if (head != kTrue && head != kFalse && head != kNil) {
        fail(Refusal::malformed);
    }
    return head == kTrue;
}

bool PackReader::nil() noexcept {
    if (bytes_.empty() || bytes_[0] != kNil) {
        return false;
    }
    bytes_ = bytes_.subspan(1);
    return true;
}

void PackReader::skip() noexcept {
    // Every value takes an octet at least: the loop ends with the input.
    for (std::uint64_t values = 1; values > 0 && good(); --values) {
        const std::uint8_t head = octet();
        if (const auto fixed = fixed_length(head)) {
            static_cast<void>(raw(*fixed));
        } else if (const auto length = text_length(head)) {
            static_cast<void>(raw(*length));
        } else if (const auto within = items_within(head)) {
            values += *within;
        } else if (head >= 0xc7 && head <= 0xc9) {  // extensions with a length, and their type
            static_cast<void>(raw(1 + big_endian(std::size_t{1} << (head - 0xc7))));
        } else {
            fail(Refusal::malformed);
        }
    }
}

void PackWriter::big_endian(std::uint64_t value, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
        octet(static_cast<std::uint8_t>(value >> shift));
    }
}

void PackWriter::head(std::uint32_t count,
                      std::uint8_t base,
                      std::uint32_t small,
                      std::uint8_t wide) {
    if (count < small) {
        octet(static_cast<std::uint8_t>(base | count));
    } else if (count <= 0xffff) {
        octet(wide);
        big_endian(count, 2);
    } else {
        octet(static_cast<std::uint8_t>(wide + 1));
        big_endian(count, 4);
    }
}

void PackWriter::raw(std::string_view raw) {
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
}

void PackWriter::text(std::string_view text) {
    head(static_cast<std::uint32_t>(text.size()), 0xa0, 32, 0xda);
    raw(text);
}

void PackWriter::number(std::uint64_t number) {
    if (number < 0x80) {
        octet(static_cast<std::uint8_t>(number));
        return;
    }
    const int width = number <= 0xff ? 0 : number <= 0xffff ? 1 : number <= 0xffff'ffff ? 2 : 3;
    octet(static_cast<std::uint8_t>(kUnsigned8 + width));
    big_endian(number, 1 << width);
}

void PackWriter::real(double number) {
    octet(kReal64);
    big_endian(std::bit_cast<std::uint64_t>(number), 8);
}

}  // namespace posthaste::gossip::membership
