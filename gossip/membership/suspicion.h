// SPDX-License-Identifier: BSD-3-Clause
// Suspicion: how long a member that does not answer has to say that it is alive (Lifeguard).
//
// From the longest time down to the shortest as others confirm, the first ones the most:
//   max - (max - min) * ln(c + 1) / ln(k + 1), c confirmations of k that are expected.
// Holds k + 1 names at most.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/membership/options.h"

namespace posthaste::gossip::membership {

class Suspicion {
  public:
    // `known`: n of the formulas, we and the suspect among them.
    Suspicion(const Timing& timing, std::size_t known, std::string_view from, std::uint64_t now_ms);

    // True: it counts, so all should hear of it. One member counts once.
    [[nodiscard]] bool confirm(std::string_view from);
    [[nodiscard]] std::uint64_t due_ms() const noexcept;

    [[nodiscard]] unsigned confirmations() const noexcept { return confirmations_; }

  private:
    std::uint64_t started_ms_;
    std::uint64_t min_ms_;
    std::uint64_t max_ms_;
    unsigned expected_ = 0;
    unsigned confirmations_ = 0;
    std::vector<std::string> from_;
};

}  // namespace posthaste::gossip::membership
