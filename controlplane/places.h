// SPDX-License-Identifier: BSD-3-Clause
// Places in the table of agents and routes, of which there are [agents] agents_max: an agent that
// is here and has a route as well takes one.
#pragma once

#include <cstddef>

#include "controlplane/config.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

// How many there would be after a reload: for what the next file names, and for what others put
// there. Claims of other routers make room. Walks the whole table; control thread only.
[[nodiscard]] std::size_t places_after(const routing::Rib& rib, const Config& next);

}  // namespace posthaste::controlplane
