// SPDX-License-Identifier: BSD-3-Clause
// run_batch: commands from a pipe or file, one per line; # begins a comment.
#pragma once

#include <istream>

#include "tools/ctl/router_client.h"
#include "tools/ctl/settings.h"

namespace posthaste::tools {

// Stops at the first error and gives its exit code. With keep_going only a router that is gone
// stops it, and the code is that of the first error.
[[nodiscard]] int run_batch(RouterClient& router, const Settings& settings, std::istream& lines);

}  // namespace posthaste::tools
