// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/joins_command.h"

#include <CLI/CLI.hpp>

namespace posthaste::tools {

const CLI::App* add_joins(CLI::App& app, JoinsOptions& options) {
    CLI::App* command = app.add_subcommand(
        "joins",
        "What one more agent that offers a capability costs the control thread, and when lcores "
        "see it, among a million agents with ten capabilities each: from the registration to the "
        "set that is published");
    command->add_option("--agents", options.agents, "agents in all")
        ->check(CLI::Range(20U, 4'000'000U))
        ->capture_default_str();
    command->add_option("--each", options.each, "capabilities of an agent")
        ->check(CLI::Range(1U, 64U))
        ->capture_default_str();
    command->add_option("--small", options.small, "agents that have a capability, but for one")
        ->check(CLI::Range(2U, 1'000'000U))
        ->capture_default_str();
    command->add_option("--large", options.large, "agents that have that one")
        ->check(CLI::Range(2U, 1'000'000U))
        ->capture_default_str();
    command->add_option("--batch", options.batch, "joins that one publication shows")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str();
    command->add_option("--repeat", options.repeat, "repetitions; ten times as many of small ones")
        ->check(CLI::Range(1U, 1001U))
        ->capture_default_str();
    command->add_option("--core", options.core, "processor to run on")->capture_default_str();
    command->add_flag("--hugepages",
                      options.hugepages,
                      "EAL's tables in reserved hugepages, the heap in transparent ones");
    command->add_flag("--json", options.json, "one JSON object instead of a table");
    return command;
}

}  // namespace posthaste::tools
