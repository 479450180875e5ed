// SPDX-License-Identifier: BSD-3-Clause
// Frames that another router sent here for somebody who is not here: its view is out of date, and
// the control thread is to tell it so.
//
// The stages mark them (Burst::misrouted); report_misrouted() passes on, by a ring, whom they were
// for and where they came from. What was reported lately is not reported again, all reports keep to
// a rate, and a full ring loses them: each is counted in LookupCounters, and whatever comes costs
// the control thread no more.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/spsc_ring.h"
#include "routing/address.h"
#include "routing/lookup_counters.h"
#include "routing/token_bucket.h"

namespace posthaste::dataplane {

struct alignas(4) Misrouted {
    routing::AgentId destination;  // an agent, or the key of a capability
    routing::IpAddress from;       // the router's, on the fabric

    friend bool operator==(const Misrouted&, const Misrouted&) = default;
};

// One lcore's.
class MisroutedReports {
  public:
    static constexpr std::size_t kRemembered = 256;  // a power of two; 10 KiB
    static constexpr std::uint32_t kRepeatMs = 1'000;
    static constexpr std::uint32_t kPerSecond = 1'000;

    // Whether this is to be reported now; counts why not.
    [[nodiscard]] bool take(const Misrouted& frame,
                            std::uint32_t now_ms,
                            routing::LookupCounters& counters) noexcept;

  private:
    struct Reported {
        Misrouted frame;  // of no family: none yet
        std::uint32_t at_ms = 0;
    };

    std::array<Reported, kRemembered> reported_{};  // by hash, the last one of each
    routing::TokenBucket rate_{kPerSecond};
};

// Of marked lanes, none of which has been rewritten or answered.
void report_misrouted(const Burst& burst,
                      MisroutedReports& reports,
                      SpscRing<Misrouted>& ring,
                      routing::LookupCounters& counters) noexcept;

extern template class SpscRing<Misrouted>;

}  // namespace posthaste::dataplane
