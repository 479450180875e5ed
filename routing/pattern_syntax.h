// SPDX-License-Identifier: BSD-3-Clause
// What pattern.cpp and pattern_regex.cpp share. Not for others.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "routing/name_bytes.h"
#include "routing/pattern.h"

namespace posthaste::routing {

inline constexpr std::string_view kTooBroad =
    "it demands no particular byte, so it would attract names of any kind";

[[nodiscard]] std::string not_in_names(char byte);
// One byte of the set, which is not empty, as a regular expression.
[[nodiscard]] std::string expression_of(NameBytes bytes);
// `text` has a length that patterns may have.
[[nodiscard]] tl::expected<ReadPattern, std::string> read_regex(std::string_view text);

}  // namespace posthaste::routing
