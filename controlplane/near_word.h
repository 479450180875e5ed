// SPDX-License-Identifier: BSD-3-Clause
// near_word: what somebody may have meant by a word that does not exist.
#pragma once

#include <span>
#include <string_view>

namespace posthaste::controlplane {

// The first of the known words with the fewest edits (insert, delete, replace, swap of
// neighbours) from `word`, if that is at most a third of its length; else empty. Words longer
// than 64 bytes are near to nothing.
[[nodiscard]] std::string_view near_word(std::string_view word,
                                         std::span<const std::string_view> known);

}  // namespace posthaste::controlplane
