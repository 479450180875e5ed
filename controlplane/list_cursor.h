// SPDX-License-Identifier: BSD-3-Clause
// The cursor of lists whose rows have positions: the position to go on from, as text.
#pragma once

#include <charconv>
#include <cstddef>
#include <string>

#include "controlplane/operations.h"

namespace posthaste::controlplane {

// Where an earlier answer of such a list stopped; 0 for the first page.
[[nodiscard]] inline tl::expected<std::size_t, OperationError> read_position(
    const std::string& after) {
    std::size_t position = 0;
    const char* const end = after.data() + after.size();
    if (!after.empty()) {
        const auto read = std::from_chars(after.data(), end, position);
        if (read.ec != std::errc{} || read.ptr != end) {
            return refuse(code::stale_cursor, "the cursor is none of this list");
        }
    }
    return position;
}

// The `next` of an answer that stopped at `position` of a list that ends at `end`.
[[nodiscard]] inline Json next_of(std::size_t position, std::size_t end) {
    return position < end ? Json(std::to_string(position)) : Json(nullptr);
}

}  // namespace posthaste::controlplane
