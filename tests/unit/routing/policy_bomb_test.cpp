// SPDX-License-Identifier: BSD-3-Clause
// Goal: what a payload costs is bounded by its length and by the rules, whatever is in it: each
// database sees each byte once, up to its depth, and says of each rule once that it matches.
// Method: payloads that match at every byte or nearly match all the time, rules that take
// backtracking matchers for ever; the work is what the set counts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "routing/expression.h"
#include "routing/policy_set.h"

using namespace posthaste::routing;

namespace {

constexpr std::size_t kMegabytes = 64U << 20;

struct Bomb {
    std::string_view rule;
    std::string_view near;  // again and again: always about to match
    std::string_view end;   // behind that: matches
};

constexpr Bomb kBombs[] = {
    {"(a+)+b", "a", "b"},
    {"(x+x+)+y", "x", "y"},
    {"(c|c)*d", "c", "cd"},
    {"(e|ee)+f", "e", "f"},
    {"(g?){30}g{30}h", "g", "h"},
    {"(.*i){12}j", "i", "j"},
    {"([k-m]+[0-9]*)+!", "k1", "!"},
    {"(([n-p])+.)+[A-Z]([a-z])+;", "no", "Zz;"},
    {"(qr|st).{1,40}[u-w]{3,30}#", "qruvw", "#"},
    {"z.{0,200}z.{0,200}%", "z", "%"},
};

Policy policy(std::uint32_t depth = kPolicyDepthMax) {
    Policy made;
    made.name = "bombs";
    made.ports = {0};
    made.depth = depth;
    return made;
}

void add_rule(Policy& to, std::string_view expression, bool utf8 = false) {
    PolicyRule rule{{std::string(expression), {}}, "test:1"};
    rule.expression.flags.utf8 = utf8;
    EXPECT_EQ(refuse_expression(rule.expression), std::nullopt) << expression;
    to.rules.push_back(std::move(rule));
}

std::unique_ptr<const PolicySet> compile(std::vector<Policy> policies) {
    auto set = PolicySet::compile(std::move(policies),
                                  {.workers = 1, .ports = 1, .database_bytes_max = kMegabytes});
    EXPECT_TRUE(set.has_value()) << set.error().why;
    return set.has_value() ? std::move(*set) : nullptr;
}

// As long as a payload may be; `end` stands at its end.
std::string filled(std::string_view unit, std::string_view end = {}) {
    std::string text;
    while (text.size() + unit.size() + end.size() <= kPolicyDepthMax) {
        text += unit;
    }
    return text.append(end);
}

// What the scan of one payload came to.
PolicyWork work_of(const PolicySet& set,
                   std::string_view payload,
                   PolicyMask among,
                   PolicyMask& matched) {
    const PolicyWork before = set.work();
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(payload.data());
    EXPECT_TRUE(set.scan(0, among, std::span(bytes, payload.size()), matched));
    const PolicyWork after = set.work();
    return {after.bytes - before.bytes, after.reports - before.reports};
}

}  // namespace

TEST(policy_bomb, a_match_at_every_byte_is_reported_once_a_rule) {
    constexpr std::size_t kEach = 100;
    Policy rules = policy();
    for (std::size_t i = 1; i <= kEach; ++i) {
        const std::string count = std::to_string(i);
        add_rule(rules, "a{" + count + "}");
        add_rule(rules, "[ab]{" + count + ",}");
        add_rule(rules, ".{" + count + "}a");
        add_rule(rules, "(a+){1," + count + "}");
    }
    const auto set = compile({rules});
    ASSERT_NE(set, nullptr);
    PolicyMask matched = 0;
    const PolicyWork work = work_of(*set, filled("a"), 1, matched);
    EXPECT_EQ(matched, 1U);
    EXPECT_EQ(work.bytes, kPolicyDepthMax);
    EXPECT_EQ(work.reports, 4 * kEach);
    for (std::size_t rule = 0; rule < set->rule_count(); ++rule) {
        EXPECT_EQ(set->hits(rule), 1U);
    }
}

TEST(policy_bomb, rules_that_nobody_asked_about_are_reported_once_too) {
    std::vector<Policy> policies(kPoliciesMax, policy());
    for (Policy& each : policies) {
        add_rule(each, "[a-z]");
    }
    const auto set = compile(std::move(policies));
    ASSERT_NE(set, nullptr);
    PolicyMask matched = 0;
    const PolicyWork work = work_of(*set, filled("abc"), 0b100, matched);
    EXPECT_EQ(matched, 0b100U);
    EXPECT_EQ(work.bytes, kPolicyDepthMax);
    EXPECT_LE(work.reports, kPoliciesMax);
    EXPECT_GE(work.reports, 1U);
}

TEST(policy_bomb, what_nearly_matches_all_the_time_is_seen_once) {
    Policy all = policy();
    for (const Bomb& bomb : kBombs) {
        Policy alone = policy();
        add_rule(alone, bomb.rule);
        add_rule(all, bomb.rule);
        const auto set = compile({alone});
        ASSERT_NE(set, nullptr);
        for (const bool ends : {false, true}) {
            const std::string payload = filled(bomb.near, ends ? bomb.end : "");
            PolicyMask matched = 0;
            const PolicyWork work = work_of(*set, payload, 1, matched);
            EXPECT_EQ(matched, ends ? 1U : 0U) << bomb.rule;
            EXPECT_EQ(work.bytes, payload.size()) << bomb.rule;
            EXPECT_EQ(work.reports, ends ? 1U : 0U) << bomb.rule;
        }
    }
    const auto set = compile({all});
    ASSERT_NE(set, nullptr);
    std::string mixed;
    for (int round = 0; round < 2; ++round) {
        for (const Bomb& bomb : kBombs) {
            for (int i = 0; i < 90; ++i) {
                mixed += bomb.near;
            }
            mixed += bomb.end;
        }
    }
    PolicyMask matched = 0;
    const PolicyWork work = work_of(*set, mixed, 1, matched);
    EXPECT_EQ(work.bytes, mixed.size());
    EXPECT_EQ(work.reports, std::size(kBombs)) << "twice in it, each said once";
}

// Each depth is a database of its own, and so is each reading: as many looks as policies at most.
TEST(policy_bomb, no_database_looks_deeper_than_its_policies) {
    std::vector<Policy> policies;
    std::uint64_t allowed = 0;
    for (std::uint32_t i = 0; i < kPoliciesMax; ++i) {
        policies.push_back(policy(16 + i * 100));
        add_rule(policies.back(), "(a+)+[ab]", i % 2 == 0);
        allowed += policies.back().depth;
    }
    const auto set = compile(policies);
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->databases(), kPoliciesMax);
    const PolicyMask all = ~PolicyMask{0};
    PolicyMask matched = 0;
    const PolicyWork work = work_of(*set, filled("a"), all, matched);
    EXPECT_EQ(matched, all);
    EXPECT_EQ(work.bytes, allowed);
    EXPECT_EQ(work.reports, kPoliciesMax);
    const PolicyWork of_one = work_of(*set, filled("a"), 0b10, matched);
    EXPECT_EQ(of_one.bytes, policies[1].depth) << "who is not asked does not look";
}
