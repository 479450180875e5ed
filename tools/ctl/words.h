// SPDX-License-Identifier: BSD-3-Clause
// split_words: a line as a person types it, as words.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::tools {

// Blanks separate; '...' keeps everything, "..." everything but \" and \\, \c is c; a # that
// begins a word begins a comment. The error is one sentence: a quote that does not end.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> split_words(
    std::string_view line);

}  // namespace posthaste::tools
