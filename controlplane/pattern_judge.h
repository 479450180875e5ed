// SPDX-License-Identifier: BSD-3-Clause
// PatternJudge: whether the patterns in a registration may be offered. What the registrar asks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "routing/offer.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

class PatternJudge {
  public:
    virtual ~PatternJudge() = default;

    struct Judgement {
        // Regular expressions to be tried before it can be told; empty: the offers are good.
        std::vector<std::string> untried;
    };

    // Looks at the patterns among the offers and brings them into the one form they are kept in.
    [[nodiscard]] virtual tl::expected<Judgement, routing::RibError> judge(
        std::span<routing::Offer> offers, bool regexes_allowed) = 0;
    // Keeps a request that waits for these to be tried; see take_tried(). False: too many wait.
    [[nodiscard]] virtual bool keep(std::uint16_t ingress,
                                    std::span<const std::uint8_t> frame,
                                    const std::vector<std::string>& untried) = 0;
};

}  // namespace posthaste::controlplane
