// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/pattern_command.h"

#include <CLI/CLI.hpp>

namespace posthaste::tools {

const CLI::App* add_patterns(CLI::App& app, PatternBenchOptions& options) {
    CLI::App* command = app.add_subcommand(
        "pattern",
        "Globs over capability names: compiling them, and finding all that match a name, beside "
        "PCRE2-JIT and std::regex tried one pattern after the other");
    command->add_option("--patterns", options.patterns, "how many, for each part of the table")
        ->delimiter(',')
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    command->add_option("--seconds", options.seconds, "length of one repetition")
        ->check(CLI::Range(0.001, 60.0))
        ->capture_default_str();
    command->add_option("--repeat", options.repeat, "repetitions of each")
        ->check(CLI::Range(1U, 1001U))
        ->capture_default_str();
    command->add_option("--core", options.core, "processor to run on")->capture_default_str();
    command->add_flag(
        "--whole", options.whole, "also all of them in one database (50000: half a minute)");
    command->add_flag("--json", options.json, "one JSON object instead of a table");
    return command;
}

}  // namespace posthaste::tools
