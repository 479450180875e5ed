// SPDX-License-Identifier: BSD-3-Clause
// The strict pass over an ini text: where everything stands, and whatever is not plainly right.
//
// iniparser is lenient: it cuts values at ';' and '#', joins duplicate sections and keys, goes on
// behind a line that ends with a backslash, and knows no line numbers. So this pass reads the text
// first and accepts only what both read alike; read_ini_values() then takes the values from
// iniparser and holds them against this pass.
//
// Pure, linear in the text. Results are views into the text, which must outlive them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::controlplane {

struct IniEntry {
    int line = 0;
    std::string_view key;
    std::string_view value;  // without its quotes; never empty
};

struct IniSection {
    int line = 0;
    std::string_view name;    // as written: "port edge0"
    std::size_t offset = 0;   // of its line in the text
    std::size_t entry = 0;    // index of its first entry
    std::size_t entries = 0;  // how many
};

struct IniError {
    int line = 0;
    std::string section;  // the last header before the line; empty: none
    std::string text;
};

struct IniScan {
    std::vector<IniSection> sections;
    std::vector<IniEntry> entries;
    std::vector<IniError> errors;  // in file order, at most kConfigErrorsMax
    std::size_t errors_left_out = 0;
};

[[nodiscard]] IniScan scan_ini(std::string_view text);

// The value of every entry of a scan without errors, in its order, as iniparser reads it.
// An error says which line the two read differently, or that iniparser could not run.
[[nodiscard]] tl::expected<std::vector<std::string>, IniError> read_ini_values(
    std::string_view text, const IniScan& scan);

}  // namespace posthaste::controlplane
