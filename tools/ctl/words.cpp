// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/words.h"

namespace posthaste::tools {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> split_words(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;  // also while a word is empty, as after ''
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool escapes = c == '\\' && quote != '\'';
        if (escapes && i + 1 < line.size() &&
            (quote == 0 || line[i + 1] == '"' || line[i + 1] == '\\')) {
            word.push_back(line[++i]);
            in_word = true;
        } else if (quote != 0) {
            if (c == quote) {
                quote = 0;
            } else {
                word.push_back(c);
            }
        } else if (c == '\'' || c == '"') {
            quote = c;
            in_word = true;
        } else if (is_blank(c)) {
            if (in_word) {
                words.push_back(std::move(word));
                word.clear();
                in_word = false;
            }
        } else if (c == '#' && !in_word) {
            break;
        } else {
            word.push_back(c);
            in_word = true;
        }
    }
    if (quote != 0) {
        return tl::unexpected(std::string("a quote (") + quote + ") does not end");
    }
    if (in_word) {
        words.push_back(std::move(word));
    }
    return words;
}

}  // namespace posthaste::tools
