// SPDX-License-Identifier: BSD-3-Clause
// Messages to agents whose route leads to another router but is past its time, or whose router is
// out: as good as unknown, so the other routers are asked, as for those nobody knows.
//
// resolve() marks them (Burst::stale); ask_for_stale() passes on whom they were for, by the ring of
// wanted ids. A route stays stale for long, with all its traffic: it is not asked for again before
// kRepeatMs, so that it leaves the ring to others. The control thread asks once for each agent and
// at its rate, as for all that lcores want.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/spsc_ring.h"
#include "routing/lookup_counters.h"

namespace posthaste::dataplane {

// One lcore's.
class StaleRoutes {
  public:
    static constexpr std::size_t kRemembered = 256;  // a power of two; 4 KiB
    static constexpr std::uint32_t kRepeatMs = 1'000;

    // Whether this route is to be asked for.
    [[nodiscard]] bool take(const routing::FibEntry& route, std::uint32_t now_ms) noexcept;

  private:
    struct Asked {
        std::uint32_t cell = 0;
        std::uint32_t version = 0;
        std::uint32_t at_ms = 0;
        bool used = false;
    };

    std::array<Asked, kRemembered> asked_{};  // by cell, the last one of each
};

// Of marked lanes: their targets, until the quiescent state.
void ask_for_stale(const Burst& burst,
                   StaleRoutes& routes,
                   SpscRing<routing::AgentId>& wanted,
                   routing::LookupCounters& counters) noexcept;

}  // namespace posthaste::dataplane
