// SPDX-License-Identifier: BSD-3-Clause
// The command line of posthaste-bench pattern.
#pragma once

#include "tools/benchmark/pattern_bench.h"

namespace CLI {
class App;
}

namespace posthaste::tools {

// Adds the command and returns it; `options` are set where it is given, and outlive the parsing.
const CLI::App* add_patterns(CLI::App& app, PatternBenchOptions& options);

}  // namespace posthaste::tools
