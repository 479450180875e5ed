// SPDX-License-Identifier: BSD-3-Clause
// parse: bytes become views; what is no sound frame for this port is dropped. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/world.h"

namespace posthaste::dataplane {

// Writes view of every lane. Control frames and neighbour frames leave as punted.
void parse(Burst& burst, const PortView& port) noexcept;

// Drops messages of a priority below `floor`; control frames have their own budget.
void shed(Burst& burst, std::uint8_t floor) noexcept;

}  // namespace posthaste::dataplane
