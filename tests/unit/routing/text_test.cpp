// SPDX-License-Identifier: BSD-3-Clause
#include "routing/text.h"

#include <gtest/gtest.h>

#include <string_view>

using posthaste::routing::is_printable_utf8;
using posthaste::routing::utf8_prefix;
using std::string_view_literals::operator""sv;

TEST(text, plain_accented_and_astral_characters_are_printable) {
    for (const auto text : {""sv,
                            "camera 7"sv,
                            "~"sv,
                            "K\xc3\xbc\xc3\xbc"sv,
                            "\xc2\xa0"sv,
                            "\xe0\xa0\x80"sv,
                            "\xed\x9f\xbf"sv,
                            "\xee\x80\x80"sv,
                            "\xef\xbf\xbd"sv,
                            "\xf0\x90\x80\x80"sv,
                            "\xf4\x8f\xbf\xbf"sv}) {
        EXPECT_TRUE(is_printable_utf8(text)) << text;
    }
}

TEST(text, control_characters_are_not) {
    for (const auto text : {"\0"sv, "a\nb"sv, "\x1b[2J"sv, "\x7f"sv, "\xc2\x80"sv, "\xc2\x9f"sv}) {
        EXPECT_FALSE(is_printable_utf8(text)) << text.size();
    }
}

TEST(text, malformed_utf8_is_not) {
    for (const auto text : {"\x80"sv,  // continuation without a lead
                            "\xbf"sv,
                            "\xc3"sv,  // cut short
                            "\xc3 "sv,
                            "\xe2\x82"sv,
                            "\xf0\x9f\x98"sv,
                            "\xc0\xaf"sv,  // not the shortest form
                            "\xc1\xbf"sv,
                            "\xe0\x9f\xbf"sv,
                            "\xf0\x8f\xbf\xbf"sv,
                            "\xed\xa0\x80"sv,  // surrogates
                            "\xed\xbf\xbf"sv,
                            "\xf4\x90\x80\x80"sv,  // beyond U+10FFFF
                            "\xf8\x88\x80\x80\x80"sv,
                            "\xff"sv}) {
        EXPECT_FALSE(is_printable_utf8(text)) << text.size();
    }
}

TEST(text, the_utf8_prefix_ends_before_the_first_byte_that_is_none) {
    const auto prefix = [](std::string_view text) {
        return utf8_prefix({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    };
    EXPECT_EQ(prefix(""sv), 0U);
    EXPECT_EQ(prefix("plain, long enough for two words\0\n"sv), 34U);
    EXPECT_EQ(prefix("gr\xc3\xbc\xc3\x9f"
                     "e"sv),
              7U);
    EXPECT_EQ(prefix("gr\xc3\xbc\xc3"sv), 4U);  // cut within a character
    EXPECT_EQ(prefix("\xff the rest"sv), 0U);
    EXPECT_EQ(prefix("12345678\x80"sv), 8U);
    EXPECT_EQ(prefix("1234567\xed\xa0\x80"sv), 7U);  // a surrogate
    EXPECT_EQ(prefix("\xf0\x9f\x98\x80\xf0\x9f\x98"sv), 4U);
}
