// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/command_tree.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/fake_operations.h"

namespace posthaste::controlplane {
namespace {

using test::FakeOperations;
using test::numbered_agent;

const std::string kUuid = "00000000-0000-4000-8000-000000000001";

Outcome run(Operations& operations, std::vector<std::string> words, const NamedValues& named = {}) {
    return execute(operations, words, named).outcome;
}

// The error of a call that must fail, as "code: message", and must not have reached the box.
std::string refusal(std::vector<std::string> words, const NamedValues& named = {}) {
    FakeOperations operations;
    const Outcome outcome = run(operations, std::move(words), named);
    EXPECT_EQ(operations.calls, 0U);
    return outcome ? "no error" : outcome.error().code + ": " + outcome.error().message;
}

TEST(command_tree, every_command_without_arguments_answers) {
    for (const Command& command : commands()) {
        if (!command.parameters.empty() && command.parameters[0].need == Need::required) {
            continue;
        }
        FakeOperations operations;
        std::vector<std::string> words;
        std::string path(command.path);
        std::replace(path.begin(), path.end(), ' ', '\n');
        std::istringstream lines(path);
        for (std::string word; std::getline(lines, word);) {
            words.push_back(word);
        }
        EXPECT_TRUE(run(operations, words).has_value()) << command.path;
    }
}

TEST(command_tree, every_command_has_a_sentence_of_help_that_fits_a_line) {
    for (const Command& command : commands()) {
        EXPECT_TRUE(command.help.ends_with('.')) << command.path;
        EXPECT_LE(command.help.size(), 80U) << command.path;
    }
}

TEST(command_tree, a_wrong_word_is_named_with_what_was_meant_and_what_is_allowed) {
    EXPECT_EQ(refusal({"shwo", "ports"}),
              "usage: no command 'shwo'; did you mean 'show'?; allowed: agent, cluster, events, "
              "help, lookup, policy, rekey, reload, route, router, show, tree");
    EXPECT_EQ(refusal({"agent", "reomve", kUuid}),
              "usage: no command 'reomve' after 'agent'; did you mean 'remove'?; allowed: add, "
              "drain, remove");
    EXPECT_EQ(refusal({"route"}), "usage: 'route' needs one of: add, remove");
    EXPECT_TRUE(refusal({}).starts_with("usage: an empty command needs one of: agent, cluster"));
}

TEST(command_tree, a_wrong_value_is_named_with_what_is_allowed) {
    EXPECT_EQ(refusal({"lookup", "1234"}),
              "usage: AGENT cannot be '1234'; allowed: a UUID of the form 8-4-4-4-12 hexadecimal "
              "digits, not all zero; usage: lookup AGENT");
    EXPECT_TRUE(refusal({"lookup", "00000000-0000-0000-0000-000000000000"})
                    .starts_with("usage: AGENT cannot be"));
    EXPECT_TRUE(refusal({"show", "agents", "--limit", "0"}).starts_with("usage: --limit cannot"));
    EXPECT_TRUE(refusal({"show", "agents", "--limit=1001"}).starts_with("usage: --limit cannot"));
    EXPECT_TRUE(refusal({"show", "agents", "--limit", "-1"}).starts_with("usage: --limit cannot"));
    EXPECT_TRUE(refusal({"show", "agents", "--limit"}).starts_with("usage: --limit needs a value"));
    EXPECT_TRUE(refusal({"show", "agents", "--limit=1", "--limit=2"})
                    .starts_with("usage: --limit is given twice"));
    EXPECT_TRUE(refusal({"show", "drops", "--all=yes"}).starts_with("usage: --all cannot be"));
}

TEST(command_tree, a_wrong_option_is_named_with_what_was_meant) {
    EXPECT_EQ(refusal({"show", "agents", "--limt", "3"}),
              "usage: 'show agents' has no option 'limt'; did you mean 'limit'?; allowed: limit, "
              "after, port; usage: show agents [--limit NUMBER] [--after CURSOR] [--port PORT]");
    EXPECT_EQ(refusal({"show", "ports", "--"}),
              "usage: 'show ports' has no option ''; allowed: none; usage: show ports");
}

TEST(command_tree, what_is_missing_or_too_much_is_named) {
    EXPECT_TRUE(refusal({"agent", "remove"}).starts_with("usage: 'agent remove' needs AGENT: "));
    EXPECT_TRUE(refusal({"agent", "add", kUuid, "--port", "edge0"})
                    .starts_with("usage: 'agent add' needs --address: "));
    EXPECT_TRUE(
        refusal({"show", "ports", "now"}).starts_with("usage: too much for 'show ports': 'now'"));
}

TEST(command_tree, an_unknown_port_or_router_is_not_found_with_the_nearest_name) {
    EXPECT_EQ(refusal({"show", "agents", "--port", "egde0"}),
              "not_found: no port 'egde0'; did you mean 'edge0'?; allowed: edge0, edge1, fabric0");
    EXPECT_EQ(refusal({"route", "add", kUuid, "paris"}),
              "not_found: no router 'paris'; allowed: r2, r3");
}

TEST(command_tree, an_agent_is_added_with_everything_the_options_say) {
    FakeOperations operations(0);
    const Outcome outcome = run(operations,
                                {"agent",
                                 "add",
                                 kUuid,
                                 "--port=edge1",
                                 "--address",
                                 "[2001:db8::7]:5000",
                                 "--mac",
                                 "02:00:00:00:00:77",
                                 "--name",
                                 "a b",
                                 "--capability",
                                 "x/y",
                                 "--capability",
                                 "z"});
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    EXPECT_EQ(*outcome, (Json{{"agent", kUuid}, {"outcome", "added"}}));
    const AgentAddition& added = operations.last_addition;
    EXPECT_EQ(added.agent, numbered_agent(1));
    EXPECT_EQ(added.port, "edge1");
    EXPECT_EQ(added.address.to_text(), "2001:db8::7");
    EXPECT_EQ(added.udp_port, 5000);
    EXPECT_EQ(added.mac->to_text(), "02:00:00:00:00:77");
    EXPECT_EQ(added.name, "a b");
    EXPECT_EQ(added.capabilities, (std::vector<std::string>{"x/y", "z"}));
}

TEST(command_tree, named_values_are_as_good_as_words) {
    FakeOperations operations(0);
    const Outcome outcome =
        run(operations,
            {"agent", "add"},
            {{"agent", kUuid}, {"port", "edge0"}, {"address", "10.0.0.9"}, {"capability", "z"}});
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    EXPECT_EQ(operations.last_addition.agent, numbered_agent(1));
    EXPECT_FALSE(operations.last_addition.udp_port.has_value());
    EXPECT_FALSE(operations.last_addition.mac.has_value());
    EXPECT_TRUE(refusal({"agent", "remove", kUuid}, {{"agent", kUuid}})
                    .starts_with("usage: agent is given twice"));
}

TEST(command_tree, help_lists_the_commands_that_begin_so) {
    FakeOperations operations;
    const Outcome all = run(operations, {"help"});
    ASSERT_TRUE(all.has_value());
    EXPECT_EQ(all->size(), commands().size());
    const Outcome some = run(operations, {"help", "route"});
    ASSERT_TRUE(some.has_value());
    EXPECT_EQ((*some)[0]["command"], "route add AGENT ROUTER [--seconds NUMBER]");
    EXPECT_EQ(some->size(), 2U);
    EXPECT_EQ(run(operations, {"help", "rout"}).error().code, "not_found");
}

TEST(command_tree, the_description_names_every_command_and_the_values_of_the_box) {
    const FakeOperations operations;
    const Json tree = describe_commands(operations);
    ASSERT_EQ(tree["commands"].size(), commands().size());
    EXPECT_EQ(tree["commands"][0]["words"], (Json{"agent", "add"}));
    EXPECT_EQ(tree["commands"][0]["parameters"][0]["kind"], "uuid");
    EXPECT_EQ(tree["commands"][0]["options"][4]["need"], "repeated");
    EXPECT_EQ(tree["values"]["port"], (Json{"edge0", "edge1", "fabric0"}));
    EXPECT_EQ(tree["values"]["router"], (Json{"r2", "r3"}));
}

TEST(command_arguments, payloads_are_pairs_of_hexadecimal_digits) {
    const std::string most(2 * kPayloadBytesMax, 'f');
    EXPECT_TRUE(is_valid(ValueKind::payload, most));
    EXPECT_FALSE(is_valid(ValueKind::payload, most + "ff"));
    for (const char* const wrong : {"", "f", "fff", "0x", "fg", " ff"}) {
        EXPECT_FALSE(is_valid(ValueKind::payload, wrong)) << wrong;
    }
    Arguments arguments;
    arguments.add("payload", "00fFa1");
    EXPECT_EQ(arguments.bytes("payload"), (std::vector<std::uint8_t>{0x00, 0xff, 0xa1}));
    EXPECT_TRUE(arguments.bytes("other").empty());
}

TEST(command_arguments, names_hold_no_control_characters_and_have_bounds) {
    EXPECT_TRUE(is_valid(ValueKind::name, std::string(255, 'a')));
    EXPECT_FALSE(is_valid(ValueKind::name, std::string(256, 'a')));
    EXPECT_FALSE(is_valid(ValueKind::name, ""));
    EXPECT_FALSE(is_valid(ValueKind::name, "a\x1b[2J"));
    EXPECT_TRUE(is_valid(ValueKind::name, "gr\xc3\xbc\xc3\x9f"));
    EXPECT_TRUE(is_valid(ValueKind::capability, std::string(100, 'a')));
    EXPECT_FALSE(is_valid(ValueKind::capability, std::string(101, 'a')));
    EXPECT_FALSE(is_valid(ValueKind::mac, "ff:ff:ff:ff:ff:ff"));
    EXPECT_FALSE(is_valid(ValueKind::mac, "01:00:00:00:00:01"));
    EXPECT_FALSE(is_valid(ValueKind::mac, "00:00:00:00:00:00"));
}

}  // namespace
}  // namespace posthaste::controlplane
