// SPDX-License-Identifier: BSD-3-Clause
// What the strict pass accepts must be read alike by iniparser; what iniparser would read
// otherwise must be refused. The refusals with their messages are in tests/configs/bad/.
#include "controlplane/ini_scan.h"

#include <gtest/gtest.h>

#include "controlplane/config.h"

namespace {

using namespace posthaste::controlplane;

// The values of a text that both must accept.
std::vector<std::string> values_of(std::string_view text) {
    const IniScan scan = scan_ini(text);
    for (const IniError& error : scan.errors) {
        ADD_FAILURE() << error.line << ": " << error.text;
    }
    const auto values = read_ini_values(text, scan);
    if (!values) {
        ADD_FAILURE() << values.error().line << ": " << values.error().text;
        return {};
    }
    return *values;
}

using Values = std::vector<std::string>;

TEST(ini_scan, entries_know_their_line_and_section) {
    const IniScan scan = scan_ini("# head\n\n[port edge0]\n  key = value\n; more\n[b]\nx=1\ny=2\n");
    ASSERT_TRUE(scan.errors.empty());
    ASSERT_EQ(scan.sections.size(), 2U);
    EXPECT_EQ(scan.sections[0].name, "port edge0");
    EXPECT_EQ(scan.sections[0].line, 3);
    EXPECT_EQ(scan.sections[0].entries, 1U);
    EXPECT_EQ(scan.sections[1].entry, 1U);
    EXPECT_EQ(scan.sections[1].entries, 2U);
    ASSERT_EQ(scan.entries.size(), 3U);
    EXPECT_EQ(scan.entries[0].line, 4);
    EXPECT_EQ(scan.entries[0].key, "key");
    EXPECT_EQ(scan.entries[0].value, "value");
    EXPECT_EQ(scan.entries[2].line, 8);
}

TEST(ini_scan, blanks_around_everything_are_left_out) {
    EXPECT_EQ(values_of("  [a]  \n\t key\t=\t two words \t\n"), Values{"two words"});
}

TEST(ini_scan, lines_may_end_with_carriage_returns) {
    EXPECT_EQ(values_of("[a]\r\nkey = value\r\n\r\nnext = 2\r\n"), (Values{"value", "2"}));
}

TEST(ini_scan, the_last_line_needs_no_newline) {
    EXPECT_EQ(values_of("[a]\nkey = value"), Values{"value"});
}

TEST(ini_scan, an_equals_sign_may_be_in_a_value) {
    EXPECT_EQ(values_of("[a]\nkey = net_pcap0,rx_pcap=in.pcap\n"),
              Values{"net_pcap0,rx_pcap=in.pcap"});
}

TEST(ini_scan, quotes_keep_comment_signs_and_the_other_quote) {
    EXPECT_EQ(values_of("[a]\nx = \"a;b#c'd\"\ny = 'say \"hi\"'\nz = \" blank \"\n"),
              (Values{"a;b#c'd", "say \"hi\"", " blank "}));
}

TEST(ini_scan, comments_may_hold_anything_but_control_characters) {
    EXPECT_EQ(values_of("; [x] = \"\n# 'caf\xc3\xa9' ;#\n[a]\nk = v\n"), Values{"v"});
}

TEST(ini_scan, section_names_keep_their_case_though_iniparser_folds_it) {
    const std::string_view text = "[agent ABCDEF]\nkey = Value\n";
    EXPECT_EQ(scan_ini(text).sections[0].name, "agent ABCDEF");
    EXPECT_EQ(values_of(text), Values{"Value"});
}

TEST(ini_scan, a_line_of_a_thousand_bytes_is_the_longest) {
    const std::string head = "[a]\nkey = ";
    EXPECT_EQ(values_of(head + std::string(994, 'x') + "\n"), Values{std::string(994, 'x')});
    EXPECT_EQ(scan_ini(head + std::string(995, 'x') + "\n").errors.size(), 1U);
}

TEST(ini_scan, an_empty_text_has_nothing) {
    const IniScan scan = scan_ini("");
    EXPECT_TRUE(scan.sections.empty() && scan.entries.empty() && scan.errors.empty());
    EXPECT_EQ(values_of(""), Values{});
}

TEST(ini_scan, errors_are_bounded_and_counted) {
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += "no equals sign\n";
    }
    const IniScan scan = scan_ini(text);
    EXPECT_EQ(scan.errors.size(), kConfigErrorsMax);
    EXPECT_EQ(scan.errors_left_out, 100 - kConfigErrorsMax);
}

// iniparser walks a list of all keys for each: this keeps the whole linear.
TEST(ini_scan, the_keys_of_a_section_are_bounded) {
    std::string text = "[a]\n";
    for (std::size_t i = 0; i < kConfigKeysMax; ++i) {
        text += "key" + std::to_string(i) + " = 1\n";
    }
    EXPECT_EQ(values_of(text).size(), kConfigKeysMax);
    const IniScan scan = scan_ini(text + "more = 1\nand_more = 1\n[b]\nkey = 1\n");
    ASSERT_EQ(scan.errors.size(), 1U);
    EXPECT_EQ(scan.errors[0].line, static_cast<int>(kConfigKeysMax) + 2);
    EXPECT_EQ(scan.errors[0].text, "more than 100 keys in the section");
}

// iniparser reads pieces of a large text; every value must still be found, in order.
TEST(ini_scan, many_sections_are_read_in_order) {
    std::string text;
    Values expected;
    for (int i = 0; i < 5'000; ++i) {
        text += "[route r" + std::to_string(i) + "]\nrouter = v" + std::to_string(i) + "\n\n";
        expected.push_back("v" + std::to_string(i));
    }
    EXPECT_EQ(values_of(text), expected);
}

// The second oracle: a scan that does not belong to the text is noticed.
TEST(ini_scan, a_difference_between_the_two_readings_is_an_error) {
    IniScan scan = scan_ini("[a]\nkey = one\n");
    const auto other_value = read_ini_values("[a]\nkey = two\n", scan);
    ASSERT_FALSE(other_value);
    EXPECT_EQ(other_value.error().line, 2);
    EXPECT_FALSE(read_ini_values("[a]\nother = one\n", scan));
    EXPECT_FALSE(read_ini_values("[a]\nkey = one\nmore = 2\n", scan));
    EXPECT_FALSE(read_ini_values("[a]\nkey = one\n[b]\n", scan));
    EXPECT_FALSE(read_ini_values("no equals sign\n", scan));
}

}  // namespace
