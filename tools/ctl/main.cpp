// SPDX-License-Identifier: BSD-3-Clause
// posthastectl: the operator's client. Reads its own options, then runs one command, a batch from
// a pipe, or a conversation on a terminal. Needs no DPDK.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "controlplane/protocol.h"
#include "tools/ctl/batch.h"
#include "tools/ctl/command.h"
#include "tools/ctl/interactive.h"

namespace posthaste::tools {
namespace {

constexpr const char* kDescription =
    "posthastectl: look at a running Posthaste router and change what it does.";

constexpr const char* kFooter =
    "Without COMMAND: a conversation on a terminal, with history and completion;\n"
    "from a pipe one command per line, up to the first error.\n"
    "Options may also follow the command. The router lists its commands: posthastectl help\n"
    "\n"
    "Examples:\n"
    "  posthastectl show ports\n"
    "  posthastectl lookup 6ba7b810-9dad-41d1-80b4-00c04fd430c8\n"
    "  posthastectl --json show drops | jq '.drops[] | select(.port == \"edge0\")'\n"
    "  posthastectl events --topic members\n"
    "\n"
    "Exit status: 0 done, 1 the router refused, 2 no such command or option, 3 no router.\n"
    "cluster check: 0 all routers know the same, 1 they do not, 2 not all could be asked.";

struct Line {
    Settings settings;
    std::vector<std::string> words;
    bool help = false;
    double timeout_s = 5.0;
};

void declare(CLI::App& app, Line& line) {
    app.set_help_flag();
    app.set_version_flag("-V,--version", "posthastectl " POSTHASTE_VERSION, "Print the version");
    app.add_flag("-h,--help", line.help, "Print this text, or the help of a command");
    app.add_option("-s,--socket", line.settings.socket, "The router's admin socket")
        ->envname(std::string(controlplane::kSocketVariable))
        ->default_str(std::string(controlplane::kDefaultSocket))
        ->type_name("PATH");
    app.add_option("-t,--timeout", line.timeout_s, "Longest wait for an answer")
        ->check(CLI::Range(0.001, 3'600.0))
        ->default_str("5")
        ->type_name("SECONDS");
    app.add_flag("-j,--json", line.settings.json, "Data and errors as JSON on stdout");
    app.add_flag("-w,--wide", line.settings.wide, "Tables with all columns");
    app.add_flag("-k,--keep-going", line.settings.keep_going, "Batches: go on after an error");
    app.allow_extras();
    app.footer(kFooter);
}

int print(const Result& result) {
    std::cout << result.out << std::flush;
    std::cerr << result.err;
    return result.exit_code;
}

int run(int argc, char** argv) {
    CLI::App app(kDescription, "posthastectl");
    Line line;
    line.settings.socket = controlplane::kDefaultSocket;
    declare(app, line);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForVersion& version) {
        std::cout << version.what() << '\n';
        return kExitOk;
    } catch (const CLI::ParseError& error) {
        const std::vector<std::string> all(argv + 1, argv + argc);
        line.settings.json = line.settings.json || std::ranges::count(all, "--json") > 0 ||
                             std::ranges::count(all, "-j") > 0;
        return print(failure(line.settings,
                             kExitUsage,
                             controlplane::code::usage,
                             std::string(error.what()) + "; see posthastectl --help"));
    }
    line.words = app.remaining();
    line.settings.timeout_ms = static_cast<int>(line.timeout_s * 1'000);
    if (line.help && line.words.empty()) {
        std::string text = app.help();
        const std::string_view options = "[OPTIONS]";
        if (const std::size_t at = text.find(options); at != std::string::npos) {
            text.insert(at + options.size(), " [COMMAND...]");
        }
        std::cout << text;
        return kExitOk;
    }
    if (line.help) {
        line.words.insert(line.words.begin(), "help");
    }
    RouterClient router(line.settings.socket, line.settings.timeout_ms);
    if (!line.words.empty()) {
        return print(run_command(router, line.words, line.settings, [](const std::string& part) {
            std::cout << part << std::flush;
        }));
    }
    return ::isatty(STDIN_FILENO) == 1 ? run_interactive(router, line.settings)
                                       : run_batch(router, line.settings, std::cin);
}

}  // namespace
}  // namespace posthaste::tools

int main(int argc, char** argv) {
    return posthaste::tools::run(argc, argv);
}
