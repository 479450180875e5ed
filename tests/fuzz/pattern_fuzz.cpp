// SPDX-License-Identifier: BSD-3-Clause
// Any text as a pattern, and any bytes as names it is asked about.
//
// Input: one byte (bit 0: regex), lines: the pattern, then names. Holds: a pattern is refused with
// a reason or read; what was read keeps its bounds, compiles, and takes no more than kBytesMax
// compiled; a glob in its one form is read as itself and matches as by trying; matching finds it
// or not, but never another number, and never what is no name between its edges.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "routing/capability_name.h"
#include "routing/check.h"
#include "routing/pattern.h"
#include "routing/pattern_database.h"
#include "tests/support/naive_glob.h"

namespace {

using namespace posthaste::routing;

// Four times the most that a search among random patterns found.
constexpr std::size_t kBytesMax = 2 << 20;
// Trying takes time exponential in these.
constexpr std::uint32_t kNaiveWildcardsMax = 3;

std::string_view next_line(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}

void check_names(const ReadPattern& read, const PatternDatabase& database, std::string_view rest) {
    PatternScratch scratch;
    CHECK(scratch.fit(database));
    for (int i = 0; i < 16 && !rest.empty(); ++i) {
        const std::string_view name = next_line(rest);
        std::array<std::uint32_t, 2> numbers{7, 7};
        const auto found = database.match(name, scratch, numbers);
        CHECK(found.count <= 1 && !found.overflow);
        CHECK(found.count == 0 || numbers[0] == 42);
        if (is_capability_name(name) && read.pattern.kind == PatternKind::glob &&
            read.wildcards <= kNaiveWildcardsMax) {
            const bool expected = posthaste::test::naive_glob_matches(read.pattern.text, name);
            CHECK(expected == (found.count == 1));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto kind = (data[0] & 1) == 0 ? PatternKind::glob : PatternKind::regex;
    const std::string_view text = next_line(rest);
    const auto read = read_pattern(kind, text);
    if (!read) {
        CHECK(!read.error().empty() && read.error().size() < 200);
        return 0;
    }
    CHECK(!text.empty() && text.size() <= kPatternTextMax);
    CHECK(read->positions >= 1 && read->positions <= kPatternPositionsMax);
    const auto again = read_pattern(kind, read->pattern.text);
    CHECK(again.has_value() && again->pattern == read->pattern &&
          again->expression == read->expression);
    const NumberedExpression one{42, read->expression};
    const auto database = PatternDatabase::compile({&one, 1}, kBytesMax);
    CHECK(database.has_value());
    check_names(*read, **database, rest);
    return 0;
}
