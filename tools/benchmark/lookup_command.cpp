// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/lookup_command.h"

#include <rte_eal.h>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "tools/benchmark/lookup_report.h"
#include "tools/benchmark/lookup_run.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/pages.h"

namespace posthaste::tools {

namespace {

constexpr double kMiB = 1 << 20;
constexpr double kEalOwnBytes = 32 * kMiB;
// Streams and what the estimates leave out: a GiB of each memory, and a fifth.
constexpr double kKeptBytes = 1'024 * kMiB;
constexpr double kUsable = 0.8;

std::vector<std::string> contender_names() {
    std::vector<std::string> names;
    for (const ContenderKind& kind : contender_kinds()) {
        names.emplace_back(kind.name);
    }
    return names;
}

std::string contender_texts() {
    std::string text = "Contenders:\n";
    for (const ContenderKind& kind : contender_kinds()) {
        text += "  " + std::string(kind.name) + std::string(20 - kind.name.size(), ' ') +
                std::string(kind.what) + "\n";
    }
    return text + "\nExit status: 0 done, 1 a measurement failed or an answer was wrong, 2 usage.";
}

void add_what(CLI::App& command, LookupOptions& options) {
    command
        .add_option("--agents",
                    options.agents,
                    "agents in the table, a list; by default 1 k to 10 M, and 100 k with batches "
                    "of 10 to 10 k")
        ->delimiter(',')
        ->check(CLI::Range(1U, 50'000'000U));
    command
        .add_option("--stream",
                    options.streams,
                    "ids asked for, a list: hits (each agent alike), zipf (exponent 0.99), misses "
                    "(never the same twice), churn (hits while routes change)")
        ->delimiter(',')
        ->check(CLI::IsMember({"hits", "zipf", "misses", "churn"}))
        ->capture_default_str();
    command
        .add_option("--batch", options.batches, "ids that come in at once, a list; by default 64")
        ->delimiter(',')
        ->check(CLI::Range(1U, kBatchMax));
    command.add_option("--rivals", options.rivals, "contenders, a list; by default all")
        ->delimiter(',')
        ->check(CLI::IsMember(contender_names()));
    command
        .add_option("--subject",
                    options.subject,
                    "contender the others are divided by; by default the first")
        ->check(CLI::IsMember(contender_names()));
}

void add_how(CLI::App& command, LookupOptions& options) {
    command.add_option("--repeat", options.repeat, "repetitions of each")
        ->check(CLI::Range(1U, 101U))
        ->capture_default_str();
    command.add_option("--seconds", options.seconds, "length of one repetition")
        ->check(CLI::Range(0.001, 60.0))
        ->capture_default_str();
    command.add_option("--core", options.core, "processor to look up on")
        ->check(CLI::Range(0U, 1'023U))
        ->capture_default_str();
    command
        .add_option("--writer-core",
                    options.writer_core,
                    "processor to change routes on; by default another")
        ->check(CLI::Range(0U, 1'023U));
    command
        .add_option("--changes-per-second", options.changes_per_second, "routes changed by churn")
        ->check(CLI::Range(1U, 10'000'000U))
        ->capture_default_str();
    command.add_option("--seed", options.seed, "of the streams")->capture_default_str();
    command.add_flag("--hugepages",
                     options.hugepages,
                     "EAL's tables in reserved hugepages, the other tables in transparent ones");
    command.add_flag("--json", options.json, "one JSON object instead of a table");
    command.add_option("--save", options.save, "a file to write the JSON object to, as well");
}

Memory free_memory() {
    const Pages pages = pages_now();
    const auto usable = [](std::uint64_t kib) {
        return std::max(0.0, static_cast<double>(kib) * 1'024 * kUsable - kKeptBytes);
    };
    return {usable(pages.free_kib), static_cast<double>(pages.reserved_kib) * 1'024 * 0.95};
}

// Of EAL, where its memory is not hugepages and has to be named at the start.
double eal_bytes(const LookupOptions& options,
                 const Kinds& kinds,
                 const std::vector<Case>& cases,
                 const Memory& free) {
    double most = 0;
    for (const Case& what : cases) {
        for (const auto& group : groups_of(kinds, what.agents, free, options.hugepages)) {
            most = std::max(most, memory_of(group, what.agents).dpdk_bytes);
        }
    }
    return most + kEalOwnBytes;
}

bool start_eal(const LookupOptions& options,
               const Kinds& kinds,
               const std::vector<Case>& cases,
               const Memory& free) {
    std::vector<std::string> words = {
        "posthaste-bench",
        "--lcores",
        "0@" + std::to_string(options.core),
        "--file-prefix",
        "posthaste-bench-" + std::to_string(getpid()),
        "--no-pci",
        "--no-telemetry",
        "--no-shconf",
        "--log-level",
        "error",
    };
    if (options.hugepages) {
        words.emplace_back("--in-memory");
    } else {
        const auto mib =
            static_cast<std::uint64_t>(eal_bytes(options, kinds, cases, free) / kMiB) + 1;
        words.insert(words.end(), {"--no-huge", "-m", std::to_string(mib)});
    }
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    return rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0;
}

int failed(const std::string& why) {
    std::fprintf(stderr, "posthaste-bench: %s\n", why.c_str());
    return 1;
}

}  // namespace

LookupCommand::LookupCommand(CLI::App& app)
    : command_(app.add_subcommand(
          "lookup",
          "Looks agents up in the router's tables and in what else one could use, in turn, and "
          "checks the answers")) {
    add_what(*command_, options_);
    add_how(*command_, options_);
    command_->footer(contender_texts());
}

int LookupCommand::run(char** argv) const {
    LookupOptions options = options_;
    options.writer_core = options.writer_core.value_or(other_processor(options.core));
    const std::vector<Case> cases = cases_of(options);
    const Kinds kinds = chosen_kinds(options, contender_kinds());
    if (options.hugepages) {
        have_malloc_use_hugepages(argv);
    }
    const Memory free = free_memory();
    if (!start_eal(options, kinds, cases, free)) {
        return failed(std::string("EAL does not start") +
                      (options.hugepages ? "; are there free hugepages?" : ""));
    }
    const auto figures = measure_lookups(options, kinds, cases, free);
    const Machine machine = this_machine();
    rte_eal_cleanup();
    if (!figures.has_value()) {
        return failed(figures.error());
    }
    const std::string json = lookup_json(options, kinds, *figures, machine);
    std::fputs(
        options.json ? json.c_str() : lookup_table(options, kinds, *figures, machine).c_str(),
        stdout);
    if (!options.save.empty() && !(std::ofstream(options.save) << json << std::flush)) {
        return failed("cannot write " + options.save);
    }
    return 0;
}

}  // namespace posthaste::tools
