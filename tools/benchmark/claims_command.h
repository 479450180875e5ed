// SPDX-License-Identifier: BSD-3-Clause
// The command line of posthaste-bench claims.
#pragma once

#include "tools/benchmark/claims_bench.h"

namespace CLI {
class App;
}

namespace posthaste::tools {

// Adds the command and returns it; `options` are set where it is given, and outlive the parsing.
const CLI::App* add_claims(CLI::App& app, ClaimsBenchOptions& options);

}  // namespace posthaste::tools
