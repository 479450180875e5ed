// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_database.h"

#include <hs/hs.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace posthaste::routing {

namespace {

constexpr char kEdge = '\n';  // before and after each name

struct Found {
    std::span<std::uint32_t> numbers;
    PatternDatabase::Matches matches;
};

int note_match(unsigned number,
               unsigned long long /*from*/,
               unsigned long long /*to*/,
               unsigned /*flags*/,
               void* context) {
    Found& found = *static_cast<Found*>(context);
    if (found.matches.count == found.numbers.size()) {
        found.matches.overflow = true;
        return 1;  // ends the scan
    }
    found.numbers[found.matches.count++] = number;
    return 0;
}

PatternDatabase::Failure failure_of(hs_compile_error_t* error,
                                    std::span<const NumberedExpression> patterns) {
    PatternDatabase::Failure failure{PatternDatabase::kNoPattern, error->message};
    if (error->expression >= 0 && static_cast<std::size_t>(error->expression) < patterns.size()) {
        failure.number = patterns[static_cast<std::size_t>(error->expression)].number;
    }
    hs_free_compile_error(error);
    return failure;
}

}  // namespace

PatternScratch::~PatternScratch() {
    hs_free_scratch(scratch_);
}

PatternScratch::PatternScratch(PatternScratch&& other) noexcept
    : scratch_(std::exchange(other.scratch_, nullptr)) {}

PatternScratch& PatternScratch::operator=(PatternScratch&& other) noexcept {
    std::swap(scratch_, other.scratch_);
    return *this;
}

bool PatternScratch::fit(const PatternDatabase& database) {
    return hs_alloc_scratch(database.database_, &scratch_) == HS_SUCCESS;
}

std::size_t PatternScratch::bytes() const noexcept {
    std::size_t bytes = 0;
    return scratch_ != nullptr && hs_scratch_size(scratch_, &bytes) == HS_SUCCESS ? bytes : 0;
}

PatternDatabase::Compiled PatternDatabase::compile(std::span<const NumberedExpression> patterns,
                                                   std::size_t bytes_max) {
    std::vector<std::string> texts;
    std::vector<const char*> expressions;
    std::vector<unsigned> ids;
    texts.reserve(patterns.size());
    for (const NumberedExpression& pattern : patterns) {
        std::string& text = texts.emplace_back("\\n(?:");
        text += pattern.expression;
        text += ")\\n";
        expressions.push_back(text.c_str());
        ids.push_back(pattern.number);
    }
    const std::vector<unsigned> flags(patterns.size(), HS_FLAG_SINGLEMATCH);
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(expressions.data(),
                         flags.data(),
                         ids.data(),
                         static_cast<unsigned>(patterns.size()),
                         HS_MODE_BLOCK,
                         nullptr,
                         &database,
                         &error) != HS_SUCCESS) {
        return tl::unexpected(failure_of(error, patterns));
    }
    std::size_t bytes = 0;
    if (hs_database_size(database, &bytes) != HS_SUCCESS || bytes > bytes_max) {
        hs_free_database(database);
        return tl::unexpected(Failure{kNoPattern,
                                      "the compiled patterns take " + std::to_string(bytes) +
                                          " bytes; the limit is " + std::to_string(bytes_max)});
    }
    return std::unique_ptr<const PatternDatabase>(
        new PatternDatabase(database, bytes, patterns.size()));
}

PatternDatabase::~PatternDatabase() {
    hs_free_database(database_);
}

PatternDatabase::Matches PatternDatabase::match(std::string_view name,
                                                PatternScratch& scratch,
                                                std::span<std::uint32_t> numbers) const noexcept {
    std::array<char, kCapabilityNameMax + 2> text;
    if (name.empty() || name.size() > kCapabilityNameMax) {
        return {};
    }
    text[0] = kEdge;
    std::copy(name.begin(), name.end(), text.begin() + 1);
    text[name.size() + 1] = kEdge;
    Found found{numbers, {}};
    hs_scan(database_,
            text.data(),
            static_cast<unsigned>(name.size() + 2),
            0,
            scratch.scratch_,
            note_match,
            &found);
    return found.matches;
}

}  // namespace posthaste::routing
