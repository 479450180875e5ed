// SPDX-License-Identifier: BSD-3-Clause
// The command line of posthaste-bench policy.
#pragma once

#include "tools/benchmark/policy_bench.h"

namespace CLI {
class App;
}

namespace posthaste::tools {

// Adds the command and returns it; `options` are set where it is given, and outlive the parsing.
const CLI::App* add_policies(CLI::App& app, PolicyBenchOptions& options);

}  // namespace posthaste::tools
