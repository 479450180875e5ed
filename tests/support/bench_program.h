// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench as a process: POSTHASTE_BENCH names the program.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/programs.h"

namespace posthaste::test {

// `first`, then `words`, are its arguments.
inline Finished run_bench(std::vector<std::string> first, const std::vector<std::string>& words) {
    const char* const path = std::getenv("POSTHASTE_BENCH");
    first.insert(first.begin(), path == nullptr ? "build/tools/benchmark/posthaste-bench" : path);
    first.insert(first.end(), words.begin(), words.end());
    return run_to_end(first, "");
}

}  // namespace posthaste::test
