// SPDX-License-Identifier: BSD-3-Clause
#include "routing/text.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace posthaste::routing {

namespace {

// The lowest code point that needs a sequence of so many bytes.
constexpr std::uint32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};

bool is_allowed(std::uint32_t point, std::size_t length) noexcept {
    const bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    const bool surrogate = point >= 0xd800 && point < 0xe000;
    return !control && !surrogate && point >= kLowest[length] && point <= 0x10ffff;
}

}  // namespace

bool is_printable_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<std::uint8_t>(text[at]);
        const int ones = std::countl_one(lead);
        if (ones == 1 || ones > 4) {
            return false;
        }
        const std::size_t length = ones == 0 ? 1 : static_cast<std::size_t>(ones);
        if (text.size() - at < length) {
            return false;
        }
        std::uint32_t point = ones == 0 ? lead : lead & (0x7fU >> ones);
        for (std::size_t next = 1; next < length; ++next) {
            const auto byte = static_cast<std::uint8_t>(text[at + next]);
            if ((byte & 0xc0) != 0x80) {
                return false;
            }
            point = (point << 6) | (byte & 0x3fU);
        }
        if (!is_allowed(point, length)) {
            return false;
        }
        at += length;
    }
    return true;
}

}  // namespace posthaste::routing
