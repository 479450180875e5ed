// SPDX-License-Identifier: BSD-3-Clause
// The command line of posthaste-bench joins.
#pragma once

#include "tools/benchmark/joins_bench.h"

namespace CLI {
class App;
}

namespace posthaste::tools {

// Adds the command and returns it; `options` are set where it is given, and outlive the parsing.
const CLI::App* add_joins(CLI::App& app, JoinsOptions& options);

}  // namespace posthaste::tools
