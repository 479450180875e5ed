// SPDX-License-Identifier: BSD-3-Clause
// Findings: what is wrong with one configuration file, each with the line it stands in.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "controlplane/config.h"
#include "controlplane/config_table.h"
#include "controlplane/ini_scan.h"

namespace posthaste::controlplane {

// A value as it stands in a message: cut when long, so that a line stays a line.
[[nodiscard]] std::string shown_value(std::string_view value);

class Findings {
  public:
    // `scan` must outlive it.
    Findings(std::string path, const IniScan& scan);

    // FILE:LINE: [SECTION] TEXT
    void add(int line, std::string_view section, std::string_view text);
    // The same about a key of the section whose header is in `line`, with its value as written.
    // A key that is not there is told with its default.
    void add(int line, const KeyRow& key, std::string_view why, std::string_view allowed);
    // About a key of a section that stands at most once.
    void add(SectionKind section,
             std::string_view key,
             std::string_view why,
             std::string_view allowed);

    // The line of a section's header (the last one of its kind); 0: there is none.
    void set_line(SectionKind section, int line);
    [[nodiscard]] int line_of(SectionKind section) const;
    // The line of a key of a single section; its header's if the key is not there.
    [[nodiscard]] int line_of(SectionKind section, std::string_view key) const;

    // A section with a bad value holds a default in its place: checks against others would
    // report what nobody wrote.
    [[nodiscard]] bool is_broken(int section_line) const { return broken_.contains(section_line); }

    [[nodiscard]] bool is_broken(SectionKind section) const { return is_broken(line_of(section)); }

    void set_broken(int section_line) { broken_.insert(section_line); }

    [[nodiscard]] bool has_key(int section_line, std::string_view key) const;

    // Further findings are only counted; their texts need not be made.
    [[nodiscard]] bool is_full() const { return found_.size() >= kConfigErrorsMax; }

    [[nodiscard]] bool empty() const { return found_.empty(); }

    // In the order of the lines, bounded.
    [[nodiscard]] std::string text() const;

  private:
    struct Finding {
        int line;
        std::string text;
    };

    [[nodiscard]] const IniEntry* entry(int section_line, std::string_view key) const;
    void push(int line, std::string text);

    std::string path_;
    const IniScan& scan_;
    std::unordered_map<int, std::size_t> section_at_;  // header line: index in the scan
    std::array<int, kSectionKinds> line_of_{};
    std::unordered_set<int> broken_;
    std::vector<Finding> found_;
    std::size_t left_out_ = 0;
};

// Everything that only several values together can be wrong in.
void check_together(const Config& config, Findings& findings);
// The part of it about routers, routes and agents.
void check_references(const Config& config, Findings& findings);
// The part of it about the cluster.
void check_cluster(const Config& config, Findings& findings);
// The part of that about policies. What is in their expressions is not looked at: that takes time.
void check_policies(const Config& config, Findings& findings);

}  // namespace posthaste::controlplane
