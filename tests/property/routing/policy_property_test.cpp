// SPDX-License-Identifier: BSD-3-Clause
// Content policies against std::regex, for expressions both read alike, and against a search by
// hand for who is concerned, who decides and what is counted.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "routing/capability_name.h"
#include "routing/policy_set.h"

using namespace posthaste::routing;

namespace {

constexpr std::size_t kMegabyte = 1U << 20;

std::string any_of(std::initializer_list<const char*> texts) {
    return *rc::gen::elementOf(std::vector<std::string>(texts.begin(), texts.end()));
}

// Over the letters a to d. Groups are repeated a few times at most, and none without end within
// another, or std::regex would not come to one.
std::string any_expression(int depth) {
    std::string text;
    const int parts = *rc::gen::inRange(1, 4);
    for (int part = 0; part < parts; ++part) {
        const int kind = *rc::gen::inRange(0, depth > 0 ? 6 : 4);
        std::string atom;
        if (kind < 3) {
            atom = any_of({"a", "b", "c", "d", "\\w", "ab"});
        } else if (kind == 3) {
            atom = any_of({".", "[ab]", "[^a]", "[b-d]", "[^c-d]"});
        } else {
            atom = "(?:" + any_expression(depth - 1) + "|" + any_expression(depth - 1) + ")";
        }
        if (kind >= 4) {
            text += atom + any_of({"", "", "?", "{2}", "{1,2}"});
        } else if (atom != "ab") {
            text += atom + any_of({"", "", "", "?", "*", "+", "{2}", "{1,3}", "{2,}"});
        } else {
            text += atom;
        }
    }
    return text;
}

std::string any_text(const char* letters, int longest) {
    const std::string all = letters;
    return *rc::gen::resize(longest, rc::gen::container<std::string>(rc::gen::elementOf(all)));
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A policy of words, and the words themselves.
struct Words {
    Policy policy;
    std::vector<std::string> words;

    [[nodiscard]] bool matches(const std::string& payload) const {
        const std::string seen = payload.substr(0, policy.depth);
        return std::ranges::any_of(
            words, [&](const std::string& word) { return seen.find(word) != std::string::npos; });
    }
};

Words any_words(std::size_t number) {
    Words made;
    Policy& policy = made.policy;
    policy.name = "p" + std::to_string(number);
    policy.depth = *rc::gen::element(4U, 8U, 1'024U);
    policy.priority = *rc::gen::element<std::uint16_t>(1, 2, 3);
    policy.action = *rc::gen::element(PolicyAction::count, PolicyAction::drop);
    policy.direction = *rc::gen::element(PolicyDirection::in, PolicyDirection::out);
    policy.ports = *rc::gen::element(std::vector<std::uint16_t>{0},
                                     std::vector<std::uint16_t>{1},
                                     std::vector<std::uint16_t>{0, 1});
    if (*rc::gen::inRange(0, 3) == 0) {
        policy.capability = capability_id(any_of({"one", "two"}));
    }
    const int count = *rc::gen::inRange(1, 4);
    for (int i = 0; i < count; ++i) {
        std::string word = "x" + any_text("xy", 3);
        if (std::ranges::find(made.words, word) == made.words.end()) {
            policy.rules.push_back({{word, {}}, {}});
            made.words.push_back(std::move(word));
        }
    }
    return made;
}

bool concerns(const Policy& policy,
              PolicyDirection direction,
              std::uint16_t port,
              const AgentId* capability) {
    return policy.direction == direction &&
           std::ranges::find(policy.ports, port) != policy.ports.end() &&
           (!policy.capability || (capability != nullptr && *policy.capability == *capability));
}

}  // namespace

TEST(policy_property, what_matches_is_what_std_regex_finds) {
    const bool held = rc::check([] {
        Policy policy;
        policy.name = "p";
        policy.ports = {0};
        std::vector<std::regex> expected;
        const bool caseless = *rc::gen::arbitrary<bool>();
        for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
            Expression expression{any_expression(2), {.caseless = caseless}};
            const std::regex::flag_type flags =
                std::regex::ECMAScript | (caseless ? std::regex::icase : std::regex::flag_type{});
            const std::regex same(expression.text, flags);
            const bool empty = std::regex_match("", same);
            RC_ASSERT(refuse_expression(expression).has_value() == empty);
            if (!empty) {
                policy.rules.push_back({std::move(expression), {}});
                expected.push_back(same);
            }
        }
        RC_PRE(!expected.empty());
        const auto set = PolicySet::compile(
            {policy}, {.workers = 1, .ports = 1, .database_bytes_max = 64 * kMegabyte});
        RC_ASSERT(set.has_value());
        for (int i = 0; i < 4; ++i) {
            const std::string text = any_text("abcdABD", 16);
            std::vector<std::uint32_t> wanted;
            for (std::uint32_t rule = 0; rule < expected.size(); ++rule) {
                if (!text.empty() && std::regex_search(text, expected[rule])) {
                    wanted.push_back(rule);
                }
            }
            std::vector<std::uint32_t> found;
            RC_ASSERT((*set)->matching_rules(PolicyDirection::in, bytes_of(text), found));
            RC_ASSERT(found == wanted);
        }
    });
    EXPECT_TRUE(held);
}

TEST(policy_property, who_is_concerned_who_decides_and_what_is_counted) {
    const bool held = rc::check([] {
        std::vector<Words> all;
        for (int i = *rc::gen::inRange(1, 7); i > 0; --i) {
            all.push_back(any_words(all.size()));
        }
        std::vector<Policy> policies;
        std::ranges::transform(all, std::back_inserter(policies), &Words::policy);
        const auto set = PolicySet::compile(
            policies, {.workers = 1, .ports = 2, .database_bytes_max = 64 * kMegabyte});
        RC_ASSERT(set.has_value());
        std::vector<std::uint64_t> counted(all.size(), 0);
        for (int i = 0; i < 8; ++i) {
            const std::string payload = any_text("xyz", 16);
            const auto direction = *rc::gen::element(PolicyDirection::in, PolicyDirection::out);
            const auto port = *rc::gen::element<std::uint16_t>(0, 1);
            const AgentId to = capability_id(any_of({"one", "two", "three"}));
            const AgentId* const capability = *rc::gen::arbitrary<bool>() ? &to : nullptr;
            PolicyMask matched = 0;
            RC_ASSERT((*set)->scan(0,
                                   (*set)->about((*set)->at(direction, port), capability),
                                   bytes_of(payload),
                                   matched));
            unsigned rank = 0;
            const Policy* const decisive = (*set)->decisive(matched, rank);
            const Words* strongest = nullptr;
            for (std::size_t n = 0; n < all.size(); ++n) {
                if (!concerns(all[n].policy, direction, port, capability) ||
                    !all[n].matches(payload)) {
                    continue;
                }
                ++counted[n];
                if (all[n].policy.action != PolicyAction::count &&
                    (strongest == nullptr || all[n].policy.priority > strongest->policy.priority)) {
                    strongest = &all[n];
                }
            }
            const std::string wanted = strongest == nullptr ? "" : strongest->policy.name;
            const std::string found = decisive == nullptr ? "" : decisive->name;
            RC_ASSERT(found == wanted);
        }
        for (std::size_t rank = 0; rank < all.size(); ++rank) {
            const std::string& name = (*set)->policies()[rank].name;
            const auto n = static_cast<std::size_t>(std::stoul(name.substr(1)));
            RC_ASSERT((*set)->sums(rank).matched == counted[n]);
        }
    });
    EXPECT_TRUE(held);
}
