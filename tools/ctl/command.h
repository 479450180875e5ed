// SPDX-License-Identifier: BSD-3-Clause
// run_command: one command from words to printed answer and exit code.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tools/ctl/router_client.h"
#include "tools/ctl/settings.h"

namespace posthaste::tools {

// What is to be printed, and the exit code that goes with it.
struct Result {
    int exit_code = kExitOk;
    std::string out;
    std::string err;
};

// Files the words name are read here. Pages are fetched until the --limit of the words (or the
// router's default) is reached.
[[nodiscard]] Result run_command(RouterClient& router,
                                 const std::vector<std::string>& typed,
                                 const Settings& settings);

// An error of our own, in the form the settings ask for.
[[nodiscard]] Result failure(const Settings& settings,
                             int exit_code,
                             std::string_view code,
                             const std::string& message);

}  // namespace posthaste::tools
