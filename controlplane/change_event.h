// SPDX-License-Identifier: BSD-3-Clause
// What a change of the Fib is to an operator who watches: an agent that came, moved, changed or
// went. Pure.
#pragma once

#include <optional>

#include "controlplane/config.h"
#include "controlplane/event_log.h"
#include "routing/fib.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

// `before`: what the Fib has for the agent; null: nothing. None: not about an agent.
[[nodiscard]] std::optional<NotedEvent> event_of(const routing::FibEntry* before,
                                                 const routing::FibChange& change,
                                                 const Config& config,
                                                 std::uint64_t wall_ms);

}  // namespace posthaste::controlplane
