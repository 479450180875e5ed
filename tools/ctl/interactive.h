// SPDX-License-Identifier: BSD-3-Clause
// run_interactive: commands from a terminal, with history and completion (libedit).
#pragma once

#include "tools/ctl/router_client.h"
#include "tools/ctl/settings.h"

namespace posthaste::tools {

// Until quit, exit or Ctrl-D: kExitOk. kExitUnreachable if there is no router to begin with.
[[nodiscard]] int run_interactive(RouterClient& router, const Settings& settings);

}  // namespace posthaste::tools
