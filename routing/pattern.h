// SPDX-License-Identifier: BSD-3-Clause
// Patterns over capability names: what may be written, and what it means. Pure; any thread.
//
// A pattern is of 1 to 200 bytes and always about the whole name.
//   glob   *  any bytes but /      **  any bytes      ?  one byte but /
//          [abc] [a-z]  one of these, never /         everything else stands for itself
//   regex  literals, ., [...], [^...], \d \w \D \W \S, \ before punctuation, (...), (?:...), |,
//          * + ? {n} {n,} {n,m}, each also lazy, which changes nothing. ^ first and $ last are
//          taken and mean nothing. Everything else is refused.
//
// Two rules keep what strangers register small. A pattern whose repeats, written out, have more
// than kPatternPositionsMax places is refused: that bounds the time and the memory of compiling it.
// And each way through a pattern must demand at least one particular byte, so that none attracts
// every unknown name by mistake (** does not pass, **/ocr does).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace posthaste::routing {

enum class PatternKind : std::uint8_t { glob = 0, regex = 1 };

inline constexpr std::uint8_t kPatternKindMax = 1;
inline constexpr std::size_t kPatternTextMax = 200;         // bytes
inline constexpr std::uint32_t kPatternPositionsMax = 500;  // single bytes, repeats written out
inline constexpr std::uint32_t kPatternRepeatMax = 100;     // no name is longer
inline constexpr std::uint32_t kPatternDepthMax = 20;       // groups in groups

struct Pattern {
    PatternKind kind = PatternKind::glob;
    std::string text;

    friend bool operator==(const Pattern&, const Pattern&) = default;
};

struct ReadPattern {
    Pattern pattern;  // globs: one text for all writings that differ in their wildcards only
    // The same as a regular expression that is not anchored, in a syntax that Hyperscan, PCRE and
    // ECMAScript read alike. Its classes hold bytes of names only.
    std::string expression;
    std::uint32_t positions = 0;
    std::uint32_t wildcards = 0;  // places where it may go on or not: what makes a database large
};

// The error is a sentence for whoever registers it.
[[nodiscard]] tl::expected<ReadPattern, std::string> read_pattern(PatternKind kind,
                                                                  std::string_view text);
// What is wrong with it, if anything.
[[nodiscard]] std::optional<std::string> check_pattern(PatternKind kind, std::string_view text);

[[nodiscard]] std::string anchored(std::string_view expression);  // ^(?:...)$

}  // namespace posthaste::routing
