// SPDX-License-Identifier: BSD-3-Clause
// Decisions about frames to the capabilities of one group, as an lcore makes them: a burst at a
// time, each step for all of it before the next one. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/conversations.h"
#include "tools/benchmark/capability_world.h"

namespace posthaste::tools {

class CapabilityDecisions {
  public:
    static constexpr std::size_t kBurst = 64;
    static constexpr std::size_t kFrames = 1U << 15;  // of the stream, again and again

    CapabilityDecisions(const CapabilityWorld& world,
                        const CapabilityGroup& group,
                        std::uint32_t conversations,
                        std::uint32_t remembered);

    // A burst of the stream, `burst` frames at a time; how many. Each frame belongs to one of the
    // conversations, or begins a new one.
    std::size_t decide(routing::Strategy strategy, std::size_t burst, bool anew) noexcept;
    // The rival: one frame.
    std::size_t copy() noexcept;

    // Whether all that decide() has chosen is an agent of the right capability; asks all frames.
    [[nodiscard]] bool right(routing::Strategy strategy, std::size_t burst);

    // Agents found so far, none of them counted by copy().
    [[nodiscard]] std::uint64_t found() const noexcept { return found_; }

  private:
    struct Frame {
        routing::AgentId capability;
        std::uint64_t conversation = 0;
        std::uint32_t number = 0;  // of the capability
    };

    void decide_some(std::span<const Frame> frames, routing::Strategy strategy, bool anew) noexcept;

    const CapabilityWorld& world_;
    const CapabilityGroup& group_;
    std::vector<Frame> frames_;
    routing::Conversations conversations_;
    routing::ChoiceContext context_;
    routing::AgentId sender_;
    std::size_t next_ = 0;  // a multiple of kBurst
    std::size_t next_copied_ = 0;
    std::uint64_t fresh_ = std::uint64_t{1} << 63;  // conversations that nobody had
    std::uint64_t found_ = 0;
    std::vector<const routing::FibEntry*> chosen_;  // of the last burst
};

}  // namespace posthaste::tools
