// SPDX-License-Identifier: BSD-3-Clause
// The command line of posthaste-bench forward.
#pragma once

#include "tools/benchmark/forward.h"

namespace CLI {
class App;
}

namespace posthaste::tools {

// Adds the command; `options` are set where it is given, and outlive the parsing.
void add_forward(CLI::App& app, ForwardOptions& options);

}  // namespace posthaste::tools
