// SPDX-License-Identifier: BSD-3-Clause
// The client as a process, against an admin socket in this one: one command, batches, a terminal.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "controlplane/protocol.h"
#include "tests/support/admin_server.h"
#include "tests/support/programs.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/unix_listener.h"

namespace posthaste {
namespace {

using controlplane::Json;
using test::AdminServer;
using test::Finished;
using test::Terminal;

const std::string kUuid = "00000000-0000-4000-8000-000000000001";

std::string program() {
    const char* const path = std::getenv("POSTHASTECTL");
    return path == nullptr ? "build/tools/posthastectl" : path;
}

class posthastectl : public testing::Test {
  protected:
    std::vector<std::string> argv(std::vector<std::string> words) const {
        words.insert(words.begin(), {program(), "--socket", path});
        return words;
    }

    Finished run(const std::vector<std::string>& words, const std::string& input = {}) const {
        return test::run_to_end(argv(words), input);
    }

    std::vector<std::string> home() const {
        return {"HOME=" + directory.path().string(), "TERM=vt100", "LC_ALL=C.UTF-8"};
    }

    support::ScratchDirectory directory;
    std::string path = directory / "admin.sock";
};

TEST_F(posthastectl, prints_tables_for_people_and_json_for_programs) {
    const AdminServer server(path, 3);
    const Finished table = run({"show", "ports"});
    EXPECT_EQ(table.status, 0);
    EXPECT_TRUE(table.out.starts_with("NAME     ROLE")) << table.out;
    EXPECT_EQ(table.err, "");
    for (const auto& words : {std::vector<std::string>{"--json", "show", "ports"},
                              std::vector<std::string>{"show", "ports", "--json"}}) {
        const Finished json = run(words);
        EXPECT_EQ(json.status, 0);
        const Json data = Json::parse(json.out, nullptr, false);
        ASSERT_TRUE(data.is_array()) << json.out;
        EXPECT_EQ(data[0]["name"], "edge0");
        EXPECT_EQ(json.err, "");
    }
}

TEST_F(posthastectl, a_check_of_the_cluster_tells_by_its_exit_status_and_lists_what_differs) {
    const AdminServer server(path, 3);
    const Finished check = run({"--json", "cluster", "check"});
    EXPECT_EQ(check.status, 1) << check.out << check.err;
    const Json data = Json::parse(check.out, nullptr, false);
    ASSERT_TRUE(data.is_object()) << check.out;
    EXPECT_EQ(data["result"], "different");
    EXPECT_EQ(data["differences"][0]["peer"], "west-2");
}

TEST_F(posthastectl, answers_of_the_cluster_are_waited_for) {
    const AdminServer server(path, 3);
    const Finished keys = run({"cluster", "keys", "list"});
    EXPECT_EQ(keys.status, 0) << keys.err;
    EXPECT_NE(keys.out.find("AAAAAAAAAAAAAAAAAAAAAA=="), std::string::npos) << keys.out;
    const Finished partly = run({"cluster", "keys", "install", "AgICAgICAgICAgICAgICAg=="});
    EXPECT_EQ(partly.status, 1);
    EXPECT_NE(partly.out.find("no keyring"), std::string::npos) << partly.out;
}

TEST_F(posthastectl, events_are_lines_until_their_count) {
    const AdminServer server(path, 3);
    const Finished text = run({"events", "--count", "4", "--topic", "agents"});
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\n'), 4);
    EXPECT_TRUE(text.out.starts_with("2023-11-14T22:13:20.000Z  agent attached  " + kUuid))
        << text.out;
    const Finished json = run({"--json", "events", "--count", "2"});
    ASSERT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 2) << json.out;
    const Json first = Json::parse(json.out.substr(0, json.out.find('\n')), nullptr, false);
    EXPECT_TRUE(first.is_object() && first.contains("event")) << json.out;
    const Finished batch = run({}, "events\n");
    EXPECT_EQ(batch.status, 2);
    EXPECT_NE(batch.err.find("--count"), std::string::npos) << batch.err;
}

TEST_F(posthastectl, the_topology_is_a_drawing) {
    const AdminServer server(path, 3);
    const Finished drawing = run({"show", "topology"});
    EXPECT_EQ(drawing.status, 0);
    EXPECT_TRUE(drawing.out.starts_with("west-1 (this router)")) << drawing.out;
}

TEST_F(posthastectl, changes_are_seen_by_the_next_command) {
    const AdminServer server(path, 0);
    EXPECT_EQ(run({"agent",
                   "add",
                   kUuid,
                   "--port",
                   "edge1",
                   "--address",
                   "10.0.0.7:5000",
                   "--name",
                   "a b",
                   "--capability",
                   "x",
                   "--capability",
                   "y"})
                  .out,
              "added: agent " + kUuid + "\n");
    const Json agent = Json::parse(run({"-j", "show", "agent", kUuid}).out, nullptr, false);
    EXPECT_EQ(agent["name"], "a b");
    EXPECT_EQ(agent["udp_port"], 5000);
    EXPECT_EQ(agent["capabilities"], (Json{"x", "y"}));
    EXPECT_EQ(run({"agent", "remove", kUuid}).status, 0);
    EXPECT_EQ(run({"agent", "remove", kUuid}).status, 1);
}

TEST_F(posthastectl, exit_codes_and_streams_tell_what_went_wrong) {
    const AdminServer server(path, 3);
    const Finished refused = run({"agent", "remove", "00000000-0000-4000-8000-000000000003"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.out, "");
    EXPECT_EQ(refused.err,
              "posthastectl: agent 00000000-0000-4000-8000-000000000003 stands in the ini file; "
              "remove it there\n"
              "  /etc/posthaste/posthaste.ini:12: [agent 00000000-0000-4000-8000-000000000003]\n");
    const Finished usage = run({"shwo", "ports"});
    EXPECT_EQ(usage.status, 2);
    EXPECT_NE(usage.err.find("did you mean 'show'?"), std::string::npos);
    const Finished option = run({"--timeout", "never", "show", "ports"});
    EXPECT_EQ(option.status, 2);
    EXPECT_NE(option.err.find("--timeout"), std::string::npos);
}

TEST_F(posthastectl, errors_are_json_where_json_was_asked_for) {
    const AdminServer server(path, 3);
    const auto code_of = [](const Finished& finished) {
        EXPECT_EQ(finished.err, "");
        const Json error = Json::parse(finished.out, nullptr, false);
        return error.is_object() ? error["error"].value("code", "") : finished.out;
    };
    EXPECT_EQ(code_of(run({"--json", "agent", "remove", "00000000-0000-4000-8000-000000000099"})),
              "not_found");
    EXPECT_EQ(code_of(run({"shwo", "--json"})), "usage");
    EXPECT_EQ(code_of(run({"--json", "--timeout", "never"})), "usage");
    EXPECT_EQ(code_of(test::run_to_end({program(), "-j", "-s", path + "x", "show", "ports"})),
              "unreachable");
}

TEST_F(posthastectl, a_router_that_is_not_there_is_named_with_what_to_do) {
    const Finished nobody = run({"show", "ports"});
    EXPECT_EQ(nobody.status, 3);
    EXPECT_EQ(nobody.err,
              "posthastectl: cannot reach the router at " + path +
                  ": no router listens there; start one with: posthaste CONFIG.ini, "
                  "or name its socket with --socket PATH\n");
    const Finished by_variable =
        test::run_to_end({program(), "show", "ports"}, {}, {"POSTHASTE_SOCKET=" + path + "y"});
    EXPECT_EQ(by_variable.status, 3);
    EXPECT_NE(by_variable.err.find(path + "y"), std::string::npos);
}

TEST_F(posthastectl, a_router_that_does_not_answer_is_given_up_in_time) {
    const support::UnixListener silent(path);
    const Finished finished = run({"--timeout", "0.05", "show", "ports"});
    EXPECT_EQ(finished.status, 3);
    EXPECT_NE(finished.err.find("does not answer within 50 ms"), std::string::npos) << finished.err;
}

TEST_F(posthastectl, a_router_without_room_is_unreachable_and_says_why) {
    const AdminServer server(path, 3, 0);
    const Finished finished = run({"show", "ports"});
    EXPECT_EQ(finished.status, 3);
    EXPECT_EQ(finished.err, "posthastectl: too many connections to the admin socket\n");
}

TEST_F(posthastectl, rows_beyond_one_answer_are_fetched_page_by_page) {
    const AdminServer server(path, 12'345);
    const Json all =
        Json::parse(run({"-j", "show", "agents", "--limit", "20000"}).out, nullptr, false);
    ASSERT_EQ(all["agents"].size(), 12'345U);
    EXPECT_EQ(all["agents"][12'344]["agent"], "00000000-0000-4000-8000-000000003039");
    EXPECT_TRUE(all["next"].is_null());
    const Json some =
        Json::parse(run({"-j", "show", "agents", "--limit=2500"}).out, nullptr, false);
    EXPECT_EQ(some["agents"].size(), 2'500U);
    EXPECT_EQ(some["next"], some["agents"][2'499]["agent"]);
    const Finished page =
        run({"show", "agents", "--limit", "2", "--after", some["next"].get<std::string>()});
    EXPECT_NE(page.out.find("\n2 of 12,345 agents; the next page: --after "), std::string::npos)
        << page.out;
    const Finished wrong = run({"show", "agents", "--limit", "0"});
    EXPECT_EQ(wrong.status, 2);
}

TEST_F(posthastectl, a_batch_stops_at_its_first_error) {
    const AdminServer server(path, 3);
    const std::string lines =
        "# a comment\n\nagent drain " + kUuid + "\nagent remove x\nshow version\n";
    const Finished stopped = run({}, lines);
    EXPECT_EQ(stopped.status, 2);
    EXPECT_EQ(stopped.out, "draining: agent " + kUuid + "\n");
    EXPECT_NE(stopped.err.find("stopped at line 4"), std::string::npos);
    const Finished through = run({"--keep-going", "--json"}, lines);
    EXPECT_EQ(through.status, 2);
    std::istringstream answers(through.out);
    std::vector<Json> documents;
    for (std::string line; std::getline(answers, line);) {
        documents.push_back(Json::parse(line, nullptr, false));
    }
    ASSERT_EQ(documents.size(), 3U) << through.out;
    EXPECT_EQ(documents[0]["outcome"], "draining");
    EXPECT_EQ(documents[1]["error"]["code"], "usage");
    EXPECT_EQ(documents[2]["version"], "0.1.0");
    EXPECT_EQ(run({}, "show version\n").status, 0);
    EXPECT_EQ(run({}, "show 'version\n").status, 2);
}

TEST_F(posthastectl, help_is_of_the_client_or_of_the_routers_commands) {
    const AdminServer server(path, 3);
    const Finished client = run({"--help"});
    EXPECT_EQ(client.status, 0);
    EXPECT_NE(client.out.find("Usage: posthastectl [OPTIONS] [COMMAND...]"), std::string::npos);
    const Finished command = run({"route", "--help"});
    EXPECT_EQ(
        command.out,
        "route add AGENT ROUTER [--seconds NUMBER]\n    Send an agent's frames to another router.\n"
        "route remove AGENT\n    Forget the route to an agent.\n");
    EXPECT_EQ(run({"--version"}).out.substr(0, 14), "posthastectl 0");
}

TEST_F(posthastectl, a_terminal_completes_words_names_and_options) {
    const AdminServer server(path, 3);
    Terminal terminal(argv({}), home());
    terminal.wait_for("posthaste> ");
    terminal.type("sh\tver\t\n");
    terminal.wait_for("DPDK 22.11.11");
    terminal.wait_for("posthaste> ");
    terminal.type("show ag\t\t");
    terminal.wait_for("agents  List the agents attached to this box.");
    terminal.type("s --port ed\t\t");
    terminal.wait_for("  edge1");
    terminal.type("1\n");
    terminal.wait_for("00000000-0000-4000-8000-000000000003");
    terminal.wait_for("posthaste> ");
    terminal.type("lookup \t");
    terminal.wait_for("The agent's UUID.");
    terminal.type("\x15\x04");
    EXPECT_EQ(terminal.wait_for_end(), 0);
}

TEST_F(posthastectl, a_terminal_remembers_its_lines_even_the_next_time) {
    const AdminServer server(path, 3);
    {
        Terminal terminal(argv({}), home());
        terminal.wait_for("posthaste> ");
        terminal.type("show memory\n");
        terminal.wait_for("POOLS");
        terminal.wait_for("posthaste> ");
        terminal.type("\x1b[A");
        terminal.wait_for("show memory");
        terminal.type("\n");
        terminal.wait_for("POOLS");
        terminal.wait_for("posthaste> ");
        terminal.type("quit\n");
        EXPECT_EQ(terminal.wait_for_end(), 0);
    }

    struct stat made {};

    ASSERT_EQ(::stat((directory / ".posthastectl_history").c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0077U, 0U) << "what was typed is nobody else's business";
    Terminal terminal(argv({}), home());
    terminal.wait_for("posthaste> ");
    terminal.type("\x1b[A\x1b[A");
    terminal.wait_for("show memory");
    terminal.type("\n");
    terminal.wait_for("POOLS");
}

TEST_F(posthastectl, a_prompt_is_shown_only_when_the_terminal_takes_keys) {
    const AdminServer server(path, 3);
    Terminal terminal(argv({}), home());
    terminal.wait_for("posthaste> ");
    EXPECT_FALSE(terminal.ctrl_c_is_a_signal());
    terminal.type("show version\n");
    terminal.wait_for("DPDK 22.11.11");
    terminal.wait_for("posthaste> ");
    EXPECT_FALSE(terminal.ctrl_c_is_a_signal());
}

TEST_F(posthastectl, in_a_terminal_errors_and_ctrl_c_do_not_end_it) {
    const AdminServer server(path, 3);
    Terminal terminal(argv({}), home());
    terminal.wait_for("posthaste> ");
    terminal.type("nonsense\n");
    terminal.wait_for("no command 'nonsense'");
    terminal.wait_for("posthaste> ");
    terminal.type("agent remove " + kUuid);
    terminal.wait_for(kUuid);
    terminal.type("\x03");
    terminal.wait_for("^C");
    terminal.wait_for("posthaste> ");
    terminal.type("show agent " + kUuid + "\n");
    terminal.wait_for("worker-1");
    terminal.wait_for("posthaste> ");
    terminal.type("\x04");
    EXPECT_EQ(terminal.wait_for_end(), 0);
}

TEST_F(posthastectl, a_terminal_finds_a_router_that_was_started_again) {
    auto server = std::make_unique<AdminServer>(path, 3);
    Terminal terminal(argv({}), home());
    terminal.wait_for("posthaste> ");
    server.reset();
    terminal.type("show version\n");
    terminal.wait_for("cannot reach the router");
    terminal.wait_for("posthaste> ");
    server = std::make_unique<AdminServer>(path, 3);
    terminal.type("show version\n");
    terminal.wait_for("DPDK 22.11.11");
    terminal.wait_for("posthaste> ");
    terminal.type("exit\n");
    EXPECT_EQ(terminal.wait_for_end(), 0);
}

TEST_F(posthastectl, a_terminal_without_a_router_is_not_opened) {
    Terminal terminal(argv({}), home());
    terminal.wait_for("cannot reach the router");
    EXPECT_EQ(terminal.wait_for_end(), 3);
}

}  // namespace
}  // namespace posthaste
