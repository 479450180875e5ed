// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/pattern_rivals.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace posthaste::tools {

Pcre2Patterns::Pcre2Patterns(std::span<const std::string> expressions)
    : match_(pcre2_match_data_create(1, nullptr)) {
    for (const std::string& expression : expressions) {
        int error = 0;
        PCRE2_SIZE where = 0;
        pcre2_code* const code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()),
                                               expression.size(),
                                               PCRE2_NO_AUTO_CAPTURE,
                                               &error,
                                               &where,
                                               nullptr);
        sound_ = sound_ && code != nullptr && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
        codes_.push_back(code);
    }
}

Pcre2Patterns::~Pcre2Patterns() {
    for (pcre2_code* const code : codes_) {
        pcre2_code_free(code);
    }
    pcre2_match_data_free(match_);
}

std::size_t Pcre2Patterns::bytes() const noexcept {
    std::size_t sum = 0;
    for (const pcre2_code* const code : codes_) {
        for (const std::uint32_t what : {PCRE2_INFO_SIZE, PCRE2_INFO_JITSIZE}) {
            std::size_t bytes = 0;
            sum += pcre2_pattern_info(code, what, &bytes) == 0 ? bytes : 0;
        }
    }
    return sum;
}

std::size_t Pcre2Patterns::match(std::string_view text) const noexcept {
    std::size_t count = 0;
    for (const pcre2_code* const code : codes_) {
        count += pcre2_jit_match(code,
                                 reinterpret_cast<PCRE2_SPTR>(text.data()),
                                 text.size(),
                                 0,
                                 0,
                                 match_,
                                 nullptr) >= 0
                     ? 1
                     : 0;
    }
    return count;
}

StdPatterns::StdPatterns(std::span<const std::string> expressions) {
    regexes_.reserve(expressions.size());
    for (const std::string& expression : expressions) {
        regexes_.emplace_back(expression,
                              std::regex::ECMAScript | std::regex::optimize | std::regex::nosubs);
    }
}

std::size_t StdPatterns::match(std::string_view name) const {
    std::size_t count = 0;
    for (const std::regex& regex : regexes_) {
        count += std::regex_match(name.begin(), name.end(), regex) ? 1 : 0;
    }
    return count;
}

std::size_t StdPatterns::search(std::string_view text) const {
    std::size_t count = 0;
    for (const std::regex& regex : regexes_) {
        count += std::regex_search(text.begin(), text.end(), regex) ? 1 : 0;
    }
    return count;
}

}  // namespace posthaste::tools
