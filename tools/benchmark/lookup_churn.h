// SPDX-License-Identifier: BSD-3-Clause
// Lookups while another thread changes routes at a given rate: what they cost more, and how long
// a change takes to be seen.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "tools/benchmark/lookup_run.h"

namespace posthaste::tools {

// One agent in kChangingStride is added, removed and moved, at random, by a thread on
// `options.writer_core`. After that the table is compared with what it must be.
[[nodiscard]] tl::expected<ChurnRow, std::string> measure_churn(const LookupOptions& options,
                                                                const Case& what,
                                                                const ContenderKind& kind);

}  // namespace posthaste::tools
