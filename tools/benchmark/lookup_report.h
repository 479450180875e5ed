// SPDX-License-Identifier: BSD-3-Clause
// The figures of the lookup benchmark as people and as programs read them. Pure.
#pragma once

#include <string>

#include "tools/benchmark/lookup_run.h"
#include "tools/benchmark/machine.h"

namespace posthaste::tools {

// A line per contender and case: median nanoseconds per lookup, and how many times the subject's
// that is, as the median of the rounds' quotients.
[[nodiscard]] std::string lookup_table(const LookupOptions& options,
                                       const Kinds& kinds,
                                       const LookupFigures& figures,
                                       const Machine& machine);

// The same and all else that was measured, as one JSON object on a line.
[[nodiscard]] std::string lookup_json(const LookupOptions& options,
                                      const Kinds& kinds,
                                      const LookupFigures& figures,
                                      const Machine& machine);

}  // namespace posthaste::tools
