// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/ini_scan.h"

#include <algorithm>
#include <unordered_map>

#include "controlplane/config.h"

namespace posthaste::controlplane {

namespace {

constexpr std::string_view kBlank = " \t";

std::string_view strip(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_word(std::string_view text, std::string_view others) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               others.find(c) != std::string_view::npos;
    });
}

bool is_section_name(std::string_view name) {
    const std::size_t blank = name.find(' ');
    if (blank == std::string_view::npos) {
        return is_word(name, "_-");
    }
    return is_word(name.substr(0, blank), "_-") && is_word(name.substr(blank + 1), "_-");
}

std::string folded(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return result;
}

// A part of a bad line, fit for a message.
std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 60;
    std::string result = "'";
    for (const char c : text.substr(0, kShown)) {
        result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
    return result + (text.size() > kShown ? "...'" : "'");
}

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    IniScan run() {
        for (std::size_t start = 0; start < text_.size();) {
            const std::size_t end = std::min(text_.find('\n', start), text_.size());
            ++line_;
            offset_ = start;
            scan_line(text_.substr(start, end - start));
            start = end + 1;
        }
        return std::move(scan_);
    }

  private:
    void fail(std::string text) {
        if (scan_.errors.size() >= kConfigErrorsMax) {
            ++scan_.errors_left_out;
            return;
        }
        const std::string section =
            scan_.sections.empty() || !is_section_name(scan_.sections.back().name)
                ? ""
                : std::string(scan_.sections.back().name);
        scan_.errors.push_back({line_, section, std::move(text)});
    }

    void scan_line(std::string_view raw) {
        if (!raw.empty() && raw.back() == '\r') {
            raw.remove_suffix(1);
        }
        if (raw.size() > kConfigLineBytesMax) {
            fail("the line has " + std::to_string(raw.size()) +
                 " bytes; allowed: " + std::to_string(kConfigLineBytesMax));
            return;
        }
        if (line_ == 1 && raw.starts_with("\xef\xbb\xbf")) {
            fail("the file begins with a byte order mark; allowed: UTF-8 text without it");
            return;
        }
        for (const char c : raw) {
            const auto byte = static_cast<unsigned char>(c);
            if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
                fail("control character " + std::to_string(byte) + "; allowed: printable text");
                return;
            }
        }
        const std::string_view line = strip(raw);
        if (line.empty()) {
            return;
        }
        if (line.back() == '\\') {
            fail("the line ends with a backslash; allowed: lines are never continued");
        } else if (line.front() == '[') {
            scan_section(line);
        } else if (line.front() != '#' && line.front() != ';') {
            scan_entry(line);
        }
    }

    void scan_section(std::string_view line) {
        const std::size_t end = std::min(line.find(']'), line.size());
        const std::string_view name = line.substr(1, end - 1);
        if (end == line.size()) {
            fail("section " + quoted(line) + " is not closed; allowed: [NAME]");
        } else if (end + 1 != line.size()) {
            fail("text behind section " + quoted(line.substr(0, end + 1)) +
                 "; allowed: comments on a line of their own");
        } else if (!is_section_name(name)) {
            fail("bad section name " + quoted(name) +
                 "; allowed: [word] or [word name] of letters, digits, '_' and '-', one blank "
                 "between");
        }
        // Even a bad header begins a section: what follows does not belong to the one before.
        const auto [first, added] = seen_sections_.emplace(folded(name), line_);
        scan_.sections.push_back({line_, name, offset_, scan_.entries.size(), 0});
        seen_keys_.clear();
        if (!added) {
            fail("the section is already there, in line " + std::to_string(first->second) +
                 "; allowed: every section once (case does not count)");
        }
    }

    void scan_entry(std::string_view line) {
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            fail("no '=' in " + quoted(line) + "; allowed: KEY = VALUE");
            return;
        }
        const std::string_view key = strip(line.substr(0, equals));
        if (!is_word(key, "_")) {
            fail("bad key " + quoted(key) + "; allowed: letters, digits and '_'");
            return;
        }
        if (scan_.sections.empty()) {
            fail("key " + quoted(key) + " outside of a section; allowed: [SECTION] first");
            return;
        }
        if (seen_keys_.size() > kConfigKeysMax) {
            return;  // told, below
        }
        const auto [first, added] = seen_keys_.emplace(folded(key), line_);
        if (seen_keys_.size() > kConfigKeysMax) {
            fail("more than " + std::to_string(kConfigKeysMax) + " keys in the section");
            return;
        }
        if (!added) {
            fail(std::string(key) + ": the key is already there, in line " +
                 std::to_string(first->second) + "; allowed: every key once in a section");
            return;
        }
        scan_value(key, strip(line.substr(equals + 1)));
    }

    void scan_value(std::string_view key, std::string_view value) {
        const std::string name(key);
        if (value.empty()) {
            fail(name + ": no value; allowed: a value, or no such line (for the default)");
            return;
        }
        const char quote = value.front();
        if (quote == '"' || quote == '\'') {
            const std::size_t end = value.find(quote, 1);
            if (end == std::string_view::npos) {
                fail(name + ": the quote in " + quoted(value) +
                     " is not closed; allowed: quotes around the whole value");
                return;
            }
            if (end + 1 != value.size()) {
                fail(name + ": text behind the closing quote: " + quoted(value.substr(end + 1)) +
                     "; allowed: comments on a line of their own");
                return;
            }
            value = value.substr(1, end - 1);
            if (strip(value).empty()) {
                fail(name + ": empty value; allowed: a value, or no such line (for the default)");
                return;
            }
        } else if (value.find_first_of(";#") != std::string_view::npos) {
            fail(name + ": ';' or '#' in " + quoted(value) +
                 "; allowed: in quotes, and comments on a line of their own");
            return;
        } else if (value.find_first_of("\"'") != std::string_view::npos) {
            fail(name + ": a quote within " + quoted(value) +
                 "; allowed: quotes around the whole value");
            return;
        }
        scan_.entries.push_back({line_, key, value});
        ++scan_.sections.back().entries;
    }

    std::string_view text_;
    int line_ = 0;
    std::size_t offset_ = 0;
    std::unordered_map<std::string, int> seen_sections_;  // folded name, line
    std::unordered_map<std::string, int> seen_keys_;      // of the last section
    IniScan scan_;
};

}  // namespace

IniScan scan_ini(std::string_view text) {
    return Scanner(text).run();
}

}  // namespace posthaste::controlplane
