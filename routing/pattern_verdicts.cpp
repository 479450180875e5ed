// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_verdicts.h"

#include <utility>

#include "routing/pattern_database.h"

namespace posthaste::routing {

std::string try_pattern(const ReadPattern& pattern) {
    const NumberedExpression one{0, pattern.expression};
    auto database = PatternDatabase::compile({&one, 1}, kPatternAloneBytesMax);
    return database ? std::string() : std::move(database.error().reason);
}

const std::string* PatternVerdicts::find(const std::string& text) const {
    const auto found = verdicts_.find(text);
    return found == verdicts_.end() ? nullptr : &found->second;
}

void PatternVerdicts::put(const std::string& text, std::string wrong) {
    const auto [at, added] = verdicts_.insert_or_assign(text, std::move(wrong));
    if (added) {
        order_.push_back(text);
    }
    while (order_.size() > verdicts_max_) {
        verdicts_.erase(order_.front());
        order_.pop_front();
    }
}

}  // namespace posthaste::routing
