// SPDX-License-Identifier: BSD-3-Clause
// FakePatterns: a judge of patterns without a builder: which regular expressions are good is what
// the test says.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/pattern_judge.h"

namespace posthaste::support {

class FakePatterns final : public controlplane::PatternJudge {
  public:
    std::map<std::string, std::string> verdicts;  // by regular expression; empty: good
    std::vector<controlplane::KeptRequest> kept;
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

    [[nodiscard]] bool keep(controlplane::KeptRequest request) override {
        if (kept.size() == kept_max) {
            return false;
        }
        request.number = kept.size() + 1;
        kept.push_back(std::move(request));
        return true;
    }

    bool supersede(const routing::AgentId& agent,
                   const routing::Endpoint* from,
                   std::uint64_t before) override {
        bool any = false;
        for (controlplane::KeptRequest& request : kept) {
            if (request.agent == agent && request.number < before &&
                (from == nullptr || routing::same_host(request.from, *from))) {
                request.superseded = true;
                any = true;
            }
        }
        return any;
    }
};

}  // namespace posthaste::support
