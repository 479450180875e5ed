// SPDX-License-Identifier: BSD-3-Clause
// posthaste-bench: measures parts of the router beside what they are compared with, in one run.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "tools/benchmark/capability_command.h"
#include "tools/benchmark/claims_command.h"
#include "tools/benchmark/forward.h"
#include "tools/benchmark/forward_options.h"
#include "tools/benchmark/hash_command.h"
#include "tools/benchmark/joins_command.h"
#include "tools/benchmark/lookup_command.h"
#include "tools/benchmark/pages.h"
#include "tools/benchmark/pattern_command.h"
#include "tools/benchmark/policy_command.h"

int main(int argc, char** argv) {
    using namespace posthaste::tools;
    CLI::App app(
        "Measures the router on this machine. Compare figures of one run only: each is given "
        "beside a rival measured in turn with it, as the median of several repetitions.",
        "posthaste-bench");
    app.require_subcommand(1);
    LookupCommand lookup(app);
    ForwardOptions forward;
    add_forward(app, forward);
    HashOptions hash;
    const CLI::App* hash_command = add_hash(app, hash);
    CapabilityOptions capability;
    const CLI::App* capability_command = add_capability(app, capability);
    JoinsOptions joins;
    const CLI::App* joins_command = add_joins(app, joins);
    PatternBenchOptions patterns;
    const CLI::App* pattern_command = add_patterns(app, patterns);
    PolicyBenchOptions policies;
    const CLI::App* policy_command = add_policies(app, policies);
    ClaimsBenchOptions claims;
    const CLI::App* claims_command = add_claims(app, claims);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : 2;
    }
    if (lookup.chosen()) {
        return lookup.run(argv);
    }
    if (forward.hugepages || joins.hugepages) {
        have_malloc_use_hugepages(argv);
    }
    const auto report = hash_command->parsed()         ? run_hash(hash)
                        : capability_command->parsed() ? run_capability(capability)
                        : joins_command->parsed()      ? run_joins(joins)
                        : pattern_command->parsed()    ? run_patterns(patterns)
                        : policy_command->parsed()     ? run_policies(policies)
                        : claims_command->parsed()     ? run_claims(claims)
                                                       : run_forward(forward);
    if (!report.has_value()) {
        std::fprintf(stderr, "posthaste-bench: %s\n", report.error().c_str());
        return 1;
    }
    std::fputs(report->c_str(), stdout);
    return 0;
}
