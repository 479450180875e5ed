// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config_findings.h"

#include <algorithm>

#include "controlplane/config_values.h"
#include "routing/text.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kShownBytes = 80;

// Values may be any bytes; messages are UTF-8, for JSON answers and for terminals.
std::string as_utf8(std::string text) {
    if (!routing::is_printable_utf8(text)) {
        std::ranges::replace_if(
            text, [](char c) { return (c & 0x80) != 0; }, '?');
    }
    return text;
}

}  // namespace

std::string shown_value(std::string_view value) {
    std::string result(value.substr(0, kShownBytes));
    return value.size() > kShownBytes ? result + "..." : result;
}

Findings::Findings(std::string path, const IniScan& scan) : path_(std::move(path)), scan_(scan) {
    for (std::size_t i = 0; i < scan.sections.size(); ++i) {
        section_at_.emplace(scan.sections[i].line, i);
    }
}

void Findings::add(int line, std::string_view section, std::string_view text) {
    push(line, (section.empty() ? "" : "[" + std::string(section) + "] ") + std::string(text));
}

void Findings::add(int line, const KeyRow& key, std::string_view why, std::string_view allowed) {
    if (is_full()) {
        ++left_out_;
        return;
    }
    const IniEntry* written = entry(line, key.name);
    const auto section = section_at_.find(line);
    std::string text = section == section_at_.end()
                           ? std::string(section_row(key.section).word)
                           : std::string(scan_.sections[section->second].name);
    text = "[" + text + "] " + std::string(key.name);
    if (written != nullptr) {
        text += " = " + shown_value(written->value);
    } else if (const std::string initial = key.initial(); !initial.empty()) {
        text += " = " + initial + " (default)";
    }
    text += ": " + std::string(why);
    if (!allowed.empty()) {
        text += "; allowed: " + std::string(allowed);
    }
    push(written != nullptr ? written->line : line, std::move(text));
}

void Findings::add(SectionKind section,
                   std::string_view key,
                   std::string_view why,
                   std::string_view allowed) {
    add(line_of(section), *find_key(section, key), why, allowed);
}

void Findings::set_line(SectionKind section, int line) {
    line_of_[static_cast<std::size_t>(section)] = line;
}

int Findings::line_of(SectionKind section) const {
    return line_of_[static_cast<std::size_t>(section)];
}

int Findings::line_of(SectionKind section, std::string_view key) const {
    const IniEntry* written = entry(line_of(section), key);
    return written != nullptr ? written->line : line_of(section);
}

bool Findings::has_key(int section_line, std::string_view key) const {
    return entry(section_line, key) != nullptr;
}

const IniEntry* Findings::entry(int section_line, std::string_view key) const {
    const auto section = section_at_.find(section_line);
    if (section == section_at_.end()) {
        return nullptr;
    }
    const IniSection& at = scan_.sections[section->second];
    for (std::size_t i = at.entry; i < at.entry + at.entries; ++i) {
        if (scan_.entries[i].key == key) {
            return &scan_.entries[i];
        }
    }
    return nullptr;
}

void Findings::push(int line, std::string text) {
    if (is_full()) {
        ++left_out_;
        return;
    }
    found_.push_back({line, as_utf8(std::move(text))});
}

std::string Findings::text() const {
    std::vector<const Finding*> sorted;
    for (const Finding& finding : found_) {
        sorted.push_back(&finding);
    }
    std::ranges::stable_sort(sorted, std::less{}, [](const Finding* at) { return at->line; });
    std::string result;
    for (const Finding* finding : sorted) {
        result += path_ + ":" + (finding->line > 0 ? std::to_string(finding->line) + ":" : "") +
                  " " + finding->text + "\n";
    }
    if (left_out_ > 0) {
        result += path_ + ": and " + std::to_string(left_out_) + " more\n";
    }
    return result;
}

}  // namespace posthaste::controlplane
