// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/hash_command.h"

#include <CLI/CLI.hpp>

namespace posthaste::tools {

const CLI::App* add_hash(CLI::App& app, HashOptions& options) {
    CLI::App* command = app.add_subcommand(
        "hash",
        "The keyed hash of ids, each variant this CPU has, beside rte_hash_crc, rte_jhash and "
        "SipHash-1-3: 64 ids at a time, behind addresses in any order and in a row");
    command->add_option("--seconds", options.seconds, "length of one repetition")
        ->check(CLI::Range(0.001, 60.0))
        ->capture_default_str();
    command->add_option("--repeat", options.repeat, "repetitions of each")
        ->check(CLI::Range(1U, 1001U))
        ->capture_default_str();
    command->add_option("--core", options.core, "processor to run on")->capture_default_str();
    command->add_flag("--crc-colliding",
                      options.crc_colliding,
                      "also look up 10000 ids that collide under CRC, beside random ones");
    command->add_flag("--json", options.json, "one JSON object instead of a table");
    return command;
}

}  // namespace posthaste::tools
