// SPDX-License-Identifier: BSD-3-Clause
#include "routing/text.h"

#include <bit>
#include <cstring>

namespace posthaste::routing {

namespace {

// The lowest code point that needs a sequence of so many bytes.
constexpr std::uint32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};

struct Character {
    std::size_t bytes = 0;  // 0: not well-formed
    std::uint32_t point = 0;
};

// The first character of what is not empty.
Character first_character(std::span<const std::uint8_t> bytes) noexcept {
    const std::uint8_t lead = bytes[0];
    const int ones = std::countl_one(lead);
    if (ones == 1 || ones > 4) {
        return {};
    }
    const std::size_t length = ones == 0 ? 1 : static_cast<std::size_t>(ones);
    if (bytes.size() < length) {
        return {};
    }
    std::uint32_t point = ones == 0 ? lead : lead & (0x7fU >> ones);
    for (std::size_t next = 1; next < length; ++next) {
        if ((bytes[next] & 0xc0) != 0x80) {
            return {};
        }
        point = (point << 6) | (bytes[next] & 0x3fU);
    }
    const bool surrogate = point >= 0xd800 && point < 0xe000;
    if (surrogate || point < kLowest[length] || point > 0x10ffff) {
        return {};
    }
    return {length, point};
}

bool is_control(std::uint32_t point) noexcept {
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

}  // namespace

bool is_printable_utf8(std::string_view text) noexcept {
    std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    while (!bytes.empty()) {
        const Character character = first_character(bytes);
        if (character.bytes == 0 || is_control(character.point)) {
            return false;
        }
        bytes = bytes.subspan(character.bytes);
    }
    return true;
}

std::size_t utf8_prefix(std::span<const std::uint8_t> bytes) noexcept {
    std::size_t at = 0;
    while (at < bytes.size()) {
        std::uint64_t word = 0;
        if (bytes.size() - at >= sizeof word) {
            std::memcpy(&word, bytes.data() + at, sizeof word);
            if ((word & 0x8080'8080'8080'8080) == 0) {
                at += sizeof word;
                continue;
            }
        }
        const Character character = first_character(bytes.subspan(at));
        if (character.bytes == 0) {
            return at;
        }
        at += character.bytes;
    }
    return at;
}

}  // namespace posthaste::routing
