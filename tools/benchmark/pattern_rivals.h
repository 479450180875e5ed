// SPDX-License-Identifier: BSD-3-Clause
// What one would match patterns or look for rules with without Hyperscan: each for itself, one
// after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace posthaste::tools {

// PCRE2, each pattern compiled to machine code.
class Pcre2Patterns {
  public:
    explicit Pcre2Patterns(std::span<const std::string> expressions);
    ~Pcre2Patterns();
    Pcre2Patterns(const Pcre2Patterns&) = delete;
    Pcre2Patterns& operator=(const Pcre2Patterns&) = delete;

    // False: one did not compile, or this machine has no compiler for them.
    [[nodiscard]] bool sound() const noexcept { return sound_; }

    [[nodiscard]] std::size_t bytes() const noexcept;
    // How many are found in the text; anchored ones match the whole of it.
    [[nodiscard]] std::size_t match(std::string_view text) const noexcept;

  private:
    std::vector<pcre2_real_code_8*> codes_;
    pcre2_real_match_data_8* match_ = nullptr;
    bool sound_ = true;
};

class StdPatterns {
  public:
    explicit StdPatterns(std::span<const std::string> expressions);

    // How many match the whole name.
    [[nodiscard]] std::size_t match(std::string_view name) const;
    // How many are found in the text.
    [[nodiscard]] std::size_t search(std::string_view text) const;

  private:
    std::vector<std::regex> regexes_;
};

}  // namespace posthaste::tools
