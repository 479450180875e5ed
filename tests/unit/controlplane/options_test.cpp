// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/options.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "controlplane/instance.h"
#include "controlplane/version.h"
#include "tests/support/scratch_directory.h"

namespace {

using namespace posthaste::controlplane;
using ::testing::Test;

tl::expected<Options, Answer> parse(std::vector<const char*> words) {
    words.insert(words.begin(), "posthaste");
    return parse_options(static_cast<int>(words.size()), words.data());
}

// The text of a command line that must be refused.
std::string refusal(std::vector<const char*> words) {
    const auto options = parse(std::move(words));
    if (options) {
        return "accepted";
    }
    EXPECT_EQ(options.error().exit_code, 2);
    EXPECT_EQ(options.error().out, "");
    return options.error().err;
}

TEST(options, one_file_runs_it) {
    const auto plain = parse({"box.ini"});
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->action, Action::run);
    EXPECT_EQ(plain->config_path, "box.ini");
    EXPECT_FALSE(plain->log_level);
    EXPECT_FALSE(plain->exit_when_idle_ms);
    const auto named = parse({"--config", "box.ini"});
    ASSERT_TRUE(named);
    EXPECT_EQ(named->config_path, "box.ini");
}

TEST(options, everything_together) {
    const auto options = parse({"--exit-when-idle", "200", "--log-level=debug", "box.ini"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->exit_when_idle_ms, 200U);
    EXPECT_EQ(options->log_level, LogLevel::debug);
}

TEST(options, check_and_print_defaults_start_nothing) {
    const auto check = parse({"--check", "box.ini"});
    ASSERT_TRUE(check);
    EXPECT_EQ(check->action, Action::check);
    EXPECT_EQ(check->config_path, "box.ini");
    const auto print = parse({"--print-defaults"});
    ASSERT_TRUE(print);
    EXPECT_EQ(print->action, Action::print_defaults);
}

TEST(options, help_shows_every_option_and_ends_well) {
    const auto help = parse({"--help"});
    ASSERT_FALSE(help);
    EXPECT_EQ(help.error().exit_code, 0);
    EXPECT_EQ(help.error().err, "");
    for (const char* word : {"--config",
                             "--check",
                             "--print-defaults",
                             "--exit-when-idle",
                             "--log-level",
                             "--version",
                             "Examples:"}) {
        EXPECT_NE(help.error().out.find(word), std::string::npos) << word;
    }
}

TEST(options, version_is_the_builds) {
    const auto answer = parse({"--version"});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().exit_code, 0);
    EXPECT_EQ(answer.error().out, "posthaste " + std::string(version()) + "\n");
}

TEST(options, an_unknown_option_is_refused_with_a_hint) {
    EXPECT_EQ(refusal({"--chekc", "box.ini"}),
              "posthaste: --chekc: unknown option, did you mean --check?; see posthaste --help\n");
    EXPECT_EQ(refusal({"-x"}), "posthaste: -x: unknown option; see posthaste --help\n");
}

TEST(options, a_command_line_that_makes_no_sense_is_refused) {
    EXPECT_EQ(refusal({}), "posthaste: no configuration file given; see posthaste --help\n");
    EXPECT_EQ(refusal({"a.ini", "b.ini"}),
              "posthaste: b.ini: one word too many; see posthaste --help\n");
    EXPECT_EQ(refusal({"--config", "a.ini", "b.ini"}),
              "posthaste: more than one configuration file given; see posthaste --help\n");
    EXPECT_EQ(refusal({"--check", "a.ini", "b.ini"}),
              "posthaste: --check takes one file and starts nothing; see posthaste --help\n");
    EXPECT_EQ(refusal({"--check", "a.ini", "--print-defaults"}),
              "posthaste: --check and --print-defaults exclude each other; "
              "see posthaste --help\n");
}

TEST(options, a_check_for_elsewhere_is_a_check) {
    const auto check = parse({"--check", "box.ini", "--elsewhere"});
    ASSERT_TRUE(check);
    EXPECT_TRUE(check->elsewhere);
    EXPECT_FALSE(parse({"--check", "box.ini"})->elsewhere);
    EXPECT_EQ(refusal({"--elsewhere", "box.ini"}),
              "posthaste: --elsewhere goes with --check; see posthaste --help\n");
}

// A file that is sound and asks for more than any machine has.
class too_large_for_this_machine : public Test {
  protected:
    [[nodiscard]] Answer check(bool elsewhere) const {
        std::ofstream(root / "box.ini")
            << "[system]\nname = box\nrun_dir = " << root.path().string()
            << "\n[eal]\nhugepages = no\nmemory_mb = 1048576\n"
            << "[port a]\ndevice = net_null0\naddresses = 10.0.0.1/24\n";
        return run_offline(
            {.action = Action::check, .config_path = root / "box.ini", .elsewhere = elsewhere});
    }

    posthaste::support::ScratchDirectory root;
};

TEST_F(too_large_for_this_machine, is_refused_with_figures) {
    const Answer answer = check(false);
    EXPECT_EQ(answer.exit_code, 2);
    EXPECT_EQ(answer.out, "");
    EXPECT_NE(answer.err.find("box.ini: not enough memory: "), std::string::npos) << answer.err;
    EXPECT_NE(answer.err.find("1048576 MB for DPDK"), std::string::npos) << answer.err;
    EXPECT_NE(answer.err.find("--elsewhere"), std::string::npos) << answer.err;
}

TEST_F(too_large_for_this_machine, is_only_told_where_the_file_is_for_another) {
    const Answer answer = check(true);
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_EQ(answer.out, root / "box.ini: ok\n");
    EXPECT_NE(answer.err.find("not on this machine: not enough memory"), std::string::npos);
}

TEST_F(too_large_for_this_machine, is_not_measured_while_the_router_holds_the_memory) {
    const auto running = Instance::claim(root.path(), "box", root / "box.sock");
    ASSERT_TRUE(running);
    const Answer answer = check(false);
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_NE(answer.out.find("box is running"), std::string::npos) << answer.out;
}

TEST(options, values_are_checked) {
    EXPECT_EQ(refusal({"--exit-when-idle", "0", "a.ini"}),
              "posthaste: --exit-when-idle 0: allowed: a whole number, 1 to 3600000; "
              "see posthaste --help\n");
    EXPECT_EQ(refusal({"--exit-when-idle", "2s", "a.ini"}),
              "posthaste: --exit-when-idle 2s: allowed: a whole number, 1 to 3600000; "
              "see posthaste --help\n");
    EXPECT_EQ(refusal({"--log-level", "loud", "a.ini"}),
              "posthaste: --log-level loud: allowed: error, warning, notice, info, debug; "
              "see posthaste --help\n");
    EXPECT_NE(refusal({"--check"}).find("--check"), std::string::npos);
}

TEST(options, print_defaults_answers_on_stdout) {
    const Answer answer = run_offline({.action = Action::print_defaults});
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_EQ(answer.out, print_defaults());
    EXPECT_EQ(answer.err, "");
}

TEST(options, check_of_a_missing_file_is_an_error_that_names_it) {
    const Answer answer = run_offline({.action = Action::check, .config_path = "/nowhere/a.ini"});
    EXPECT_EQ(answer.exit_code, 1);
    EXPECT_EQ(answer.out, "");
    EXPECT_EQ(answer.err, "/nowhere/a.ini: cannot be read: No such file or directory\n");
}

}  // namespace
