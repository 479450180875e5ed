// SPDX-License-Identifier: BSD-3-Clause
// rewrite: outer headers for the next hop, in place, and the change to the message header. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/world.h"

namespace posthaste::dataplane {

// Live lanes become finished, or are dropped unchanged. Needs resolve(), and mbufs nobody shares.
void rewrite(Burst& burst, const World& world) noexcept;

}  // namespace posthaste::dataplane
