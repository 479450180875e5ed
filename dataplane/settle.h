// SPDX-License-Identifier: BSD-3-Clause
// settle: every lane is counted once, and what goes nowhere is freed. Lcore; the end of a burst.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/counters.h"

namespace posthaste::dataplane {

// Every received lane is in exactly one of live, finished, sent, punted and dropped, and answers
// are dropped lanes'. Holds between any two stages; after transmit the first two are empty.
[[nodiscard]] bool conserved(const Burst& burst) noexcept;

// Counts the burst.
void count(const Burst& burst, WorkerCounters& counters) noexcept;

// Frees dropped frames that became no answer, and surplus segments.
void release(Burst& burst) noexcept;

}  // namespace posthaste::dataplane
