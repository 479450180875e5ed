// SPDX-License-Identifier: BSD-3-Clause
// Goal: what Hyperscan cannot do or what would cost too much is refused, with the reason; what a
// policy needs is not. Method: tables of expressions, at the bounds.
#include "routing/expression.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

using namespace posthaste::routing;

namespace {

std::string verdict(const std::string& text, const ExpressionFlags& flags = {}) {
    return refuse_expression({text, flags}).value_or("fine");
}

}  // namespace

TEST(expression, what_policies_are_made_of_is_fine) {
    for (const char* text : {"password",
                             R"(\bpass(word|phrase)\s*[:=]\s*\S+)",
                             "[0-9]{3}-[0-9]{2}-[0-9]{4}",
                             "SELECT.*FROM.*WHERE",
                             R"(\x00\xff[^\x80-\xff]{4,})",
                             R"(\Qa.b{3}\E)",
                             "(?i)drop table",
                             "^begin",
                             "end$",
                             "(?P<name>value)",
                             "{not a repeat}",
                             "a{,3}"}) {
        EXPECT_EQ(verdict(text), "fine") << text;
    }
    EXPECT_EQ(verdict(R"(\p{Greek}+ [äöü])", {.utf8 = true}), "fine");
}

TEST(expression, what_hyperscan_lacks_is_refused_by_name) {
    EXPECT_EQ(verdict(R"((a|b)\1)"), "Back-references are unsupported");
    EXPECT_EQ(verdict("(?=a)b"), "Zero-width assertions are not supported");
    EXPECT_EQ(verdict("(?<!a)b"), "Zero-width assertions are not supported");
    EXPECT_EQ(verdict("(?>a)b"), "Atomic groups are unsupported");
    EXPECT_EQ(verdict("a++"), "Possessive quantifiers are not supported");
    EXPECT_EQ(verdict("(a"), "Missing close parenthesis for group started at index 0");
    EXPECT_EQ(verdict("[a"), "Unterminated character class starting at index 0");
    EXPECT_EQ(verdict("\xff", {.utf8 = true}), "Expression is not valid UTF-8");
}

// (*UTF8) would make an expression of bytes one of characters, behind the back of the flag.
TEST(expression, control_verbs_are_refused) {
    const std::string why = "control verbs are not supported; allowed: flags";
    EXPECT_EQ(verdict("(*UTF8)a"), why);
    EXPECT_EQ(verdict("(*UCP)a"), why);
}

TEST(expression, what_matches_the_empty_text_is_refused) {
    const std::string why = "it matches the empty text, and so everything";
    for (const char* text : {"a*", "a?b*", "^", "$", R"(\b)", "(a|)", "a{0,3}"}) {
        EXPECT_EQ(verdict(text), why) << text;
    }
}

TEST(expression, bytes_are_bounded) {
    const std::string most(kExpressionBytesMax, 'a');
    EXPECT_EQ(verdict(most), "fine");
    EXPECT_EQ(verdict(most + 'a'), "it has 513 bytes; allowed: 1 to 512, none of them 0");
    EXPECT_EQ(verdict(""), "it has 0 bytes; allowed: 1 to 512, none of them 0");
    EXPECT_EQ(verdict(std::string("a\0b", 3)), "it has 3 bytes; allowed: 1 to 512, none of them 0");
}

TEST(expression, positions_are_counted_with_repeats_written_out) {
    const std::vector<std::pair<const char*, std::size_t>> expected = {
        {"", 0},
        {"abc", 3},
        {"a.[b-z]", 3},
        {"a(bc){3}", 7},
        {"a{2,5}", 5},
        {"a{4,}", 4},
        {"a{0}", 1},
        {"(a|bc)*", 3},
        {"((a{10}){10}){10}", 1'000},
        {"(a{10}b){2}", 22},
        {R"(\d{3}\.)", 4},
        {R"(\Qa{9}\E)", 4},
        {R"(\x{41}{5})", 5},
        {R"(\p{Lu}{5})", 5},
        {R"(\pL{5})", 5},
        {R"(\x41{5}1)", 6},
        {R"(\101{5}1)", 6},
        {R"(\1ab)", 3},
        {R"(\018)", 2},
        {R"(\99{3})", 4},
        {"[]x]{3}", 3},
        {"[^]]{3}", 3},
        {"[[:alpha:]]{3}", 3},
        {R"([\]]{3})", 3},
        {"(?i)ab", 2},
        {"(?i:ab){3}", 6},
        {"x(?#why){3}", 3},
        {"( ){300}", 300},
        {"{3", 2},
        {")))", 0},
        {"((((", 0},
    };
    for (const auto& [text, positions] : expected) {
        EXPECT_EQ(expression_positions(text, false), positions) << text;
    }
    EXPECT_EQ(expression_positions(".", true), 4U);
    EXPECT_EQ(expression_positions("ä{3}", true), 6U);
    EXPECT_EQ(expression_positions("ä{3}", false), 4U);
}

// What a class of characters has is counted, since each repeat of it is made of all of it.
TEST(expression, classes_of_utf8_count_what_is_in_them) {
    const std::vector<std::pair<const char*, std::size_t>> expected = {
        {"[a-z]{3}", 12},
        {"[äö]{3}", 24},
        {"[^ä]{3}", 18},
        {R"([\ä]{2})", 14},
        {R"([\x{100}-\x{200}]{3})", 36},
        {R"([\x80\200]{2})", 16},
        {R"(\p{L}{2})", 2 * kPropertyPositions},
        {R"(\pL{3})", 3 * kPropertyPositions},
        {R"(\pL\P{N})", 2 * kPropertyPositions},
        {R"([\p{L}\PN]{2})", 8 + 4 * kPropertyPositions},
        {R"(\xe4{3})", 12},
        {R"(\ä{3})", 6},
        {R"(\Q\p{L}\E)", 5},
        // A quote in a class ends behind its \E, whatever it has before that.
        {R"([\Q]ä\p\E\pL]{2})", 2 * (6 + kPropertyPositions)},
        {R"([\Q]\Eä]{3})", 18},
        {"[[:^alpha:]ä]{3}", 18},
    };
    for (const auto& [text, positions] : expected) {
        EXPECT_EQ(expression_positions(text, true), positions) << text;
        EXPECT_LE(expression_positions(text, false), positions) << text;
    }
}

// However a repeat is disguised, what is written out is counted.
TEST(expression, repeats_cannot_be_hidden) {
    for (const char* text : {"(a{30}){30}",
                             "(?:a{30}){30}",
                             "(?x) (a{30}) {30}",
                             "(a{30})(?#note){30}",
                             R"((\)a{30}){30})",
                             "([)]a{30}){30}",
                             R"((\Q)\Ea{30}){30})",
                             R"(\c[(a{30}){30}])",
                             R"([\c\](a{30}){30}])",
                             "a{1,99999999999999999999}",
                             "(((((a{99}){99}){99}){99}){99}){99}"}) {
        EXPECT_GE(expression_positions(text, false), 900U) << text;
        EXPECT_NE(verdict(text), "fine") << text;
    }
    EXPECT_EQ(verdict("x{512}"), "fine");
    EXPECT_EQ(verdict("x{513}"),
              "too expensive: 513 positions with its repeats written out; allowed: 512");
    EXPECT_EQ(verdict("(((((a{99}){99}){99}){99}){99}){99}"),
              "too expensive: very many positions with its repeats written out; allowed: 512");
    EXPECT_EQ(verdict(".{129}", {.utf8 = true}),
              "too expensive: 516 positions with its repeats written out; allowed: 512");
    // This one took Hyperscan 9 s, to find it too large.
    EXPECT_EQ(verdict(R"(\p{L}{99})", {.caseless = true, .utf8 = true}),
              "too expensive: 6336 positions with its repeats written out; allowed: 512");
    EXPECT_EQ(verdict(R"([^\p{L}]{128})", {.utf8 = true}),
              "too expensive: 8704 positions with its repeats written out; allowed: 512");
    EXPECT_EQ(verdict(R"(\p{Lu}\p{Ll}+ \p{N}{1,5})", {.utf8 = true}), "fine");
}
