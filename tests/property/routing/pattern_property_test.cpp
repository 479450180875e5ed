// SPDX-License-Identifier: BSD-3-Clause
// Compiled patterns against a matcher that tries everything, and against std::regex.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <regex>
#include <string>
#include <vector>

#include "routing/name_bytes.h"
#include "routing/pattern.h"
#include "routing/pattern_database.h"
#include "tests/support/naive_glob.h"

using namespace posthaste::routing;
using posthaste::test::naive_glob_matches;

namespace {

// Few bytes, so that patterns and names meet.
std::string text_of(std::string_view alphabet, std::size_t length_max) {
    const auto length = *rc::gen::inRange<std::size_t>(1, length_max + 1);
    std::string text;
    while (text.size() < length) {
        text += *rc::gen::elementOf(std::string(alphabet));
    }
    return text;
}

std::string any_glob() {
    std::string glob;
    const int steps = *rc::gen::inRange(1, 9);
    for (int i = 0; i < steps; ++i) {
        glob += *rc::gen::element<std::string>(
            "a", "b", "/", "*", "**", "?", "[ab]", "[a-c]", "a", ".", "[-x.]", "/");
    }
    return glob;
}

// Groups are repeated a bounded number of times: std::regex tries all ways.
std::string any_regex(int depth = 0) {
    std::string text;
    const int atoms = *rc::gen::inRange(1, 4);
    for (int i = 0; i < atoms; ++i) {
        if (*rc::gen::inRange(0, 4) == 0 && depth < 2) {
            text += "(" + any_regex(depth + 1) + "|" + any_regex(depth + 1) + ")";
            text += *rc::gen::element<std::string>("", "", "?", "{2}", "{0,2}");
        } else {
            text += *rc::gen::element<std::string>("a", "b", "/", ".", "[ab]", "[^a]");
            text += *rc::gen::element<std::string>("", "", "", "*", "+", "?", "{2}", "{1,}");
        }
    }
    return text;
}

std::vector<std::uint32_t> matches(const PatternDatabase& database, std::string_view name) {
    PatternScratch scratch;
    RC_ASSERT(scratch.fit(database));
    std::array<std::uint32_t, kPatternMatchesMax> numbers{};
    const auto found = database.match(name, scratch, numbers);
    RC_ASSERT(!found.overflow);
    std::sort(numbers.begin(), numbers.begin() + found.count);
    return {numbers.begin(), numbers.begin() + found.count};
}

// Those that are good, compiled; null if none is.
std::unique_ptr<const PatternDatabase> compiled(PatternKind kind, std::vector<std::string>& texts) {
    std::vector<std::string> expressions;
    std::vector<std::string> good;
    for (const std::string& text : texts) {
        if (auto read = read_pattern(kind, text)) {
            good.push_back(text);
            expressions.push_back(std::move(read->expression));
        }
    }
    texts = good;
    if (good.empty()) {
        return nullptr;
    }
    std::vector<NumberedExpression> numbered;
    for (std::uint32_t i = 0; i < expressions.size(); ++i) {
        numbered.push_back({i, expressions[i]});
    }
    auto database = PatternDatabase::compile(numbered, ~std::size_t{0});
    RC_ASSERT(database.has_value());
    return std::move(*database);
}

}  // namespace

TEST(pattern_property, globs_match_what_trying_matches) {
    EXPECT_TRUE(rc::check([] {
        std::vector<std::string> globs(4);
        for (std::string& glob : globs) {
            glob = any_glob();
        }
        const auto database = compiled(PatternKind::glob, globs);
        for (int i = 0; database != nullptr && i < 20; ++i) {
            const std::string name = text_of("ab/.x-", 10);
            std::vector<std::uint32_t> expected;
            for (std::uint32_t number = 0; number < globs.size(); ++number) {
                if (naive_glob_matches(globs[number], name)) {
                    expected.push_back(number);
                }
            }
            RC_ASSERT(matches(*database, name) == expected);
        }
    }));
}

TEST(pattern_property, a_canonical_glob_matches_what_the_written_one_does) {
    EXPECT_TRUE(rc::check([] {
        const std::string glob = any_glob();
        const auto read = read_pattern(PatternKind::glob, glob);
        RC_PRE(read.has_value());
        const std::string& canonical = read->pattern.text;
        RC_ASSERT(read_pattern(PatternKind::glob, canonical)->pattern.text == canonical);
        RC_ASSERT(canonical.size() <= glob.size());
        for (int i = 0; i < 20; ++i) {
            const std::string name = text_of("ab/.x-", 10);
            RC_ASSERT(naive_glob_matches(canonical, name) == naive_glob_matches(glob, name));
        }
    }));
}

TEST(pattern_property, regexes_match_what_std_regex_matches) {
    EXPECT_TRUE(rc::check([] {
        std::vector<std::string> regexes(4);
        for (std::string& regex : regexes) {
            regex = any_regex();
        }
        const auto database = compiled(PatternKind::regex, regexes);
        for (int i = 0; database != nullptr && i < 20; ++i) {
            const std::string name = text_of("ab/c", 7);
            std::vector<std::uint32_t> expected;
            for (std::uint32_t number = 0; number < regexes.size(); ++number) {
                if (std::regex_match(name, std::regex(regexes[number]))) {
                    expected.push_back(number);
                }
            }
            RC_ASSERT(matches(*database, name) == expected);
        }
    }));
}

TEST(pattern_property, any_text_is_read_or_refused_and_what_is_read_compiles) {
    EXPECT_TRUE(rc::check([](bool regex) {
        const std::string text = text_of("ab/.-[](){}|*+?,^$\\dwD:0129xyz", 40);
        const auto kind = regex ? PatternKind::regex : PatternKind::glob;
        const auto read = read_pattern(kind, text);
        RC_ASSERT(check_pattern(kind, text).has_value() == !read.has_value());
        if (read) {
            RC_ASSERT(read->positions <= kPatternPositionsMax);
            const NumberedExpression one{0, read->expression};
            RC_ASSERT(PatternDatabase::compile({&one, 1}, ~std::size_t{0}).has_value());
        }
    }));
}
