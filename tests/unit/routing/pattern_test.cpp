// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "routing/name_bytes.h"

using namespace posthaste::routing;

namespace {

std::string canonical(std::string_view glob) {
    const auto read = read_pattern(PatternKind::glob, glob);
    return read ? read->pattern.text : "refused: " + read.error();
}

std::string expression(PatternKind kind, std::string_view text) {
    const auto read = read_pattern(kind, text);
    return read ? read->expression : "refused: " + read.error();
}

std::string wrong(PatternKind kind, std::string_view text) {
    return check_pattern(kind, text).value_or("nothing");
}

}  // namespace

TEST(pattern, the_alphabet_is_what_names_are_made_of_in_ascending_order) {
    EXPECT_EQ(NameBytes::all().count(), 41);
    EXPECT_TRUE(std::is_sorted(kNameAlphabet.begin(), kNameAlphabet.end()));
    EXPECT_EQ(NameBytes::of_segments().count(), 40);
    EXPECT_EQ(NameBytes::between('a', 'z').count(), 26);
    EXPECT_EQ(NameBytes::between('A', 'Z').count(), 0);
}

TEST(pattern, a_glob_becomes_an_expression) {
    constexpr auto kind = PatternKind::glob;
    EXPECT_EQ(expression(kind, "ocr/v1.2"), "ocr/v1\\.2");
    EXPECT_EQ(expression(kind, "ocr/*"), "ocr/[\\-.0-9:_a-z]*");
    EXPECT_EQ(expression(kind, "ocr/**"), "ocr/[\\-./0-9:_a-z]*");
    EXPECT_EQ(expression(kind, "a?c"), "a[\\-.0-9:_a-z]c");
    EXPECT_EQ(expression(kind, "a[xyb-d7]"), "a[7b-dxy]");
    EXPECT_EQ(expression(kind, "a[x-]"), "a[\\-x]");
    EXPECT_EQ(anchored("a|b"), "^(?:a|b)$");
}

TEST(pattern, globs_that_differ_in_the_order_of_wildcards_are_one) {
    EXPECT_EQ(canonical("a***"), "a**");
    EXPECT_EQ(canonical("a****b"), "a**b");
    EXPECT_EQ(canonical("a*?"), "a?*");
    EXPECT_EQ(canonical("a*?*?"), "a??*");
    EXPECT_EQ(canonical("a*?**"), "a?**");
    EXPECT_EQ(canonical("a**?"), "a**?") << "not the same as a?**: the last byte is no /";
    EXPECT_EQ(canonical("[cba]x[b-b]"), "[a-c]xb");
    EXPECT_EQ(canonical("x[-a.z_:0-9]"), "x[-.0-9:_az]");
    EXPECT_EQ(canonical("x[a-z0-9:_.-]"), "x?") << "every byte but /";
}

TEST(pattern, what_is_canonical_stays_as_it_is) {
    for (const std::string_view glob : {"a", "a/**/b", "a?*", "[abc]x", "x[-.0-9:_a-z]y", "**/x"}) {
        EXPECT_EQ(canonical(canonical(glob)), canonical(glob));
    }
}

TEST(pattern, bad_globs_are_refused_with_the_reason) {
    constexpr auto kind = PatternKind::glob;
    EXPECT_EQ(wrong(kind, ""), "a pattern has 1 to 200 bytes");
    EXPECT_EQ(wrong(kind, std::string(201, 'a')), "a pattern has 1 to 200 bytes");
    EXPECT_EQ(wrong(kind, std::string(200, 'a')), "nothing");
    EXPECT_EQ(wrong(kind, "Ocr"), "'O' is in no capability name");
    EXPECT_EQ(wrong(kind, "a b"), "byte 0x20 is in no capability name");
    EXPECT_EQ(wrong(kind, std::string_view("a\0", 2)), "byte 0x00 is in no capability name");
    EXPECT_EQ(wrong(kind, "a\xff"), "byte 0xff is in no capability name");
    EXPECT_EQ(wrong(kind, "{a,b}"), "'{' is in no capability name");
    EXPECT_EQ(wrong(kind, "a[b"), "[ without ]");
    EXPECT_EQ(wrong(kind, "a[]"), "[] holds nothing");
    EXPECT_EQ(wrong(kind, "a]"), "']' is in no capability name");
    EXPECT_EQ(wrong(kind, "a[x/y]"), "/ inside [ ]");
    EXPECT_EQ(wrong(kind, "a[!b]"), "'!' is in no capability name inside [ ]");
    for (const std::string_view range : {"a[z-a]", "a[0-z]", "a[a-:]", "a[.-9]"}) {
        EXPECT_EQ(wrong(kind, range),
                  "a range in [ ] goes from a letter or digit up to a like one");
    }
}

TEST(pattern, what_would_attract_names_of_any_kind_is_refused) {
    const std::string broad =
        "it demands no particular byte, so it would attract names of any kind";
    for (const std::string_view glob : {"*", "**", "?", "?*", "[a-z]**", "**?"}) {
        EXPECT_EQ(wrong(PatternKind::glob, glob), broad) << glob;
    }
    for (const std::string_view regex : {".+", "[a-z]+", "a|.+", "(ab)?.", "\\w"}) {
        EXPECT_EQ(wrong(PatternKind::regex, regex), broad) << regex;
    }
    EXPECT_EQ(wrong(PatternKind::glob, "**/**"), "nothing") << "demands a /";
    EXPECT_EQ(wrong(PatternKind::regex, "(a|b).*"), "nothing");
    EXPECT_EQ(wrong(PatternKind::regex, "(ab)+."), "nothing");
}

TEST(pattern, a_regex_becomes_an_expression_over_the_bytes_of_names) {
    constexpr auto kind = PatternKind::regex;
    EXPECT_EQ(expression(kind, "^ocr/.*$"), "ocr/[\\-./0-9:_a-z]*");
    EXPECT_EQ(expression(kind, "a\\d{2,3}?"), "a[0-9]{2,3}");
    EXPECT_EQ(expression(kind, "a\\.b"), "a\\.b");
    EXPECT_EQ(expression(kind, "a[A-Zb]"), "ab");
    EXPECT_EQ(expression(kind, "a[^a-z0-9/]"), "a[\\-.:_]");
    EXPECT_EQ(expression(kind, "a(b|cd)+?"), "a(?:b|cd)+");
    EXPECT_EQ(expression(kind, "a(?:b|)"), "a(?:b|)");
    EXPECT_EQ(expression(kind, "a[\\d-]"), "a[\\-0-9]");
}

TEST(pattern, bad_regexes_are_refused_with_the_reason) {
    constexpr auto kind = PatternKind::regex;
    EXPECT_EQ(wrong(kind, "a("), "( without )");
    EXPECT_EQ(wrong(kind, "a)"), ") without (");
    EXPECT_EQ(wrong(kind, "*a"), "* has nothing to repeat");
    EXPECT_EQ(wrong(kind, "a**"), "a repeat of a repeat needs a group");
    EXPECT_EQ(wrong(kind, "a++"), "a repeat of a repeat needs a group");
    EXPECT_EQ(wrong(kind, "a(){5}"), "a repeat of nothing");
    EXPECT_EQ(wrong(kind, "a^b"), "^ and $ may only stand first and last");
    EXPECT_EQ(wrong(kind, "a$b"), "^ and $ may only stand first and last");
    EXPECT_EQ(wrong(kind, "(?=a)b"), "of what starts with (? only (?:...) is supported");
    EXPECT_EQ(wrong(kind, "(a)\\1"), "back references are not supported");
    EXPECT_EQ(wrong(kind, "a\\b"), "\\b is not supported");
    EXPECT_EQ(wrong(kind, "a\\"), "it ends too early");
    EXPECT_EQ(wrong(kind, "a[b"), "it ends too early");
    EXPECT_EQ(wrong(kind, "a[z-a]"), "a range in [ ] goes upwards, from one byte to another");
    EXPECT_EQ(wrong(kind, "a[A-Z]"), "a class holds no byte of a capability name");
    EXPECT_EQ(wrong(kind, "aA"), "'A' is in no capability name");
    EXPECT_EQ(wrong(kind, "(a|b)?"), "it matches the empty text");
    EXPECT_EQ(wrong(kind, "a{2,1}"), "a repeat is {n}, {n,} or {n,m} with m at least n and 1");
    EXPECT_EQ(wrong(kind, "a{,3}"), "a repeat is {n}, {n,} or {n,m} with m at least n and 1");
    EXPECT_EQ(wrong(kind, "a{0}"), "a repeat is {n}, {n,} or {n,m} with m at least n and 1");
}

TEST(pattern, bombs_are_refused_before_anything_is_compiled) {
    constexpr auto kind = PatternKind::regex;
    EXPECT_EQ(wrong(kind, "(a{1,1000}){1,1000}"),
              "a repeat is of more than 100; no capability name is longer");
    const std::string places = "its repeats, written out, have more than 500 places";
    EXPECT_EQ(wrong(kind, "((a{1,100}){1,100}){1,100}"), places);
    EXPECT_EQ(wrong(kind, "(.{1,100}a){1,50}"), places);
    EXPECT_EQ(wrong(kind, "a{100}a{100}a{100}|a{100}a{100}|a"), places);
    EXPECT_EQ(wrong(kind, std::string(25, '(') + "a" + std::string(25, ')')),
              "groups are nested more than 20 deep");
    EXPECT_EQ(wrong(kind, "(a|aa)+"), "nothing") << "no bomb where nothing is tried twice";
}
