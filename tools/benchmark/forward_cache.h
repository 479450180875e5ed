// SPDX-License-Identifier: BSD-3-Clause
// What the forwarding benchmark says of a route cache.
#pragma once

#include "tools/benchmark/forward.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/rig.h"

namespace posthaste::tools {

// The report has the rows "router" and "router_by_hash", and those of the rig's workers that have
// a cache, "cached" and "cached_by_hash".
void add_cache(Report& report, const ForwardOptions& options, const Rig& rig);

}  // namespace posthaste::tools
