// SPDX-License-Identifier: BSD-3-Clause
// The joins benchmark: what it costs the control thread, and how long it takes until an lcore would
// see it, when one more agent offers a capability, among a million that offer ten each. From the
// registration in the Rib to the set of providers that is published; frames and the store are not
// in it.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace posthaste::tools {

struct JoinsOptions {
    std::uint32_t agents = 1'000'000;
    std::uint32_t each = 10;        // capabilities of an agent
    std::uint32_t small = 1'000;    // providers of a capability, but for one
    std::uint32_t large = 100'000;  // providers of that one
    std::uint32_t batch = 100;      // joins that one publication shows
    unsigned repeat = 7;            // of what the large one costs; of the small ones ten times more
    unsigned core = 0;
    bool hugepages = false;
    bool json = false;
};

// The report, ready to print. Starts EAL, so once per process.
[[nodiscard]] tl::expected<std::string, std::string> run_joins(const JoinsOptions& options);

}  // namespace posthaste::tools
