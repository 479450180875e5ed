// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/options.h"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <sstream>
#include <vector>

#include "controlplane/instance.h"
#include "controlplane/machine_memory.h"
#include "controlplane/near_word.h"
#include "controlplane/policy_rules.h"
#include "controlplane/version.h"

namespace posthaste::controlplane {

namespace {

constexpr std::uint32_t kIdleMsMax = 3'600'000;

constexpr const char* kDescription =
    "posthaste: a message router for agents, on DPDK.\n"
    "Delivers frames to the agents attached to this box, and to other boxes' agents through them.";

constexpr const char* kExamples =
    "Examples:\n"
    "  posthaste --print-defaults > posthaste.ini   every key, with its meaning and default\n"
    "  posthaste --check posthaste.ini              0: good, 1: not well formed, 2: refused\n"
    "  posthaste posthaste.ini                      run until SIGTERM; SIGHUP reads it again\n"
    "  posthaste --exit-when-idle 200 pcap.ini      replay a capture, then exit\n"
    "\n"
    "A running router is looked at and changed with posthastectl.";

std::string unknown_word(const std::string& word) {
    constexpr std::array<std::string_view, 8> known = {"--config",
                                                       "--check",
                                                       "--elsewhere",
                                                       "--print-defaults",
                                                       "--exit-when-idle",
                                                       "--log-level",
                                                       "--help",
                                                       "--version"};
    if (!word.starts_with('-')) {
        return word + ": one word too many";
    }
    const std::string_view near = near_word(word.substr(0, word.find('=')), known);
    return word + ": unknown option" +
           (near.empty() ? "" : ", did you mean " + std::string(near) + "?");
}

Answer refused(const std::string& why) {
    return {kExitMeaning, {}, "posthaste: " + why + "; see posthaste --help\n"};
}

struct Words {  // as CLI11 fills them
    std::string config_option;
    std::string config_positional;
    std::string check;
    std::string log_level;
    std::string exit_when_idle_ms;
    bool print_defaults = false;
    bool elsewhere = false;
};

std::optional<std::uint32_t> idle_ms(const std::string& text) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end || value < 1 || value > kIdleMsMax) {
        return std::nullopt;
    }
    return value;
}

tl::expected<Options, Answer> to_options(const Words& words, const CLI::App& app) {
    Options options;
    const bool check = app.count("--check") > 0;
    const std::size_t files = app.count("--config") + app.count("FILE");
    if (int{check} + int{words.print_defaults} > 1) {
        return tl::unexpected(refused("--check and --print-defaults exclude each other"));
    }
    if (app.count("--log-level") > 0) {
        options.log_level = log_level_from_text(words.log_level);
        if (!options.log_level) {
            return tl::unexpected(refused("--log-level " + words.log_level +
                                          ": allowed: error, warning, notice, info, debug"));
        }
    }
    if (app.count("--exit-when-idle") > 0) {
        options.exit_when_idle_ms = idle_ms(words.exit_when_idle_ms);
        if (!options.exit_when_idle_ms) {
            return tl::unexpected(refused("--exit-when-idle " + words.exit_when_idle_ms +
                                          ": allowed: a whole number, 1 to " +
                                          std::to_string(kIdleMsMax)));
        }
    }
    if (words.elsewhere && !check) {
        return tl::unexpected(refused("--elsewhere goes with --check"));
    }
    options.elsewhere = words.elsewhere;
    if (check || words.print_defaults) {
        options.action = check ? Action::check : Action::print_defaults;
        options.config_path = words.check;
        if (files > 0) {
            return tl::unexpected(refused(check ? "--check takes one file and starts nothing"
                                                : "--print-defaults takes no file"));
        }
        return options;
    }
    if (files > 1) {
        return tl::unexpected(refused("more than one configuration file given"));
    }
    options.config_path =
        words.config_option.empty() ? words.config_positional : words.config_option;
    if (options.config_path.empty()) {
        return tl::unexpected(refused("no configuration file given"));
    }
    return options;
}

// What is left to see of a file that is sound: whether this machine has the memory.
Answer check_here(const Options& options, const Config& config) {
    Answer answer{0, options.config_path + ": ok\n", {}};
    if (Instance::is_claimed(config.system.run_dir, config.system.name)) {
        answer.out = options.config_path + ": ok (" + config.system.name +
                     " is running: whether there is memory for a second one was not looked at)\n";
        return answer;
    }
    const auto fits = check_machine(config, plan_memory(config), read_machine_memory());
    if (!fits && options.elsewhere) {
        answer.err = options.config_path + ": not on this machine: " + fits.error() + "\n";
    } else if (!fits) {
        answer = {kExitMeaning,
                  {},
                  options.config_path + ": " + fits.error() +
                      "; --elsewhere checks for another machine\n"};
    }
    return answer;
}

}  // namespace

tl::expected<Options, Answer> parse_options(int argc, const char* const* argv) {
    CLI::App app(kDescription, "posthaste");
    Words words;
    app.footer(kExamples);
    app.set_help_flag("-h,--help", "Print this text");
    app.set_version_flag(
        "-V,--version", "posthaste " + std::string(version()), "Print the version");
    app.add_option("FILE", words.config_positional, "The configuration to run")->type_name("");
    app.add_option("-c,--config", words.config_option, "The same, as an option")->type_name("FILE");
    app.add_option("--check", words.check, "Check a configuration; start nothing")
        ->type_name("FILE");
    app.add_flag("--elsewhere",
                 words.elsewhere,
                 "With --check: the file is for another machine; this one's memory is only told");
    app.add_flag("--print-defaults",
                 words.print_defaults,
                 "Print a configuration with every key, commented");
    app.add_option("--exit-when-idle",
                   words.exit_when_idle_ms,
                   "Drain and exit once no frame has come for so many milliseconds")
        ->type_name("MS");
    app.add_option("--log-level",
                   words.log_level,
                   "error, warning, notice, info or debug; goes before the file's")
        ->type_name("LEVEL");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // --help, --version
        std::ostringstream out;
        std::ostringstream err;
        app.exit(asked, out, err);
        return tl::unexpected(Answer{0, out.str(), err.str()});
    } catch (const CLI::ExtrasError&) {
        const std::vector<std::string> words_left = app.remaining();
        return tl::unexpected(
            refused(words_left.empty() ? "too many words" : unknown_word(words_left.front())));
    } catch (const CLI::ParseError& error) {
        return tl::unexpected(refused(error.what()));
    }
    return to_options(words, app);
}

Answer run_offline(const Options& options) {
    if (options.action == Action::print_defaults) {
        return {0, print_defaults(), {}};
    }
    const auto config = load_config(options.config_path);
    if (!config) {
        return {config.error().exit_code, {}, config.error().text};
    }
    if (const auto policies = build_policies(policy_source(*config)); !policies) {
        return {policies.error().exit_code, {}, policies.error().text};
    }
    return check_here(options, *config);
}

}  // namespace posthaste::controlplane
