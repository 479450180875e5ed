// SPDX-License-Identifier: BSD-3-Clause
// The claims benchmark: what the route plane costs by the claim: attaching, giving all of them to a
// router that knows none, telling it of changes, finding the one that holds; beside a plain map of
// the same records. Two route planes joined by memory, no network. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace posthaste::tools {

struct ClaimsBenchOptions {
    std::uint32_t claims = 1'000'000;
    std::uint32_t sets = 20;  // different lists of capabilities
    unsigned repeat = 3;
    unsigned core = 0;
    bool json = false;
};

// The report, ready to print.
[[nodiscard]] tl::expected<std::string, std::string> run_claims(const ClaimsBenchOptions& options);

}  // namespace posthaste::tools
