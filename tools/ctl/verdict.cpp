// SPDX-License-Identifier: BSD-3-Clause
#include "tools/ctl/verdict.h"

#include <algorithm>

#include "tools/ctl/settings.h"

namespace posthaste::tools {

using controlplane::Json;

int exit_code_of_answer(const Json& data) {
    const auto result = data.is_object() ? data.find("result") : data.end();
    if (!data.is_object() || result == data.end() || !result->is_string()) {
        return kExitOk;
    }
    if (*result == "unanswered") {
        return kExitUnanswered;
    }
    return *result == "different" || *result == "partial" ? kExitFailed : kExitOk;
}

bool is_check(std::span<const std::string> words) {
    return words.size() >= 2 && words[0] == "cluster" && words[1] == "check";
}

int patience_ms(std::span<const std::string> words, int timeout_ms) {
    const bool asks = words.size() >= 2 && words[0] == "cluster";
    return asks ? std::max(timeout_ms, controlplane::kOngoingMsMax + 1'000) : timeout_ms;
}

bool is_endless(std::span<const std::string> words) {
    return !words.empty() && words[0] == "events" &&
           std::ranges::none_of(words, [](const std::string& word) {
               return word == "--count" || word.starts_with("--count=");
           });
}

}  // namespace posthaste::tools
