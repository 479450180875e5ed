// SPDX-License-Identifier: BSD-3-Clause
// StageTimer: where the cycles of one burst go. Reads the TSC only if the burst is sampled.
#pragma once

#include <rte_cycles.h>

#include <array>
#include <cstdint>

#include "dataplane/counters.h"

namespace posthaste::dataplane {

class StageTimer {
  public:
    using Cells = std::array<StageCounters, kStageCount>;

    StageTimer(Cells& cells, bool sampled) noexcept
        : cells_(cells), last_tsc_(sampled ? rte_rdtsc() : 0) {}

    // Stage `ended` took the time since the last lap.
    void lap(Stage ended, unsigned frames) noexcept {
        if (last_tsc_ == 0) [[likely]] {
            return;
        }
        const std::uint64_t tsc = rte_rdtsc();
        StageCounters& cell = cells_[static_cast<std::size_t>(ended)];
        cell.calls.add(1);
        cell.frames.add(frames);
        cell.cycles.add(tsc - last_tsc_);
        last_tsc_ = tsc;
    }

  private:
    Cells& cells_;
    std::uint64_t last_tsc_;  // 0: not sampled
};

}  // namespace posthaste::dataplane
