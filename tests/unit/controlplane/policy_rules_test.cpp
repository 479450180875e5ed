// SPDX-License-Identifier: BSD-3-Clause
// Goal: what sections and rule files say becomes policies, and every mistake is named with where it
// stands. Method: texts, and files in a folder of the test's own.
#include "controlplane/policy_rules.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "routing/capability_name.h"
#include "tests/support/scratch_directory.h"

using namespace posthaste;
using namespace posthaste::controlplane;
using routing::PolicyAction;
using routing::PolicyRule;

namespace {

std::vector<PolicyRule> rules_of(std::string_view text, PolicyErrors& errors) {
    return read_rules(text, "a.rules", "p", {}, errors);
}

class policy_rules : public ::testing::Test {
  protected:
    policy_rules() {
        source.path = "box.ini";
        source.ports = {"edge0", "edge1", "tap"};
        source.database_mb = 8;
    }

    PolicyConfig& add(const std::string& name, const std::string& expression) {
        PolicyConfig& policy = source.policies.emplace_back();
        policy.name = name;
        policy.expression = expression;
        policy.line.number = 10;
        policy.expression_line.number = 11;
        return policy;
    }

    std::string file(const std::string& name, const std::string& text) {
        const std::string path = (folder.path() / name).string();
        std::ofstream(path) << text;
        return path;
    }

    // What is wrong, without the test's folder.
    std::string errors() {
        const auto list = read_policies(source);
        if (list.has_value()) {
            return {};
        }
        EXPECT_EQ(list.error().exit_code, kExitMeaning);
        std::string text = list.error().text;
        const std::string prefix = folder.path().string() + "/";
        for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
            text.erase(at, prefix.size());
        }
        return text;
    }

    support::ScratchDirectory folder;
    PolicySource source;
};

}  // namespace

TEST(rules_file, has_one_rule_on_each_line) {
    PolicyErrors errors;
    const auto rules =
        rules_of("# all of them\n\nfirst\r\n  second one \t\n#third\n\\#fourth", errors);
    ASSERT_EQ(rules.size(), 3U);
    EXPECT_EQ(rules[0].expression.text, "first");
    EXPECT_EQ(rules[0].where, "a.rules:3");
    EXPECT_EQ(rules[1].expression.text, "second one");
    EXPECT_EQ(rules[2].expression.text, "\\#fourth");
    EXPECT_EQ(rules[2].where, "a.rules:6");
    EXPECT_TRUE(errors.empty());
    EXPECT_TRUE(rules_of("", errors).empty());
    EXPECT_TRUE(rules_of("\n\n#\n", errors).empty());
}

TEST(rules_file, takes_no_bytes_that_cannot_be_shown) {
    PolicyErrors errors;
    const auto rules = rules_of("fine\n\xff\na\tb\ntoo fine\n", errors);
    EXPECT_EQ(rules.size(), 2U);
    EXPECT_EQ(errors.text(),
              "a.rules:2: [policy p] not printable UTF-8\n"
              "a.rules:3: [policy p] not printable UTF-8\n");
}

TEST(policy_errors, are_bounded_and_the_rest_counted) {
    PolicyErrors errors;
    for (std::size_t i = 0; i < kConfigErrorsMax + 7; ++i) {
        errors.add("f:1", "p", "why");
    }
    EXPECT_TRUE(errors.text().ends_with("f:1: [policy p] why\nand 7 more\n"));
    PolicyErrors one;
    one.add({"too large", {}, {}, {}});
    EXPECT_EQ(one.text(), "[policies] too large\n");
}

TEST_F(policy_rules, a_section_becomes_a_policy) {
    PolicyConfig& config = add("secrets", "pass");
    config.rules = file("a.rules", "word\n");
    config.flags.caseless = true;
    config.ports = {"tap", "edge0"};
    config.capability = "vision/ocr";
    config.depth = 77;
    config.action = PolicyAction::redirect;
    config.redirect = "scanner";
    config.priority = 900;
    const auto list = read_policies(source);
    ASSERT_TRUE(list.has_value()) << list.error().text;
    const routing::Policy& policy = list->at(0);
    EXPECT_EQ(policy.name, "secrets");
    ASSERT_EQ(policy.rules.size(), 2U);
    EXPECT_EQ(policy.rules[0].where, "box.ini:11");
    EXPECT_EQ(policy.rules[1].expression.text, "word");
    EXPECT_TRUE(policy.rules[1].expression.flags.caseless);
    EXPECT_EQ(policy.rules[1].where, config.rules + ":1");
    EXPECT_EQ(policy.ports, (std::vector<std::uint16_t>{0, 2}));
    EXPECT_EQ(policy.capability, routing::capability_id("vision/ocr"));
    EXPECT_EQ(policy.depth, 77U);
    EXPECT_EQ(policy.action, PolicyAction::redirect);
    EXPECT_EQ(policy.redirect, routing::capability_id("scanner"));
    EXPECT_EQ(policy.priority, 900);
}

TEST_F(policy_rules, without_ports_it_is_all_but_the_one_mirrored_to) {
    add("all", "a");
    PolicyConfig& mirroring = add("mirroring", "a");
    mirroring.action = PolicyAction::mirror;
    mirroring.mirror_port = "tap";
    const auto list = read_policies(source);
    ASSERT_TRUE(list.has_value());
    EXPECT_EQ(list->at(0).ports, (std::vector<std::uint16_t>{0, 1, 2}));
    EXPECT_EQ(list->at(1).ports, (std::vector<std::uint16_t>{0, 1}));
    EXPECT_EQ(list->at(1).mirror_port, 2);
}

TEST_F(policy_rules, every_bad_rule_is_named) {
    add("p", "(a").rules = file("a.rules", "fine\nb{9999}\nfine\n(?=c)d\n");
    EXPECT_EQ(errors(),
              "box.ini:11: [policy p] expression = (a: Missing close parenthesis for group started "
              "at index 0\n"
              "a.rules:2: [policy p] expression = b{9999}: too expensive: 9999 positions with its "
              "repeats written out; allowed: 512\n"
              "a.rules:3: [policy p] expression = fine: it is there already, at "
              "a.rules:1\n"
              "a.rules:4: [policy p] expression = (?=c)d: Zero-width assertions are not "
              "supported\n");
}

TEST_F(policy_rules, the_same_expression_may_stand_in_two_policies) {
    add("p", "a");
    add("q", "a");
    EXPECT_EQ(errors(), "");
}

TEST_F(policy_rules, files_that_cannot_be_read_are_named) {
    const std::string base = folder.path().string() + "/";
    add("p", "").rules = base + "none.rules";
    add("q", "").rules = folder.path().string();
    const std::string pipe = base + "pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    add("r", "").rules = pipe;
    add("s", "").rules = file("empty.rules", "# nothing\n");
    EXPECT_EQ(errors(),
              "box.ini:10: [policy p] rules = none.rules: cannot be read: No such file or "
              "directory\n"
              "box.ini:10: [policy q] rules = " +
                  folder.path().string() +
                  ": cannot be read: not a regular file\n"
                  "box.ini:10: [policy r] rules = pipe: cannot be read: not a regular file\n"
                  "empty.rules: [policy s] there is no rule in it\n");
}

TEST_F(policy_rules, a_file_that_is_too_long_is_not_read) {
    add("p", "").rules = file("long.rules", std::string(kRulesFileBytesMax + 1, '\n'));
    EXPECT_EQ(errors(),
              "box.ini:10: [policy p] rules = long.rules: cannot be read: longer than 8388608 "
              "bytes\n");
}

TEST_F(policy_rules, the_rules_of_all_policies_are_counted) {
    std::string half;
    for (std::size_t i = 0; i < routing::kPolicyRulesMax / 2; ++i) {
        half += "word" + std::to_string(i) + "\n";
    }
    const std::string path = file("half.rules", half);
    add("p", "").rules = path;
    add("q", "").rules = path;
    EXPECT_EQ(errors(), "");
    add("r", "one more");
    add("s", "another");
    EXPECT_EQ(errors(),
              "box.ini:10: [policy r] with it there are 10001 rules of all policies; allowed: "
              "10000\n");
}

TEST_F(policy_rules, what_is_built_finds_and_what_is_the_same_is_not_built_again) {
    add("p", "cat");
    const auto built = build_policies(source);
    ASSERT_TRUE(built.has_value());
    ASSERT_NE(built->set, nullptr);
    EXPECT_EQ(built->set->rule_count(), 1U);
    const auto same = build_policies(source, *built);
    ASSERT_TRUE(same.has_value());
    EXPECT_EQ(same->set, built->set);
    source.policies[0].priority = 7;
    const auto other = build_policies(source, *built);
    ASSERT_TRUE(other.has_value());
    EXPECT_NE(other->set, built->set);
    source.policies.clear();
    const auto none = build_policies(source, *built);
    ASSERT_TRUE(none.has_value());
    EXPECT_EQ(none->set, nullptr);
}

TEST_F(policy_rules, a_database_beyond_its_memory_is_refused) {
    add("p", "cat");
    source.database_mb = 0;
    const auto built = build_policies(source);
    ASSERT_FALSE(built.has_value());
    EXPECT_TRUE(built.error().text.starts_with("box.ini: [policies] the databases take "))
        << built.error().text;
    EXPECT_EQ(built.error().exit_code, kExitMeaning);
}
