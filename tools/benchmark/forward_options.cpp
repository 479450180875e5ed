// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/forward_options.h"

#include <CLI/CLI.hpp>

namespace posthaste::tools {

namespace {

void add_paced(CLI::App& command, ForwardOptions& options) {
    CLI::Option* const latency = command.add_flag(
        "--latency",
        options.latency,
        "instead: latency between two rings at a steady rate, generator on the other core");
    CLI::Option* const search =
        command.add_flag("--search", options.search, "instead: the highest rate between two rings")
            ->excludes(latency);
    command.add_option("--rate", options.rate, "latency: frames a second; 0: see --load")
        ->check(CLI::Range(0.0, 1e9))
        ->needs(latency)
        ->capture_default_str();
    command.add_option("--load", options.load, "latency: share of the most the router takes")
        ->check(CLI::Range(0.001, 1.0))
        ->needs(latency)
        ->capture_default_str();
    command.add_option("--loss", options.loss, "search: frames in a million that may be lost")
        ->check(CLI::Range(0.0, 1e6))
        ->needs(search)
        ->capture_default_str();
    for (const char* const other : {"--address",
                                    "--strategy",
                                    "--capabilities",
                                    "--providers",
                                    "--conversations",
                                    "--remembered",
                                    "--cache",
                                    "--testpmd"}) {
        command.get_option(other)->excludes(latency)->excludes(search);
    }
}

void add_capabilities(CLI::App& command, ForwardOptions& options) {
    command
        .add_option("--address",
                    options.address,
                    "any, all: also measure frames to any or all providers of capabilities")
        ->check(CLI::IsMember({"agent", "any", "all"}))
        ->capture_default_str();
    command.add_option("--strategy", options.strategy, "of choosing one for any")
        ->check(CLI::IsMember({"sticky", "priority", "weighted", "least-loaded"}))
        ->capture_default_str();
    command.add_option("--capabilities", options.capabilities, "how many there are")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    command
        .add_option(
            "--providers", options.providers, "agents that have each; 0: 1000 for any, 16 for all")
        ->check(CLI::Range(0U, 1'000'000U))
        ->capture_default_str();
    command
        .add_option("--conversations",
                    options.conversations,
                    "with any: that go on at a time, beside frames that each begin one")
        ->check(CLI::Range(1U, 16'000'000U))
        ->capture_default_str();
    command.add_option("--remembered", options.remembered, "room for conversations on the lcore")
        ->check(CLI::Range(1U, 16'777'216U))
        ->capture_default_str();
}

}  // namespace

void add_forward(CLI::App& app, ForwardOptions& options) {
    CLI::App* const command = app.add_subcommand("forward",
                                                 "One worker between two net_null ports, real "
                                                 "headers written into every frame, beside parts "
                                                 "of it and dpdk-testpmd, each in turn");
    command->add_option("--agents", options.agents, "agents in the table")
        ->check(CLI::Range(1U, 50'000'000U))
        ->capture_default_str();
    command->add_option("--seconds", options.seconds, "length of one repetition")
        ->check(CLI::Range(0.01, 60.0))
        ->capture_default_str();
    command->add_option("--repeat", options.repeat, "repetitions of each; the medians count")
        ->check(CLI::Range(1U, 101U))
        ->capture_default_str();
    command->add_option("--payload", options.payload, "bytes after the 64-byte header")
        ->check(CLI::Range(0U, 1'400U))
        ->capture_default_str();
    command
        ->add_option("--ingress",
                     options.ingress,
                     "edge looks up destination and source, fabric the destination only")
        ->check(CLI::IsMember({"edge", "fabric"}))
        ->capture_default_str();
    command->add_option("--stream", options.stream, "which agents the frames go to")
        ->check(CLI::IsMember({"uniform", "zipf", "round-robin"}))
        ->capture_default_str();
    command->add_option("--checksum", options.checksum, "the UDP checksum: right, or 0")
        ->check(CLI::IsMember({"on", "off"}))
        ->capture_default_str();
    command
        ->add_option("--malformed",
                     options.malformed,
                     "percent of the frames with a wrong magic, checksum, version or a nil id")
        ->check(CLI::Range(0.0, 50.0))
        ->capture_default_str();
    command->add_option("--unknown", options.unknown, "percent of the frames to unknown agents")
        ->check(CLI::Range(0.0, 50.0))
        ->capture_default_str();
    command
        ->add_option("--churn",
                     options.churn,
                     "so many routes change a second, by the other core: measured beside, or with "
                     "--latency and --search meanwhile")
        ->check(CLI::Range(0.0, 1e7))
        ->capture_default_str();
    command
        ->add_option("--cache",
                     options.cache,
                     "agents: also measure the router with a route cache that has room for them")
        ->check(CLI::Range(1U, 50'000'000U));
    command
        ->add_option("--testpmd",
                     options.testpmd,
                     "the program run beside it in the modes io, macswap, 5tswap, csum; or off")
        ->capture_default_str();
    add_capabilities(*command, options);
    command->add_option("--core", options.core, "processor to run on")->capture_default_str();
    command->add_option("--other-core", options.other_core, "processor of what runs beside it");
    command->add_flag("--hugepages",
                      options.hugepages,
                      "tables and frames in hugepages, the heap in transparent ones");
    command->add_flag("--json", options.json, "one JSON object instead of a table");
    add_paced(*command, options);
}

}  // namespace posthaste::tools
