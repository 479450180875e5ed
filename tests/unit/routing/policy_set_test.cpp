// SPDX-License-Identifier: BSD-3-Clause
// Goal: of the policies that are asked about, exactly those match whose rules do, and hits are
// counted by rule. Method: small sets, payloads as text.
#include "routing/policy_set.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "routing/capability_name.h"

using namespace posthaste::routing;

namespace {

constexpr std::size_t kMegabyte = 1U << 20;

Policy policy(std::string name, std::initializer_list<std::string> expressions) {
    Policy result;
    result.name = std::move(name);
    result.ports = {0, 1};
    for (const std::string& text : expressions) {
        PolicyRule& rule = result.rules.emplace_back();
        rule.expression.text = text;
        rule.where = "rules:" + std::to_string(result.rules.size());
    }
    return result;
}

std::unique_ptr<const PolicySet> compile(std::vector<Policy> policies,
                                         std::size_t bytes_max = kMegabyte) {
    auto set = PolicySet::compile(std::move(policies),
                                  {.workers = 2, .ports = 3, .database_bytes_max = bytes_max});
    return set.has_value() ? std::move(*set) : nullptr;
}

// By worker 0; all of the direction are asked about.
PolicyMask matched(const PolicySet& set,
                   std::string_view payload,
                   PolicyDirection direction = PolicyDirection::in,
                   unsigned worker = 0) {
    PolicyMask result = 0;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(payload.data());
    EXPECT_TRUE(set.scan(worker, set.at(direction, 0), std::span(bytes, payload.size()), result));
    return result;
}

}  // namespace

TEST(policy_set, a_policy_matches_if_one_of_its_rules_does) {
    const auto set = compile({policy("a", {"cat", "dog"}), policy("b", {"d.g"})});
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(matched(*set, "a cat"), 0b01U);
    EXPECT_EQ(matched(*set, "a dog"), 0b11U);
    EXPECT_EQ(matched(*set, "a dig"), 0b10U);
    EXPECT_EQ(matched(*set, "nothing"), 0U);
    EXPECT_EQ(matched(*set, ""), 0U);
}

TEST(policy_set, ranks_go_by_priority_then_by_order) {
    Policy low = policy("low", {"x"});
    low.priority = 1;
    Policy first = policy("first", {"x"});
    Policy second = policy("second", {"x"});
    const auto set = compile({low, first, second});
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->policies()[0].name, "first");
    EXPECT_EQ(set->policies()[1].name, "second");
    EXPECT_EQ(set->policies()[2].name, "low");
}

TEST(policy_set, the_strongest_that_acts_decides) {
    Policy counting = policy("counting", {"x"});
    counting.priority = 900;
    Policy dropping = policy("dropping", {"x"});
    dropping.action = PolicyAction::drop;
    dropping.priority = 500;
    Policy mirroring = policy("mirroring", {"y"});
    mirroring.action = PolicyAction::mirror;
    mirroring.priority = 10;
    const auto set = compile({mirroring, dropping, counting});
    ASSERT_NE(set, nullptr);
    unsigned rank = 99;
    EXPECT_EQ(set->decisive(0b001, rank), nullptr);
    EXPECT_EQ(set->decisive(0b111, rank)->name, "dropping");
    EXPECT_EQ(rank, 1U);
    EXPECT_EQ(set->decisive(0b101, rank)->name, "mirroring");
    EXPECT_EQ(rank, 2U);
}

TEST(policy_set, ports_directions_and_capabilities_tell_policies_apart) {
    Policy everywhere = policy("everywhere", {"x"});
    Policy one_port = policy("one port", {"x"});
    one_port.ports = {1};
    Policy outwards = policy("outwards", {"x"});
    outwards.direction = PolicyDirection::out;
    Policy one_capability = policy("one capability", {"x"});
    one_capability.capability = capability_id("vision/ocr");
    const auto set = compile({everywhere, one_port, outwards, one_capability});
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->at(PolicyDirection::in, 0), 0b1001U);
    EXPECT_EQ(set->at(PolicyDirection::in, 1), 0b1011U);
    EXPECT_EQ(set->at(PolicyDirection::in, 2), 0U);
    EXPECT_EQ(set->at(PolicyDirection::out, 0), 0b0100U);
    const AgentId ocr = capability_id("vision/ocr");
    const AgentId other = capability_id("vision/faces");
    EXPECT_EQ(set->about(0b1011, nullptr), 0b0011U);
    EXPECT_EQ(set->about(0b1011, &other), 0b0011U);
    EXPECT_EQ(set->about(0b1011, &ocr), 0b1011U);
    EXPECT_EQ(matched(*set, "x", PolicyDirection::in), 0b1001U);
    EXPECT_EQ(matched(*set, "x", PolicyDirection::out), 0b0100U);
}

TEST(policy_set, a_policy_looks_no_deeper_than_it_says) {
    Policy shallow = policy("shallow", {"needle", "end$"});
    shallow.depth = 10;
    Policy deep = policy("deep", {"needle"});
    deep.depth = 20;
    const auto set = compile({shallow, deep});
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->depth(), 20U);
    EXPECT_EQ(set->databases(), 2U);
    EXPECT_EQ(matched(*set, "....needle"), 0b11U);
    EXPECT_EQ(matched(*set, ".....needle"), 0b10U);
    EXPECT_EQ(matched(*set, "..............needle"), 0b10U);
    EXPECT_EQ(matched(*set, "...............needle"), 0U);
    EXPECT_EQ(matched(*set, ".......end, cut there"), 0b01U);
}

TEST(policy_set, flags_change_what_matches) {
    Policy plain = policy("plain", {"^a.b$"});
    Policy caseless = plain;
    Policy multiline = plain;
    Policy dotall = plain;
    caseless.rules[0].expression.flags.caseless = true;
    multiline.rules[0].expression.flags.multiline = true;
    dotall.rules[0].expression.flags.dotall = true;
    const auto set = compile({plain, caseless, multiline, dotall});
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(matched(*set, "axb"), 0b1111U);
    EXPECT_EQ(matched(*set, "AxB"), 0b0010U);
    EXPECT_EQ(matched(*set, "\naxb\n."), 0b0100U);
    EXPECT_EQ(matched(*set, "a\nb"), 0b1000U);
}

// Hyperscan promises nothing for expressions of characters over bytes that are none.
TEST(policy_set, with_utf8_the_payload_ends_where_it_is_no_utf8) {
    Policy characters = policy("characters", {"^.b", "tail"});
    for (PolicyRule& rule : characters.rules) {
        rule.expression.flags.utf8 = true;
    }
    const auto set = compile({characters, policy("bytes", {"^..b", "tail"})});
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->databases(), 2U);
    EXPECT_EQ(matched(*set,
                      "\xc3\xa4"
                      "b"),
              0b11U);
    EXPECT_EQ(matched(*set, "some text, tail"), 0b11U);
    EXPECT_EQ(matched(*set, "some \xff text, tail"), 0b10U);
    EXPECT_EQ(matched(*set, "\x80 tail"), 0b10U);
}

TEST(policy_set, hits_are_counted_by_rule_once_a_payload) {
    const auto set = compile({policy("a", {"cat", "dog"}), policy("b", {"cat"})});
    ASSERT_NE(set, nullptr);
    ASSERT_EQ(set->rule_count(), 3U);
    EXPECT_EQ(set->first_rule(1), 2U);
    EXPECT_EQ(matched(*set, "cat cat cat"), 0b11U);
    EXPECT_EQ(matched(*set, "dog, cat"), 0b11U);
    PolicyMask one = 0;
    const std::string cat = "cat";
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(cat.data()), cat.size());
    ASSERT_TRUE(set->scan(1, 0b10, bytes, one));  // another worker, about the second only
    EXPECT_EQ(one, 0b10U);
    EXPECT_EQ(set->hits(0), 2U);
    EXPECT_EQ(set->hits(1), 1U);
    EXPECT_EQ(set->hits(2), 3U);
    EXPECT_EQ(set->sums(0).matched, 2U);
    EXPECT_EQ(set->sums(1).matched, 3U);
    set->counters(0, 1).acted.add(2);
    set->counters(1, 1).acted.add(3);
    set->counters(1, 1).lost.add(1);
    EXPECT_EQ(set->sums(1).acted, 5U);
    EXPECT_EQ(set->sums(1).lost, 1U);
}

TEST(policy_set, operators_see_every_rule_that_matches_and_nothing_is_counted) {
    Policy outwards = policy("outwards", {"cat"});
    outwards.direction = PolicyDirection::out;
    const auto set = compile({policy("a", {"bird", "c.t", "cat"}), outwards});
    ASSERT_NE(set, nullptr);
    const std::string cat = "a cat";
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(cat.data()), cat.size());
    std::vector<std::uint32_t> rules;
    ASSERT_TRUE(set->matching_rules(PolicyDirection::in, bytes, rules));
    EXPECT_EQ(rules, (std::vector<std::uint32_t>{1, 2}));
    ASSERT_TRUE(set->matching_rules(PolicyDirection::out, bytes, rules));
    EXPECT_EQ(rules, (std::vector<std::uint32_t>{3}));
    EXPECT_EQ(set->hits(1), 0U);
    EXPECT_EQ(set->sums(0).matched, 0U);
}

TEST(policy_set, a_database_beyond_its_bound_is_refused) {
    const auto set = PolicySet::compile({policy("a", {"cat|dog|[a-z]{9}"})},
                                        {.workers = 1, .ports = 2, .database_bytes_max = 100});
    ASSERT_FALSE(set.has_value());
    EXPECT_TRUE(set.error().why.starts_with("the databases take ")) << set.error().why;
    EXPECT_TRUE(set.error().why.ends_with("; allowed: 100")) << set.error().why;
}

TEST(policy_set, a_rule_that_cannot_be_compiled_is_named) {
    const auto set = PolicySet::compile({policy("a", {"fine"}), policy("b", {"fine", "(?=x)y"})},
                                        {1, 2, kMegabyte});
    ASSERT_FALSE(set.has_value());
    EXPECT_EQ(set.error().policy, "b");
    EXPECT_EQ(set.error().where, "rules:2");
    EXPECT_EQ(set.error().expression, "(?=x)y");
    EXPECT_EQ(set.error().why, "Zero-width assertions are not supported.");
}

TEST(policy_set, without_policies_there_is_nothing_to_match) {
    const auto set = compile({});
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->at(PolicyDirection::in, 2), 0U);
    EXPECT_EQ(set->database_bytes(), 0U);
    std::vector<std::uint32_t> rules{7};
    ASSERT_TRUE(set->matching_rules(PolicyDirection::in, {}, rules));
    EXPECT_TRUE(rules.empty());
}

TEST(policy_set, as_many_policies_as_there_may_be) {
    std::vector<Policy> policies;
    for (std::size_t i = 0; i < kPoliciesMax; ++i) {
        policies.push_back(policy("p" + std::to_string(i), {"word" + std::to_string(i) + "!"}));
    }
    const auto set = compile(std::move(policies));
    ASSERT_NE(set, nullptr);
    for (std::size_t i = 0; i < kPoliciesMax; ++i) {
        EXPECT_EQ(matched(*set, "word" + std::to_string(i) + "!"), PolicyMask{1} << i);
    }
}
