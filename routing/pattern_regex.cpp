// SPDX-License-Identifier: BSD-3-Clause
// Regular expressions over names: read once, from left to right, in time linear in the text. What
// is known of a part follows from its parts, so there is no tree.
#include <algorithm>
#include <cstdint>

#include "routing/pattern_syntax.h"

namespace posthaste::routing {

namespace {

struct Part {
    std::string expression;
    std::uint64_t positions = 0;
    std::uint64_t wildcards = 0;
    bool empty = true;     // the empty text is among what it stands for
    bool demands = false;  // each way through has a particular byte
};

constexpr std::uint32_t kNoEnd = ~std::uint32_t{0};

struct Repeat {
    std::uint32_t least = 1;
    std::uint32_t most = 1;  // kNoEnd: any number
};

constexpr NameBytes kDigits = NameBytes::between('0', '9');
constexpr NameBytes kWords = NameBytes::between('a', 'z').with(kDigits).with(NameBytes::of('_'));

class RegexReader {
  public:
    explicit RegexReader(std::string_view text) : rest_(text) {}

    tl::expected<ReadPattern, std::string> read() {
        if (next_is('^')) {
            rest_.remove_prefix(1);
        }
        Part whole = read_alternatives(0);
        if (next_is('$') && rest_.size() == 1) {
            rest_.remove_prefix(1);
        }
        if (!rest_.empty()) {
            fail(next_is(')') ? ") without (" : "^ and $ may only stand first and last");
        }
        if (whole.empty) {
            fail("it matches the empty text");
        }
        if (!whole.demands) {
            fail(kTooBroad);
        }
        if (!wrong_.empty()) {
            return tl::unexpected(wrong_);
        }
        ReadPattern read;
        read.pattern.kind = PatternKind::regex;
        read.expression = std::move(whole.expression);
        read.positions = static_cast<std::uint32_t>(whole.positions);
        read.wildcards = static_cast<std::uint32_t>(whole.wildcards);
        return read;
    }

  private:
    [[nodiscard]] bool next_is(char byte) const noexcept {
        return !rest_.empty() && rest_.front() == byte;
    }

    // The first thing that is wrong is what is told; reading ends with it.
    void fail(std::string_view what) {
        if (wrong_.empty()) {
            wrong_ = what;
        }
        rest_ = {};
    }

    [[nodiscard]] char take() {
        if (rest_.empty()) {
            fail("it ends too early");
            return 0;
        }
        const char byte = rest_.front();
        rest_.remove_prefix(1);
        return byte;
    }

    Part read_alternatives(std::uint32_t depth) {
        Part whole = read_sequence(depth);
        while (next_is('|')) {
            rest_.remove_prefix(1);
            Part other = read_sequence(depth);
            whole.expression += "|" + other.expression;
            whole.positions += other.positions;
            whole.wildcards += other.wildcards + 1;
            whole.empty = whole.empty || other.empty;
            whole.demands = whole.demands && other.demands;
            bound(whole);
        }
        return whole;
    }

    Part read_sequence(std::uint32_t depth) {
        Part whole;
        while (!rest_.empty() && !next_is('|') && !next_is(')') &&
               !(next_is('$') && rest_.size() == 1)) {
            Part part = read_atom(depth);
            repeat(part);
            whole.expression += part.expression;
            whole.positions += part.positions;
            whole.wildcards += part.wildcards;
            whole.empty = whole.empty && part.empty;
            whole.demands = whole.demands || part.demands;
            bound(whole);
        }
        return whole;
    }

    void bound(const Part& part) {
        if (part.positions > kPatternPositionsMax) {
            fail("its repeats, written out, have more than 500 places");
        }
    }

    static Part one_of(NameBytes bytes) {
        return {expression_of(bytes), 1, 0, false, bytes.count() == 1};
    }

    Part read_atom(std::uint32_t depth) {
        const char byte = take();
        switch (byte) {
            case '(':
                return read_group(depth + 1);
            case '[':
                return read_class();
            case '.':
                return one_of(NameBytes::all());
            case '\\':
                return nonempty(read_escape());
            case '*':
            case '+':
            case '?':
            case '{':
                fail(std::string(1, byte) + " has nothing to repeat");
                return {};
            case '^':
            case '$':
                fail("^ and $ may only stand first and last");
                return {};
            default:
                if (NameBytes::of(byte).empty()) {
                    fail(not_in_names(byte));
                    return {};
                }
                return one_of(NameBytes::of(byte));
        }
    }

    Part nonempty(NameBytes bytes) {
        if (bytes.empty()) {
            fail("a class holds no byte of a capability name");
            return {};
        }
        return one_of(bytes);
    }

    Part read_group(std::uint32_t depth) {
        if (depth > kPatternDepthMax) {
            fail("groups are nested more than 20 deep");
            return {};
        }
        if (next_is('?')) {
            rest_.remove_prefix(1);
            if (!next_is(':')) {
                fail("of what starts with (? only (?:...) is supported");
                return {};
            }
            rest_.remove_prefix(1);
        }
        Part part = read_alternatives(depth);
        if (!next_is(')')) {
            fail("( without )");
            return {};
        }
        rest_.remove_prefix(1);
        part.expression = "(?:" + part.expression + ")";
        return part;
    }

    // After the backslash.
    NameBytes read_escape() {
        const char byte = take();
        switch (byte) {
            case 'd':
                return kDigits;
            case 'D':
                return NameBytes::all().without(kDigits);
            case 'w':
                return kWords;
            case 'W':
                return NameBytes::all().without(kWords);
            case 'S':
                return NameBytes::all();
            default:
                break;
        }
        if (byte >= '1' && byte <= '9') {
            fail("back references are not supported");
        } else if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '0') {
            fail(std::string("\\") + byte + " is not supported");
        } else if (NameBytes::of(byte).empty()) {
            fail(not_in_names(byte));
        }
        return NameBytes::of(byte);
    }

    Part read_class() {
        const bool inverted = next_is('^');
        if (inverted) {
            rest_.remove_prefix(1);
        }
        NameBytes bytes;
        bool first = true;
        while (wrong_.empty() && (first || !next_is(']'))) {
            first = false;
            bytes = bytes.with(read_class_member());
        }
        static_cast<void>(take());
        return nonempty(inverted ? NameBytes::all().without(bytes) : bytes);
    }

    // One byte, range or escape inside brackets. Bytes that no name has are of no effect there.
    NameBytes read_class_member() {
        const char byte = take();
        if (byte == ']' || byte == '[') {
            fail(byte == ']' ? "[] holds nothing" : "[ inside [ ] is not supported");
            return {};
        }
        if (byte == '\\') {
            const NameBytes escaped = read_escape();
            if (rest_.size() > 1 && next_is('-') && rest_[1] != ']') {
                fail("a range in [ ] may not start with an escape");
            }
            return escaped;
        }
        if (!next_is('-') || rest_.size() < 2 || rest_[1] == ']') {
            return NameBytes::of(byte);
        }
        rest_.remove_prefix(1);
        const char last = take();
        if (last == '\\' || last == '[' || last < byte) {
            fail("a range in [ ] goes upwards, from one byte to another");
            return {};
        }
        return NameBytes::between(byte, last);
    }

    void repeat(Part& part) {
        const std::string_view before = rest_;
        const Repeat times = read_repeat();
        const std::string_view written = before.substr(0, before.size() - rest_.size());
        if (written.empty() || !wrong_.empty()) {
            return;
        }
        part.expression += written;
        if (next_is('?')) {  // lazy: the same names
            rest_.remove_prefix(1);
        }
        if (next_is('+') || next_is('*') || next_is('?') || next_is('{')) {
            fail("a repeat of a repeat needs a group");
            return;
        }
        if (part.positions == 0) {
            fail("a repeat of nothing");
            return;
        }
        const std::uint64_t copies = times.most == kNoEnd ? std::max(times.least, 1U) : times.most;
        part.positions *= copies;
        part.wildcards =
            part.wildcards * copies + (times.most == kNoEnd ? 1 : times.most - times.least);
        part.empty = part.empty || times.least == 0;
        part.demands = part.demands && times.least > 0;
    }

    Repeat read_repeat() {
        if (next_is('*') || next_is('+') || next_is('?')) {
            const char sign = take();
            return {sign == '+' ? 1U : 0U, sign == '?' ? 1U : kNoEnd};
        }
        if (!next_is('{')) {
            return {};
        }
        rest_.remove_prefix(1);
        Repeat times;
        times.least = times.most = read_number();
        if (next_is(',')) {
            rest_.remove_prefix(1);
            times.most = next_is('}') ? kNoEnd : read_number();
        }
        if (take() != '}' || times.most < times.least || times.most == 0) {
            fail("a repeat is {n}, {n,} or {n,m} with m at least n and 1");
        }
        return times;
    }

    std::uint32_t read_number() {
        std::uint32_t value = 0;
        std::size_t digits = 0;
        while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9' && digits < 4) {
            value = value * 10 + static_cast<std::uint32_t>(take() - '0');
            ++digits;
        }
        if (digits == 0) {
            fail("a repeat is {n}, {n,} or {n,m} with m at least n and 1");
        } else if (value > kPatternRepeatMax) {
            fail("a repeat is of more than 100; no capability name is longer");
        }
        return value;
    }

    std::string_view rest_;
    std::string wrong_;
};

}  // namespace

tl::expected<ReadPattern, std::string> read_regex(std::string_view text) {
    auto read = RegexReader(text).read();
    if (read) {
        read->pattern.text = text;
    }
    return read;
}

}  // namespace posthaste::routing
