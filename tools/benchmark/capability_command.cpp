// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/capability_command.h"

#include <CLI/CLI.hpp>

namespace posthaste::tools {

const CLI::App* add_capability(CLI::App& app, CapabilityOptions& options) {
    CLI::App* command = app.add_subcommand(
        "capability",
        "Which agent a frame to a capability goes to: by each strategy, 64 frames at a time, of "
        "conversations that go on and of new ones; beside a map behind locks, from names to sets "
        "of agents, that gives each frame a copy of the set. And one more provider, published");
    command->add_option("--agents", options.agents, "agents that have a capability, a list")
        ->delimiter(',')
        ->check(CLI::Range(2U, 1'000'000U))
        ->capture_default_str();
    command
        ->add_option(
            "--providers", options.providers, "agents in all; each has one capability of each size")
        ->check(CLI::Range(2U, 10'000'000U))
        ->capture_default_str();
    command->add_option("--conversations", options.conversations, "that go on at a time")
        ->check(CLI::Range(1U, 10'000'000U))
        ->capture_default_str();
    command->add_option("--remembered", options.remembered, "room for conversations on the lcore")
        ->check(CLI::Range(1U, 1U << 26))
        ->capture_default_str();
    command->add_option("--seconds", options.seconds, "length of one repetition")
        ->check(CLI::Range(0.0001, 60.0))
        ->capture_default_str();
    command->add_option("--repeat", options.repeat, "repetitions of each")
        ->check(CLI::Range(1U, 1001U))
        ->capture_default_str();
    command->add_option("--core", options.core, "processor to run on")->capture_default_str();
    command->add_flag("--hugepages", options.hugepages, "EAL's tables in reserved hugepages");
    command->add_flag("--json", options.json, "one JSON object instead of a table");
    return command;
}

}  // namespace posthaste::tools
