// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/policy_command.h"

#include <CLI/CLI.hpp>

#include "routing/policy.h"

namespace posthaste::tools {

const CLI::App* add_policies(CLI::App& app, PolicyBenchOptions& options) {
    CLI::App* command = app.add_subcommand(
        "policy",
        "The rules of content policies looked for in payloads, beside Hyperscan alone over the "
        "same bytes, and PCRE2-JIT and std::regex one rule after the other; and payloads made to "
        "be slow");
    command->add_option("--rules", options.rules, "how many, for each part of the table")
        ->delimiter(',')
        ->check(CLI::Range(std::size_t{1}, routing::kPolicyRulesMax))
        ->capture_default_str();
    command->add_option("--payload", options.payload, "bytes of a payload")
        ->check(CLI::Range(64U, routing::kPolicyDepthMax))
        ->capture_default_str();
    command->add_option("--seconds", options.seconds, "length of one repetition")
        ->check(CLI::Range(0.001, 60.0))
        ->capture_default_str();
    command->add_option("--repeat", options.repeat, "repetitions of each, but for std::regex: one")
        ->check(CLI::Range(1U, 1001U))
        ->capture_default_str();
    command->add_option("--core", options.core, "processor to run on")->capture_default_str();
    command->add_flag("--json", options.json, "one JSON object instead of a table");
    return command;
}

}  // namespace posthaste::tools
