// SPDX-License-Identifier: BSD-3-Clause
// source_check: on edge ports, a frame speaks only for an agent registered there. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/world.h"

namespace posthaste::dataplane {

// Messages as the ingress port's rule says; heartbeats strictly, whatever it says. Needs lookup().
void source_check(Burst& burst, const World& world) noexcept;

}  // namespace posthaste::dataplane
