// SPDX-License-Identifier: BSD-3-Clause
// What a stranger's text must be before it is stored, logged or shown on a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace posthaste::routing {

// Well-formed UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF) without control
// characters (U+0000 to U+001F, U+007F to U+009F). Empty text is.
[[nodiscard]] bool is_printable_utf8(std::string_view text) noexcept;

// How many bytes from the start are well-formed UTF-8 (control characters, too), cut only between
// characters.
[[nodiscard]] std::size_t utf8_prefix(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace posthaste::routing
