// SPDX-License-Identifier: BSD-3-Clause
// The file that keeps the most used agents from one run to the next: RUN_DIR/NAME.warm.
//
// Text: "posthaste warm 1", a UUID a line, most used first, "end COUNT". Written to a new file that
// then takes the place of the old one, so that a reader finds a whole one. At most kWarmMax agents.
#pragma once

#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::controlplane {

inline constexpr std::size_t kWarmMax = 8'192;

// The error is one sentence; there is no list then. No file is an empty list.
[[nodiscard]] tl::expected<std::vector<routing::AgentId>, std::string> read_warm_list(
    const std::string& path);

// Only the first kWarmMax of the agents. The error is one sentence; the old file stays then.
[[nodiscard]] tl::expected<void, std::string> write_warm_list(
    const std::string& path, std::span<const routing::AgentId> agents);

// The same over the text of the file. Total over any bytes.
[[nodiscard]] tl::expected<std::vector<routing::AgentId>, std::string> parse_warm_list(
    std::string_view text);

}  // namespace posthaste::controlplane
