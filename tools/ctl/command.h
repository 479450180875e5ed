// SPDX-License-Identifier: BSD-3-Clause
// run_command: one command from words to printed answer and exit code.
#pragma once

#include <functional>
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

// Prints a part of the answer at once.
using Print = std::function<void(const std::string&)>;

// Files the words name are read here. Pages are fetched until the --limit of the words (or the
// router's default) is reached. Answers that go on are given to `print` as they come; without one
// they must have an end.
[[nodiscard]] Result run_command(RouterClient& router,
                                 const std::vector<std::string>& typed,
                                 const Settings& settings,
                                 const Print& print = nullptr);

// An error of our own, in the form the settings ask for.
[[nodiscard]] Result failure(const Settings& settings,
                             int exit_code,
                             std::string_view code,
                             const std::string& message);

}  // namespace posthaste::tools
