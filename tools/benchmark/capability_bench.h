// SPDX-License-Identifier: BSD-3-Clause
// The capability benchmark: what it costs to decide which agent a frame to a capability goes to,
// from the name's id in the header to the entry of the agent, as an lcore does it; beside a copy of
// the set of agents that have it. And what it costs the control thread when one more has it.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tools/benchmark/report.h"

namespace posthaste::tools {

struct CapabilityOptions {
    std::vector<std::uint32_t> agents = {10, 100, 1'000, 100'000};  // per capability
    std::uint32_t providers = 100'000;     // in all; as many capabilities as that gives
    std::uint32_t conversations = 30'000;  // going on at a time
    std::uint32_t remembered = 1U << 17;   // room in the lcore's memory of them
    double seconds = 0.05;                 // one repetition of one row
    unsigned repeat = 7;
    unsigned core = 0;
    bool hugepages = false;
    bool json = false;
};

// The report, ready to print. Starts EAL, so once per process.
[[nodiscard]] tl::expected<std::string, std::string> run_capability(
    const CapabilityOptions& options);

}  // namespace posthaste::tools
