// SPDX-License-Identifier: BSD-3-Clause
// PatternJudge: whether the patterns in a registration may be offered. What the registrar asks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "routing/agent_id.h"
#include "routing/offer.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

// A copy of a request that waits for its regular expressions to be tried.
struct KeptRequest {
    std::uint16_t ingress = 0;
    routing::AgentId agent;
    routing::Endpoint from;
    std::vector<std::uint8_t> frame;
    std::vector<std::string> untried;
    std::uint64_t number = 0;  // in the order they came; 0: keep() gives it one
    bool superseded = false;   // by a later request of the agent, which was served
};

class PatternJudge {
  public:
    static constexpr std::uint64_t kAll = ~std::uint64_t{0};

    virtual ~PatternJudge() = default;

    struct Judgement {
        // Regular expressions to be tried before it can be told; empty: the offers are good.
        std::vector<std::string> untried;
    };

    // Looks at the patterns among the offers and brings them into the one form they are kept in.
    [[nodiscard]] virtual tl::expected<Judgement, routing::RibError> judge(
        std::span<routing::Offer> offers, bool regexes_allowed) = 0;
    // Keeps a request that waits for these to be tried; see take_tried(). False: too many wait.
    [[nodiscard]] virtual bool keep(KeptRequest request) = 0;
    // Marks the agent's requests of lower numbers as superseded, or of these the ones from that
    // host; null: from any. True: there are some. They come back to be answered.
    virtual bool supersede(const routing::AgentId& agent,
                           const routing::Endpoint* from,
                           std::uint64_t before) = 0;
};

}  // namespace posthaste::controlplane
