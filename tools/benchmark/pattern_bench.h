// SPDX-License-Identifier: BSD-3-Clause
// The pattern benchmark: globs compiled into databases as the router keeps them, and what it costs
// to find all that match a name, beside PCRE2-JIT and std::regex tried one pattern after the other.
// One thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::tools {

struct PatternBenchOptions {
    std::vector<unsigned> patterns = {10, 1'000, 50'000};
    double seconds = 0.05;  // one repetition of one row
    unsigned repeat = 7;
    unsigned core = 0;
    bool whole = false;  // also all of them in one database, which takes long to compile
    bool json = false;
};

// The patterns of a run, and names of which half match exactly one of them at least.
struct PatternSample {
    std::vector<std::string> globs;
    std::vector<std::string> names;
};

// The same for the same count.
[[nodiscard]] PatternSample pattern_sample(unsigned patterns);

// The report, ready to print.
[[nodiscard]] tl::expected<std::string, std::string> run_patterns(
    const PatternBenchOptions& options);

}  // namespace posthaste::tools
