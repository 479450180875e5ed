// SPDX-License-Identifier: BSD-3-Clause
// Which routes frames take, by samples: of one frame in kUseSampling to an agent, or to any with a
// capability, the agent it goes to goes up a ring to the control thread, which keeps recency and
// frequency (routing/access_log.h). So the hot path writes nothing that is shared, and nothing at
// all for the others.
#pragma once

#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/punt.h"

namespace posthaste::dataplane {

inline constexpr std::uint32_t kUseSampling = 1024;

struct alignas(16) RouteUse {
    std::uint32_t cell = 0;  // of the Fib entry; stays with the agent while it is there
    std::uint32_t at_ms = 0;
    std::uint32_t version = 0;  // of the route when it was used
};

static_assert(sizeof(RouteUse) == 16);

// One lcore's. Gaps are random around kUseSampling, so that no rhythm of the traffic hides from it.
class RouteSampler {
  public:
    // After capability(), which has chosen whom frames to any go to; those to all are left out. A
    // full ring loses the sample.
    void sample(const Burst& burst, SpscRing<RouteUse>& uses) noexcept;

  private:
    std::uint32_t left_ = kUseSampling;  // lanes until the next sample
    std::uint32_t random_ = 1;
};

extern template class SpscRing<RouteUse>;
extern template class SpscRing<routing::AgentId>;

}  // namespace posthaste::dataplane
