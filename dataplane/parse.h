// SPDX-License-Identifier: BSD-3-Clause
// parse: bytes become views; what is no sound frame for this port is dropped. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/world.h"
#include "routing/plain_frame.h"

namespace posthaste::dataplane {

// Writes the views of these lanes. Control frames and neighbour frames leave as punted. `plain` is
// made of the port's rules.
void parse(Burst& burst,
           LaneMask lanes,
           const PortView& port,
           const routing::PlainRules& plain) noexcept;

// Drops those of these lanes that are messages of a priority below `floor`; control frames have
// their own budget.
void shed(Burst& burst, LaneMask lanes, std::uint8_t floor) noexcept;

}  // namespace posthaste::dataplane
