// SPDX-License-Identifier: BSD-3-Clause
// PatternVerdicts: what became of regular expressions that were compiled for trial, so that each is
// tried once. Control thread only. Bounded; the oldest verdict goes first.
//
// Trying takes up to some hundred milliseconds for the worst that read_pattern() lets through, so
// it is done on the builder thread.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "routing/pattern.h"

namespace posthaste::routing {

// A single pattern whose own database takes more is refused: it would be slow among others, too.
inline constexpr std::size_t kPatternAloneBytesMax = 128 * 1'024;

// Compiles the pattern alone: what is wrong with it, empty: nothing. Any thread; slow.
[[nodiscard]] std::string try_pattern(const ReadPattern& pattern);

class PatternVerdicts {
  public:
    explicit PatternVerdicts(std::size_t verdicts_max) : verdicts_max_(verdicts_max) {}

    // Null: not tried yet, or forgotten. Empty: the regular expression is good.
    [[nodiscard]] const std::string* find(const std::string& text) const;
    void put(const std::string& text, std::string wrong);

    [[nodiscard]] std::size_t count() const noexcept { return verdicts_.size(); }

  private:
    std::size_t verdicts_max_;
    std::unordered_map<std::string, std::string> verdicts_;
    std::deque<std::string> order_;  // the oldest first
};

}  // namespace posthaste::routing
