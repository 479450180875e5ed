// SPDX-License-Identifier: BSD-3-Clause
#include "routing/expression.h"

#include <hs/hs_compile.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>

namespace posthaste::routing {

namespace {

constexpr std::size_t kMany = std::size_t{1} << 32;  // counting stops there

std::size_t bounded(std::size_t count) noexcept {
    return std::min(count, kMany);
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_ascii(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x80;
}

bool is_octal(char c) noexcept {
    return c >= '0' && c <= '7';
}

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Counts positions from left to right. Where it reads otherwise than PCRE would, it must count
// more, never less: a quantifier is taken to be about the last thing that can be repeated.
class PositionCounter {
  public:
    PositionCounter(std::string_view text, bool utf8) noexcept
        : text_(text), utf8_(utf8), character_bytes_(utf8 ? 4 : 1) {}

    std::size_t run() noexcept {
        while (at_ < text_.size()) {
            step();
        }
        while (depth_ > 0) {
            close();  // not balanced: never an expression
        }
        return levels_[0].total;
    }

  private:
    struct Level {
        std::size_t total = 0;
        std::size_t last = 0;  // part of total: what a quantifier would repeat
    };

    // One level more for each byte at most; deeper ones are counted in the last level.
    static constexpr std::size_t kDepthMax = 255;

    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }

    void step() noexcept {
        const char c = text_[at_++];
        if (quoted_) {
            if (c == '\\' && peek() == 'E') {
                ++at_;
                quoted_ = false;
            } else {
                character(c);
            }
            return;
        }
        switch (c) {
            case '\\':
                escape();
                break;
            case '[':
                atom(class_count());
                break;
            case '(':
                open();
                break;
            case ')':
                close();
                break;
            case '{':
                repeat();
                break;
            case '.':
                atom(character_bytes_);
                break;
            case '|':
            case '*':
            case '+':
            case '?':
            case '^':
            case '$':
                break;
            case ' ':
            case '\t':
                blank();
                break;
            default:
                character(c);
        }
    }

    void atom(std::size_t count) noexcept {
        Level& level = levels_[depth_];
        level.total = bounded(level.total + count);
        level.last = count;
    }

    // With (?x) a quantifier behind a blank is about what was before it.
    void blank() noexcept {
        Level& level = levels_[depth_];
        level.total = bounded(level.total + 1);
        level.last = bounded(level.last + 1);
    }

    void character(char first) noexcept {
        std::size_t bytes = 1;
        if (utf8_ && static_cast<unsigned char>(first) >= 0xc0) {
            while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xc0U) == 0x80) {
                ++at_;
                ++bytes;
            }
        }
        atom(bytes);
    }

    void escape() noexcept {
        const char c = peek();
        ++at_;
        if (c == 'Q') {
            quoted_ = true;
            return;
        }
        if (c == 'E') {
            return;
        }
        if (!is_ascii(c)) {
            character(c);
            return;
        }
        const bool property = c == 'p' || c == 'P';
        if ((property || c == 'x') && peek() == '{') {
            // \p{Lu}, \x{41}: braces that repeat nothing.
            at_ = std::min(text_.find('}', at_), text_.size() - 1) + 1;
        } else if (property || c == 'c') {
            ++at_;  // \pL; \c[, which opens no class
        } else if (c == 'x') {
            skip_two([](char digit) { return std::isxdigit(digit) != 0; });  // \x41
        } else if (is_octal(c)) {
            skip_two(is_octal);  // \101
        }
        const bool one_byte = !is_letter(c) && !is_octal(c);
        atom(property && utf8_ ? kPropertyPositions : one_byte ? 1 : character_bytes_);
    }

    // Up to two more digits of a character's number.
    void skip_two(bool (*is_one)(char)) noexcept {
        for (int i = 0; i < 2 && is_ascii(peek()) && is_one(peek()); ++i) {
            ++at_;
        }
    }

    // Behind '['. A ']' that comes first is one of the class.
    std::size_t class_count() noexcept {
        std::size_t count = character_bytes_;
        bool quoted = false;
        at_ += peek() == '^' ? 1 : 0;
        at_ += peek() == ']' ? 1 : 0;
        while (at_ < text_.size() && (quoted || peek() != ']')) {
            if (peek() == '\\' && (!quoted || peek(1) == 'E')) {
                quoted = peek(1) == 'Q';
                ++at_;
                count += utf8_ ? escape_in_class() : 0;
                at_ += peek() == 'c' ? 1 : 0;  // \c\, which escapes nothing
            } else if (peek() == '[' && peek(1) == ':' && !quoted) {
                skip_named_class();
            } else {
                count += utf8_ && !is_ascii(peek()) ? 1 : 0;
            }
            ++at_;
        }
        ++at_;
        return count;
    }

    // At what is behind a '\' in a class: what it adds to it.
    [[nodiscard]] std::size_t escape_in_class() const noexcept {
        const char c = peek();
        if (c == 'p' || c == 'P') {
            return kPropertyPositions;
        }
        if (c == 'x' && peek(1) == '{') {
            return 4;
        }
        // Two digits, or three octal ones, name characters of up to two bytes.
        return c == 'x' || is_digit(c) || !is_ascii(c) ? 2 : 0;
    }

    // At "[:" in a class. Only letters in between make it a named class: then to the ':' behind.
    void skip_named_class() noexcept {
        const std::size_t end = text_.find(":]", at_ + 2);
        const auto name = text_.substr(at_ + 2, end - std::min(end, at_ + 2));
        if (end != std::string_view::npos &&
            std::ranges::all_of(name, [](char c) { return is_letter(c) || c == '^'; })) {
            at_ = end + 1;
        }
    }

    // Behind '('.
    void open() noexcept {
        if (peek() == '?' && peek(1) == '#') {
            at_ = std::min(text_.find(')', at_), text_.size() - 1) + 1;  // a comment
            return;
        }
        if (peek() == '?') {
            ++at_;
            while (is_letter(peek()) || peek() == '-' || peek() == '^') {
                ++at_;
            }
            if (peek() == ')') {
                ++at_;  // flags for what follows
                return;
            }
            if (peek() == ':') {
                ++at_;
            }
        }
        if (depth_ + 1 < kDepthMax) {
            levels_[++depth_] = {};
        } else {
            levels_[0].total = kMany;
        }
    }

    void close() noexcept {
        if (depth_ > 0) {
            const std::size_t total = levels_[depth_--].total;
            atom(total);
        }
    }

    // A number at at_, which moves behind it.
    std::optional<std::size_t> number() noexcept {
        if (!is_digit(peek())) {
            return std::nullopt;
        }
        std::size_t value = 0;
        while (is_digit(peek())) {
            value = bounded(value * 10 + static_cast<std::size_t>(peek() - '0'));
            ++at_;
        }
        return value;
    }

    // Behind '{': {n}, {n,} or {n,m} repeat, anything else is text.
    void repeat() noexcept {
        const std::size_t start = at_;
        const std::optional<std::size_t> low = number();
        std::size_t times = low.value_or(0);
        if (low && peek() == ',') {
            ++at_;
            times = std::max(times, number().value_or(0));
        }
        if (!low || peek() != '}') {
            at_ = start;
            atom(1);
            return;
        }
        ++at_;
        Level& level = levels_[depth_];
        times = std::max<std::size_t>(times, 1);
        level.total = bounded(level.total + bounded(level.last) * (times - 1));
        level.last = bounded(level.last * times);
    }

    std::string_view text_;
    bool utf8_;
    std::size_t character_bytes_;  // at most
    std::size_t at_ = 0;
    bool quoted_ = false;
    std::size_t depth_ = 0;
    std::array<Level, kDepthMax> levels_{};
};

struct FreeCompileError {
    void operator()(hs_compile_error_t* error) const noexcept { hs_free_compile_error(error); }
};

// The library gives it out by malloc(); no allocator of ours is set.
struct FreeWidths {
    void operator()(hs_expr_info_t* info) const noexcept { std::free(info); }
};

std::string too_expensive(std::size_t positions) {
    return "too expensive: " +
           (positions >= kMany ? std::string("very many") : std::to_string(positions)) +
           " positions with its repeats written out; allowed: " +
           std::to_string(kExpressionPositionsMax);
}

// Hyperscan's sentences end with a dot; ours go on.
std::string without_dot(std::string text) {
    while (!text.empty() && text.back() == '.') {
        text.pop_back();
    }
    return text;
}

}  // namespace

std::size_t expression_positions(std::string_view text, bool utf8) noexcept {
    return PositionCounter(text, utf8).run();
}

unsigned hyperscan_flags(const ExpressionFlags& flags) noexcept {
    return HS_FLAG_SINGLEMATCH | (flags.caseless ? unsigned{HS_FLAG_CASELESS} : 0U) |
           (flags.multiline ? unsigned{HS_FLAG_MULTILINE} : 0U) |
           (flags.dotall ? unsigned{HS_FLAG_DOTALL} : 0U) |
           (flags.utf8 ? unsigned{HS_FLAG_UTF8} : 0U);
}

std::optional<std::string> refuse_expression(const Expression& expression) {
    const std::string& text = expression.text;
    if (text.empty() || text.size() > kExpressionBytesMax || text.find('\0') != std::string::npos) {
        return "it has " + std::to_string(text.size()) + " bytes; allowed: 1 to " +
               std::to_string(kExpressionBytesMax) + ", none of them 0";
    }
    if (text.starts_with("(*")) {
        return "control verbs are not supported; allowed: flags";
    }
    // Before the library writes the repeats out itself.
    const std::size_t positions = expression_positions(text, expression.flags.utf8);
    if (positions > kExpressionPositionsMax) {
        return too_expensive(positions);
    }
    hs_expr_info_t* raw_info = nullptr;
    hs_compile_error_t* raw_error = nullptr;
    const hs_error_t result =
        hs_expression_info(text.c_str(), hyperscan_flags(expression.flags), &raw_info, &raw_error);
    const std::unique_ptr<hs_expr_info_t, FreeWidths> info(raw_info);
    const std::unique_ptr<hs_compile_error_t, FreeCompileError> error(raw_error);
    if (result != HS_SUCCESS || info == nullptr) {
        return error == nullptr ? "Hyperscan has no memory for it" : without_dot(error->message);
    }
    if (info->min_width == 0) {
        return "it matches the empty text, and so everything";
    }
    constexpr unsigned kUnbounded = std::numeric_limits<unsigned>::max();
    const std::size_t width =
        info->max_width == kUnbounded ? info->min_width : std::size_t{info->max_width};
    if (width > kExpressionPositionsMax) {
        return too_expensive(width);
    }
    return std::nullopt;
}

}  // namespace posthaste::routing
