// SPDX-License-Identifier: BSD-3-Clause
// Awareness: how well this router itself does (Lifeguard's local health): 0 is well, 7 is slow.
// A slow one gives others more time before it accuses them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace posthaste::gossip::membership {

class Awareness {
  public:
    static constexpr int kScoreMax = 7;

    // Not `on`: always well.
    explicit Awareness(bool on) : score_max_(on ? kScoreMax : 0) {}

    void apply(int delta) noexcept { score_ = std::clamp(score_ + delta, 0, score_max_); }

    [[nodiscard]] unsigned score() const noexcept { return static_cast<unsigned>(score_); }

    [[nodiscard]] std::uint64_t scale(std::uint64_t ms) const noexcept {
        return ms * (score() + 1);
    }

  private:
    int score_max_;
    int score_ = 0;
};

}  // namespace posthaste::gossip::membership
