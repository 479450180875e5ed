// SPDX-License-Identifier: BSD-3-Clause
// Builds the World the lcores see from the configuration, the ports and the neighbours of a Box.
// Control thread only.
#pragma once

#include <memory>

#include "controlplane/box.h"
#include "dataplane/world.h"

namespace posthaste::controlplane {

// One port as the lcores see it. `up`: they may poll it and send on it.
[[nodiscard]] dataplane::PortView view_of(const PortConfig& config,
                                          const dataplane::Port& port,
                                          const DataplaneConfig& dataplane,
                                          bool up);

[[nodiscard]] std::unique_ptr<const dataplane::World> build_world(const Box& box);

}  // namespace posthaste::controlplane
