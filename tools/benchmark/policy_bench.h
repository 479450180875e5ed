// SPDX-License-Identifier: BSD-3-Clause
// The policy benchmark: what it costs to look for all rules in a payload as the router does it,
// beside Hyperscan alone over the same bytes, and PCRE2-JIT and std::regex one rule after the
// other; and over payloads made to be slow. One thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::tools {

struct PolicyBenchOptions {
    std::vector<unsigned> rules = {10, 100, 1'000};
    unsigned payload = 1'024;  // bytes
    double seconds = 0.02;     // one repetition of one row
    unsigned repeat = 15;
    unsigned core = 0;
    bool json = false;
};

// The rules of a run, and for each a text that it matches.
struct RuleSample {
    std::vector<std::string> expressions;
    std::vector<std::string> matching;
};

// The same for the same count.
[[nodiscard]] RuleSample rule_sample(unsigned rules);

// The report, ready to print.
[[nodiscard]] tl::expected<std::string, std::string> run_policies(
    const PolicyBenchOptions& options);

}  // namespace posthaste::tools
