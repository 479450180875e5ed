// SPDX-License-Identifier: BSD-3-Clause
// Globs, and what both kinds of pattern have in common.
#include "routing/pattern.h"

#include <array>
#include <vector>

#include "routing/name_bytes.h"
#include "routing/pattern_syntax.h"

namespace posthaste::routing {

namespace {

constexpr bool is_range_byte(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// One element of a glob: one byte of a set, or any number of them.
struct GlobStep {
    NameBytes bytes;
    bool any_number = false;

    friend bool operator==(const GlobStep&, const GlobStep&) = default;
};

constexpr GlobStep kOne = {NameBytes::of_segments(), false};
constexpr GlobStep kAnyInSegment = {NameBytes::of_segments(), true};
constexpr GlobStep kAny = {NameBytes::all(), true};

// Appends so that each language of wildcards in a row has one writing: ?* for *?, ** for ** beside
// *.
void append(std::vector<GlobStep>& steps, const GlobStep& step) {
    const GlobStep last = steps.empty() ? GlobStep{} : steps.back();
    if (step.any_number && last.any_number) {
        steps.back() = last == kAny ? kAny : step;
    } else if (step == kOne && last == kAnyInSegment) {
        steps.back() = kOne;
        steps.push_back(kAnyInSegment);
    } else {
        steps.push_back(step);
    }
}

// What stands after '[': the bytes, and how much of the text they took.
tl::expected<NameBytes, std::string> read_glob_class(std::string_view rest, std::size_t& taken) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos || end == 0) {
        return tl::unexpected(std::string(end == 0 ? "[] holds nothing" : "[ without ]"));
    }
    const std::string_view inside = rest.substr(0, end);
    taken = end + 1;
    NameBytes bytes;
    for (std::size_t at = 0; at < inside.size(); ++at) {
        const char byte = inside[at];
        if (byte == '/' || NameBytes::of(byte).empty()) {
            return tl::unexpected(byte == '/' ? std::string("/ inside [ ]")
                                              : not_in_names(byte) + " inside [ ]");
        }
        if (at + 2 < inside.size() && inside[at + 1] == '-') {
            const char last = inside[at + 2];
            const bool letters = byte >= 'a' && last >= 'a';
            if (!is_range_byte(byte) || !is_range_byte(last) || byte > last ||
                (!letters && last > '9')) {
                return tl::unexpected(
                    std::string("a range in [ ] goes from a letter or digit up to a like one"));
            }
            bytes = bytes.with(NameBytes::between(byte, last));
            at += 2;
        } else {
            bytes = bytes.with(NameBytes::of(byte));
        }
    }
    return bytes;
}

tl::expected<std::vector<GlobStep>, std::string> read_steps(std::string_view text) {
    std::vector<GlobStep> steps;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char byte = text[at];
        if (byte == '*') {
            const bool twice = at + 1 < text.size() && text[at + 1] == '*';
            append(steps, twice ? kAny : kAnyInSegment);
            at += twice ? 1 : 0;
        } else if (byte == '?') {
            append(steps, kOne);
        } else if (byte == '[') {
            std::size_t taken = 0;
            const auto bytes = read_glob_class(text.substr(at + 1), taken);
            if (!bytes) {
                return tl::unexpected(bytes.error());
            }
            append(steps, {*bytes, false});
            at += taken;
        } else if (!NameBytes::of(byte).empty()) {
            append(steps, {NameBytes::of(byte), false});
        } else {
            return tl::unexpected(not_in_names(byte));
        }
    }
    return steps;
}

std::string glob_text(const GlobStep& step) {
    if (step.any_number) {
        return step == kAny ? "**" : "*";
    }
    if (step == kOne) {
        return "?";
    }
    return step.bytes.count() == 1 ? std::string(1, step.bytes.first())
                                   : "[" + step.bytes.ranges("") + "]";
}

tl::expected<ReadPattern, std::string> read_glob(std::string_view text) {
    const auto steps = read_steps(text);
    if (!steps) {
        return tl::unexpected(steps.error());
    }
    ReadPattern read;
    read.pattern.kind = PatternKind::glob;
    bool demands = false;
    for (const GlobStep& step : *steps) {
        read.pattern.text += glob_text(step);
        read.expression += expression_of(step.bytes) + (step.any_number ? "*" : "");
        read.wildcards += step.any_number ? 1 : 0;
        demands = demands || (!step.any_number && step.bytes.count() == 1);
        ++read.positions;
    }
    if (!demands) {
        return tl::unexpected(std::string(kTooBroad));
    }
    return read;
}

}  // namespace

std::string NameBytes::ranges(std::string_view escape) const {
    std::string text;
    if (contains('-')) {
        text += escape;
        text += '-';
    }
    for (std::size_t at = 1; at < kNameAlphabet.size(); ++at) {
        if ((bits_ >> at & 1) == 0) {
            continue;
        }
        std::size_t last = at;
        while (last + 1 < kNameAlphabet.size() && (bits_ >> (last + 1) & 1) != 0 &&
               is_range_byte(kNameAlphabet[at]) &&
               kNameAlphabet[last + 1] == kNameAlphabet[last] + 1 &&
               is_range_byte(kNameAlphabet[last + 1])) {
            ++last;
        }
        text += kNameAlphabet[at];
        if (last > at) {
            text += last > at + 1 ? "-" : "";
            text += kNameAlphabet[last];
        }
        at = last;
    }
    return text;
}

std::string not_in_names(char byte) {
    if (byte <= ' ' || byte > '~') {
        static constexpr std::string_view kDigits = "0123456789abcdef";
        const auto value = static_cast<unsigned char>(byte);
        return std::string("byte 0x") + kDigits[value >> 4] + kDigits[value & 15] +
               " is in no capability name";
    }
    return std::string("'") + byte + "' is in no capability name";
}

std::string expression_of(NameBytes bytes) {
    if (bytes.count() > 1) {
        return "[" + bytes.ranges("\\") + "]";
    }
    const char byte = bytes.first();
    return byte == '.' ? "\\." : std::string(1, byte);
}

tl::expected<ReadPattern, std::string> read_pattern(PatternKind kind, std::string_view text) {
    if (text.empty() || text.size() > kPatternTextMax) {
        return tl::unexpected(std::string("a pattern has 1 to 200 bytes"));
    }
    return kind == PatternKind::glob ? read_glob(text) : read_regex(text);
}

std::optional<std::string> check_pattern(PatternKind kind, std::string_view text) {
    auto read = read_pattern(kind, text);
    return read ? std::nullopt : std::optional(std::move(read.error()));
}

std::string anchored(std::string_view expression) {
    std::string text("^(?:");
    text += expression;
    return text += ")$";
}

}  // namespace posthaste::routing
