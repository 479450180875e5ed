// SPDX-License-Identifier: BSD-3-Clause
// Rules as people write them against what agents say: names of secrets, assignments, addresses,
// requests, fields, and words near each other.
#include <random>
#include <string_view>
#include <utility>

#include "tools/benchmark/policy_bench.h"

namespace posthaste::tools {

RuleSample rule_sample(unsigned rules) {
    static constexpr std::string_view kLetters = "etaoinshrdlucmfwypvbgkqjxz";
    std::mt19937 random(rules);
    const auto word = [&](unsigned letters) {
        std::string made;
        while (made.size() < letters) {
            made += kLetters[(random() % kLetters.size() + random() % kLetters.size()) / 2];
        }
        return made;
    };
    RuleSample sample;
    for (unsigned i = 0; i < rules; ++i) {
        const std::string own = word(5 + random() % 8) + std::to_string(i);
        const std::string end = word(6);
        const auto add = [&sample](std::string expression, std::string matching) {
            sample.expressions.push_back(std::move(expression));
            sample.matching.push_back(std::move(matching));
        };
        switch (random() % 8) {
            case 0:
                add("\\b" + own + "\\s*=\\s*[0-9]{1,8}", " " + own + " = 42");
                break;
            case 1:
                add(own + "[a-z0-9._-]{1,32}@" + end + "\\.(com|org)", own + ".x@" + end + ".org");
                break;
            case 2:
                add("(GET|POST) /" + own + "/[^ ]{0,64}\\." + end, "GET /" + own + "/a." + end);
                break;
            case 3:
                add("\"" + own + "\"\\s*:\\s*\"[^\"]{0,100}" + end, "\"" + own + "\": \"" + end);
                break;
            case 4:
                add(own + ".{0,40}" + end, own + " or " + end);
                break;
            default:
                add(own + "_" + end, own + "_" + end);
        }
    }
    return sample;
}

}  // namespace posthaste::tools
