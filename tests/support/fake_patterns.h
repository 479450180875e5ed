// SPDX-License-Identifier: BSD-3-Clause
// FakePatterns: a judge of patterns without a builder: which regular expressions are good is what
// the test says.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controlplane/pattern_judge.h"

namespace posthaste::support {

class FakePatterns final : public controlplane::PatternJudge {
  public:
    std::map<std::string, std::string> verdicts;  // by regular expression; empty: good
    std::vector<std::vector<std::uint8_t>> kept;
    std::size_t kept_max = 2;

    [[nodiscard]] tl::expected<Judgement, routing::RibError> judge(std::span<routing::Offer> offers,
                                                                   bool regexes_allowed) override {
        Judgement judgement;
        for (const routing::Offer& offer : offers) {
            if (offer.kind != routing::OfferKind::regex) {
                continue;
            }
            if (!regexes_allowed) {
                return tl::unexpected(
                    routing::RibError{routing::ErrorCode::unauthorised, "not allowed"});
            }
            const auto verdict = verdicts.find(offer.text);
            if (verdict == verdicts.end()) {
                judgement.untried.push_back(offer.text);
            } else if (!verdict->second.empty()) {
                return tl::unexpected(
                    routing::RibError{routing::ErrorCode::malformed, verdict->second});
            }
        }
        return judgement;
    }

    [[nodiscard]] bool keep(std::uint16_t /*ingress*/,
                            std::span<const std::uint8_t> frame,
                            const std::vector<std::string>& /*untried*/) override {
        if (kept.size() == kept_max) {
            return false;
        }
        kept.emplace_back(frame.begin(), frame.end());
        return true;
    }
};

}  // namespace posthaste::support
