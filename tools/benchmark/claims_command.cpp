// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/claims_command.h"

#include <CLI/CLI.hpp>

namespace posthaste::tools {

const CLI::App* add_claims(CLI::App& app, ClaimsBenchOptions& options) {
    CLI::App* command = app.add_subcommand(
        "claims",
        "Claims attached, given to a router that knows none, told of as they change, and looked "
        "up, by two route planes joined by memory; beside a plain map of the same records");
    command->add_option("--claims", options.claims, "how many")
        ->check(CLI::Range(1'000U, 4'000'000U))
        ->capture_default_str();
    command->add_option("--sets", options.sets, "different lists of capabilities among them")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str();
    command->add_option("--repeat", options.repeat, "repetitions")
        ->check(CLI::Range(1U, 101U))
        ->capture_default_str();
    command->add_option("--core", options.core, "processor to run on")->capture_default_str();
    command->add_flag("--json", options.json, "one JSON object instead of a table");
    return command;
}

}  // namespace posthaste::tools
