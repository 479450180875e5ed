// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench forward --latency and --search: the router between rings, frames paced.
#pragma once

#include "tools/benchmark/forward.h"
#include "tools/benchmark/report.h"

namespace posthaste::tools {

// Quantiles of latency at a steady rate. Starts EAL.
[[nodiscard]] tl::expected<Report, std::string> run_latency(const ForwardOptions& options);

// The highest rate at which no more than the allowed share is lost. Starts EAL.
[[nodiscard]] tl::expected<Report, std::string> run_search(const ForwardOptions& options);

}  // namespace posthaste::tools
