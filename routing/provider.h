// SPDX-License-Identifier: BSD-3-Clause
// Provider: one agent among those that have a capability; and the strategies of choosing one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "routing/agent_id.h"
#include "routing/message.h"
#include "routing/router_mask.h"

namespace posthaste::routing {

inline constexpr std::uint16_t kProviderPriorityMax = 1'000;
inline constexpr std::uint16_t kProviderPriorityDefault = 50;
inline constexpr std::uint16_t kProviderWeightMax = 1'000;  // at least 1
inline constexpr std::uint16_t kProviderWeightDefault = 100;
inline constexpr std::uint16_t kLoadMax = 1'000;  // per mille

// The high nibble of a header's addressing byte.
enum class Strategy : std::uint8_t { sticky = 0, priority = 1, weighted = 2, least_loaded = 3 };

inline constexpr std::array<std::string_view, kStrategyMax + 1U> kStrategyNames = {
    "sticky", "priority", "weighted", "least-loaded"};

struct Provider {
    AgentId agent;
    std::uint32_t cell = 0;            // of its Fib entry: leads to the entry and to its load
    std::uint16_t router = kNoRouter;  // kNoRouter: attached to this box
    std::uint16_t priority = kProviderPriorityDefault;
    std::uint16_t weight = kProviderWeightDefault;
    AgentState state = AgentState::running;

    [[nodiscard]] bool local() const noexcept { return router == kNoRouter; }

    friend bool operator==(const Provider&, const Provider&) = default;
};

static_assert(sizeof(Provider) == 28);

}  // namespace posthaste::routing
