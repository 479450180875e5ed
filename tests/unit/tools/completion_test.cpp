// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/completion.h"

#include <gtest/gtest.h>

#include "controlplane/command_tree.h"
#include "tests/support/fake_operations.h"

namespace posthaste::tools {
namespace {

using Texts = std::vector<std::string>;

Completion completed(std::string_view line) {
    const test::FakeOperations operations;
    return complete(controlplane::describe_commands(operations), line);
}

Texts texts(std::string_view line) {
    Texts all;
    for (const Candidate& candidate : completed(line).candidates) {
        all.push_back(candidate.text);
    }
    return all;
}

TEST(completion, the_first_word_is_one_of_the_commands) {
    EXPECT_EQ(texts(""),
              (Texts{"agent",
                     "cluster",
                     "events",
                     "help",
                     "lookup",
                     "policy",
                     "rekey",
                     "reload",
                     "route",
                     "router",
                     "show",
                     "tree"}));
    EXPECT_EQ(texts("sh"), (Texts{"show"}));
    EXPECT_EQ(texts("  r"), (Texts{"rekey", "reload", "route", "router"}));
    EXPECT_EQ(texts("x"), Texts{});
    EXPECT_EQ(completed("  sh").start, 2U);
}

TEST(completion, later_words_follow_the_earlier_ones) {
    EXPECT_EQ(texts("show ag"), (Texts{"agent", "agents"}));
    EXPECT_EQ(texts("agent "), (Texts{"add", "drain", "remove"}));
    EXPECT_EQ(texts("shwo "), Texts{});
    EXPECT_EQ(completed("show ve").candidates[0].help, "Show what runs here and for how long.");
    EXPECT_EQ(completed("show ve").start, 5U);
}

TEST(completion, names_of_ports_and_routers_are_the_boxs) {
    EXPECT_EQ(texts("show agents --port "), (Texts{"edge0", "edge1", "fabric0"}));
    EXPECT_EQ(texts("show agents --port ed"), (Texts{"edge0", "edge1"}));
    EXPECT_EQ(texts("show agents --port=f"), (Texts{"fabric0"}));
    EXPECT_EQ(completed("show agents --port=f").start, 19U);
    EXPECT_EQ(texts("route add 00000000-0000-4000-8000-000000000001 "), (Texts{"r2", "r3"}));
    EXPECT_EQ(texts("show policy s"), (Texts{"secrets"}));
}

TEST(completion, options_come_once_unless_repeatable) {
    EXPECT_EQ(texts("show agents "), (Texts{"--limit", "--after", "--port"}));
    EXPECT_EQ(texts("show agents --limit 3 --"), (Texts{"--after", "--port"}));
    EXPECT_EQ(texts("show agents --limit=3 --p"), (Texts{"--port"}));
    EXPECT_EQ(texts("show drops --all "), Texts{});
    EXPECT_EQ(texts("agent add X --capability a --c"), (Texts{"--capability"}));
}

TEST(completion, where_no_list_can_help_a_hint_does) {
    EXPECT_TRUE(texts("lookup ").empty());
    EXPECT_EQ(completed("lookup ").hint,
              "The agent's UUID. a UUID of the form 8-4-4-4-12 hexadecimal digits, not all zero");
    EXPECT_FALSE(completed("show agents --limit ").hint.empty());
    EXPECT_TRUE(completed("show ports ").hint.empty());
}

TEST(completion, help_takes_the_words_of_commands) {
    EXPECT_EQ(texts("help sho"), (Texts{"show"}));
    EXPECT_EQ(texts("help route "), (Texts{"add", "remove"}));
}

TEST(completion, a_tree_of_any_shape_does_no_harm) {
    for (const char* const tree :
         {"null",
          "[]",
          "{}",
          R"({"commands":7})",
          R"({"commands":[7,{},{"words":[1,"a"]}]})",
          R"({"commands":[{"words":["a"],"parameters":[7],"options":[{}]}],"values":7})"}) {
        const Json json = Json::parse(tree);
        for (const char* const line : {"", "a", "a ", "a b ", "a --x ", "a --x=", "a --"}) {
            const Completion completion = complete(json, line);
            EXPECT_LE(completion.start, std::string_view(line).size());
        }
    }
}

TEST(completion, the_common_beginning_is_what_all_share) {
    EXPECT_EQ(common_beginning({}), "");
    EXPECT_EQ(common_beginning({{"agents", ""}}), "agents");
    EXPECT_EQ(common_beginning({{"agent", ""}, {"agents", ""}}), "agent");
    EXPECT_EQ(common_beginning({{"a", ""}, {"b", ""}}), "");
}

}  // namespace
}  // namespace posthaste::tools
