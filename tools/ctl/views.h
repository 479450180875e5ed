// SPDX-License-Identifier: BSD-3-Clause
// Views: which columns of a command's answer a person sees first, and in which order.
//
// Only a matter of taste: what no view knows is shown with all its keys in the order they came.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::tools {

struct View {
    std::string_view command;                   // its words, joined by one space
    std::span<const std::string_view> columns;  // empty: all; --wide: all, these first
    std::span<const std::string_view> totals;   // columns that are summed up
};

// The view of the command these words begin with, or an empty one.
[[nodiscard]] View view_of(std::span<const std::string> words);

}  // namespace posthaste::tools
