// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench: measures parts of the router beside what they are compared with, in one run.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "tools/benchmark/forward.h"

int main(int argc, char** argv) {
    using namespace posthaste::tools;
    CLI::App app(
        "Measures the router on this machine. Compare figures of one run only: each is given "
        "beside a rival measured in turn with it, as the median of several repetitions.",
        "posthaste-bench");
    app.require_subcommand(1);
    ForwardOptions forward;
    CLI::App* command = app.add_subcommand(
        "forward",
        "One worker between two net_null ports, a real header written into every frame, beside "
        "the same loop that only receives, writes the header and sends");
    command->add_option("--agents", forward.agents, "agents in the table")
        ->check(CLI::Range(1U, 50'000'000U))
        ->capture_default_str();
    command->add_option("--seconds", forward.seconds, "length of one repetition")
        ->check(CLI::Range(0.01, 60.0))
        ->capture_default_str();
    command->add_option("--repeat", forward.repeat, "repetitions of each")
        ->check(CLI::Range(1U, 101U))
        ->capture_default_str();
    command->add_option("--payload", forward.payload, "bytes after the 64-byte header")
        ->check(CLI::Range(0U, 1'400U))
        ->capture_default_str();
    command
        ->add_option("--ingress",
                     forward.ingress,
                     "edge looks up destination and source, fabric the destination only")
        ->check(CLI::IsMember({"edge", "fabric"}))
        ->capture_default_str();
    command->add_option("--stream", forward.stream, "which agents the frames go to")
        ->check(CLI::IsMember({"uniform", "zipf", "round-robin"}))
        ->capture_default_str();
    command->add_option("--checksum", forward.checksum, "the UDP checksum: right, or 0")
        ->check(CLI::IsMember({"on", "off"}))
        ->capture_default_str();
    command
        ->add_option("--malformed",
                     forward.malformed,
                     "percent of the frames with a wrong magic, checksum, version or a nil id")
        ->check(CLI::Range(0.0, 50.0))
        ->capture_default_str();
    command->add_option("--unknown", forward.unknown, "percent of the frames to unknown agents")
        ->check(CLI::Range(0.0, 50.0))
        ->capture_default_str();
    command->add_option("--core", forward.core, "processor to run on")->capture_default_str();
    command->add_flag("--hugepages", forward.hugepages, "tables and frames in hugepages");
    command->add_flag("--json", forward.json, "one JSON object instead of a table");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : 2;
    }
    const auto report = run_forward(forward);
    if (!report.has_value()) {
        std::fprintf(stderr, "posthaste-bench: %s\n", report.error().c_str());
        return 1;
    }
    std::fputs(report->c_str(), stdout);
    return 0;
}
