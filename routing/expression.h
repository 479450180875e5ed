// SPDX-License-Identifier: BSD-3-Clause
// Expression: a regular expression that payloads are searched for, and what it may cost.
//
// The dialect is Hyperscan's: PCRE without back references, lookaround and control verbs. Nothing
// here scans; sets of expressions are compiled by routing/policy_set.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::routing {

struct ExpressionFlags {
    bool caseless = false;   // letters of either case
    bool multiline = false;  // ^ and $ at line ends, too
    bool dotall = false;     // . is a line end, too
    bool utf8 = false;       // characters are UTF-8, not bytes

    friend bool operator==(const ExpressionFlags&, const ExpressionFlags&) = default;
};

struct Expression {
    std::string text;
    ExpressionFlags flags;

    friend bool operator==(const Expression&, const Expression&) = default;
};

inline constexpr std::size_t kExpressionBytesMax = 512;

// Hyperscan keeps up to 512 states of an automaton in registers; beyond, or with longer bounded
// repeats, a byte of payload may cost as much as the whole of the rest.
inline constexpr std::size_t kExpressionPositionsMax = 512;

// With utf8 a property, \p{L}, stands for hundreds of ranges of characters: what has some takes
// Hyperscan up to 3 s to compile (\w\p{L}\h; \p{C}{8} 1.4 s), and \p{L}{99} would take 9 s.
inline constexpr std::size_t kPropertyPositions = 64;

// How many positions an expression has with its bounded repeats written out: "a(bc){3}" has 7.
// A class counts once. With utf8 it counts four times (so many bytes may one character have), and
// the bytes of each character in it that is not ASCII or is given by number, and each property,
// are counted beside that. For any text; what is no expression gets some number. Saturates.
[[nodiscard]] std::size_t expression_positions(std::string_view text, bool utf8) noexcept;

// Why it cannot be a rule; nullopt: it can. The same on every machine, in time linear in the text
// written out. Beside what Hyperscan does not support are refused: more than kExpressionBytesMax
// bytes, control verbs, what matches the empty text (it would match all), and more than
// kExpressionPositionsMax positions, or a match at least that long.
[[nodiscard]] std::optional<std::string> refuse_expression(const Expression& expression);

// The flags as Hyperscan takes them, with one report per scan.
[[nodiscard]] unsigned hyperscan_flags(const ExpressionFlags& flags) noexcept;

}  // namespace posthaste::routing
