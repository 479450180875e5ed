// SPDX-License-Identifier: BSD-3-Clause
// What the client's command line sets for all commands, and what its exit codes mean.
#pragma once

#include <string>

namespace posthaste::tools {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;       // the router refused
inline constexpr int kExitUsage = 2;        // no such command, option or value
inline constexpr int kExitUnanswered = 2;   // cluster check: not all routers could be asked
inline constexpr int kExitUnreachable = 3;  // no answer from a router

struct Settings {
    std::string socket;
    int timeout_ms = 5'000;
    bool json = false;        // data and errors as JSON on stdout
    bool one_line = false;    // each of them on one line: batches
    bool wide = false;        // all columns
    bool keep_going = false;  // batches: go on after a refusal
};

}  // namespace posthaste::tools
