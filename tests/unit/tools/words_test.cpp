// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/words.h"

#include <gtest/gtest.h>

namespace posthaste::tools {
namespace {

using Words = std::vector<std::string>;

TEST(words, blanks_quotes_and_backslashes_work_as_in_a_shell) {
    const struct {
        const char* line;
        Words words;
    } cases[] = {
        {"", {}},
        {" \t\r\n", {}},
        {"show ports", {"show", "ports"}},
        {"  show\tports \n", {"show", "ports"}},
        {"--name 'a b'", {"--name", "a b"}},
        {"--name=\"a \\\"b\\\" \\c\"", {"--name=a \"b\" \\c"}},
        {"a\\ b c\\\\", {"a b", "c\\"}},
        {"'a\\' ''", {"a\\", ""}},
        {"x\"y\"'z'", {"xyz"}},
        {"show # the rest", {"show"}},
        {"# all", {}},
        {"a#b '#c' \\#d", {"a#b", "#c", "#d"}},
        {"end\\", {"end\\"}},
    };

    for (const auto& test : cases) {
        const auto words = split_words(test.line);
        ASSERT_TRUE(words.has_value()) << test.line;
        EXPECT_EQ(*words, test.words) << test.line;
    }
}

TEST(words, a_quote_that_does_not_end_is_an_error) {
    EXPECT_EQ(split_words("--name 'a b").error(), "a quote (') does not end");
    EXPECT_EQ(split_words("\"a\\\"").error(), "a quote (\") does not end");
}

}  // namespace
}  // namespace posthaste::tools
