// SPDX-License-Identifier: BSD-3-Clause
// PatternDatabase: many patterns compiled into one, which tells for a name all that match it in
// one pass. Immutable; any thread may match with a scratch of its own.
//
// Made by Hyperscan on the builder thread: tens of microseconds to a few hundred a pattern, and
// several times the memory of the result meanwhile. Names are scanned between two newlines, which
// no name holds, and the patterns ask for them: anchors would say the same, but compiling took
// longer with them (16 000 mixed globs: 16.2 s, without 5.3 s).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "routing/capability_name.h"

struct hs_database;
struct hs_scratch;

namespace posthaste::routing {

inline constexpr std::size_t kPatternMatchesMax = 256;  // of one name; the rest is left out

struct NumberedExpression {
    std::uint32_t number = 0;
    std::string_view expression;  // ReadPattern::expression
};

class PatternDatabase;

// What matching writes to. One thread's at a time; grows to what the largest database needs.
class PatternScratch {
  public:
    PatternScratch() = default;
    ~PatternScratch();
    PatternScratch(PatternScratch&& other) noexcept;
    PatternScratch& operator=(PatternScratch&& other) noexcept;
    PatternScratch(const PatternScratch&) = delete;
    PatternScratch& operator=(const PatternScratch&) = delete;

    // Before its first match with that database. False: no memory.
    [[nodiscard]] bool fit(const PatternDatabase& database);
    [[nodiscard]] std::size_t bytes() const noexcept;

  private:
    friend class PatternDatabase;
    hs_scratch* scratch_ = nullptr;
};

class PatternDatabase {
  public:
    static constexpr std::uint32_t kNoPattern = ~std::uint32_t{0};

    struct Failure {
        std::uint32_t number = kNoPattern;  // kNoPattern: no single one is to blame
        std::string reason;
    };

    using Compiled = tl::expected<std::unique_ptr<const PatternDatabase>, Failure>;

    // At least one pattern; numbers are the caller's, below 2^32 - 1, and come back from match().
    [[nodiscard]] static Compiled compile(std::span<const NumberedExpression> patterns,
                                          std::size_t bytes_max);
    ~PatternDatabase();
    PatternDatabase(const PatternDatabase&) = delete;
    PatternDatabase& operator=(const PatternDatabase&) = delete;

    struct Matches {
        std::size_t count = 0;  // numbers written, in no order, each once
        bool overflow = false;  // there are more than found room; which were left out is not said
    };

    // The scratch must fit. Allocates nothing. A name too long to be one matches nothing.
    [[nodiscard]] Matches match(std::string_view name,
                                PatternScratch& scratch,
                                std::span<std::uint32_t> numbers) const noexcept;

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    [[nodiscard]] std::size_t patterns() const noexcept { return patterns_; }

  private:
    friend class PatternScratch;

    PatternDatabase(hs_database* database, std::size_t bytes, std::size_t patterns) noexcept
        : database_(database), bytes_(bytes), patterns_(patterns) {}

    hs_database* database_;
    std::size_t bytes_;
    std::size_t patterns_;
};

}  // namespace posthaste::routing
