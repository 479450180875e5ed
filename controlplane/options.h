// SPDX-License-Identifier: BSD-3-Clause
// The command line of the daemon, and the runs of it that start no router.
//
// Pure: argv in, values or a finished answer out; nothing is printed and nothing exits here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "controlplane/config.h"

namespace posthaste::controlplane {

enum class Action : std::uint8_t { run, check, print_defaults };

struct Options {
    Action action = Action::run;
    std::string config_path{};            // run, check
    std::optional<LogLevel> log_level{};  // goes before [system] log_level, also after a reload
    bool elsewhere = false;  // check: for another machine, so this one's memory does not count
    std::optional<std::uint32_t> exit_when_idle_ms{};  // no frame for so long: drain and exit 0
};

// What the process prints before it ends at once, and how it ends.
struct Answer {
    int exit_code = 0;
    std::string out;  // to stdout
    std::string err;  // to stderr
};

// The error is the answer to --help, --version, or a command line that cannot be understood
// (exit code 2).
[[nodiscard]] tl::expected<Options, Answer> parse_options(int argc, const char* const* argv);

// --check and --print-defaults. A file that is good but does not fit the memory of this machine is
// refused, too, unless it is for elsewhere or this very router runs: it holds the memory then.
[[nodiscard]] Answer run_offline(const Options& options);

}  // namespace posthaste::controlplane
