// SPDX-License-Identifier: BSD-3-Clause
// SettledAnswer: an operator's answer that waits until what it tells is on the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "controlplane/ongoing.h"
#include "controlplane/store/saved_agents.h"

namespace posthaste::controlplane {

class SettledAnswer final : public Ongoing {
  public:
    static constexpr std::uint64_t kWaitMaxMs = 4'000;  // clients wait 5 s, unless told otherwise

    using Clock = std::function<std::uint64_t()>;  // milliseconds, monotonic

    // `saved` outlives it, and somebody calls its turn().
    SettledAnswer(const SavedAgents& saved, std::uint64_t ticket, Json answer, Clock now_ms);

    // The answer; or after kWaitMaxMs that it is done, but may not survive.
    [[nodiscard]] std::optional<Answer> next() override;

    [[nodiscard]] bool is_endless() const override { return false; }

  private:
    const SavedAgents& saved_;
    std::uint64_t ticket_;
    Json answer_;
    Clock now_ms_;
    std::uint64_t until_ms_;
};

}  // namespace posthaste::controlplane
