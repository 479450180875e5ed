// SPDX-License-Identifier: BSD-3-Clause
// What the Rib asks of a registration, and how it says no. The Rib's alone; pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "routing/rib.h"

namespace posthaste::routing {

// Wrong in itself, whatever else is in the Rib.
[[nodiscard]] std::optional<RibError> check_registration(const Registration& registration,
                                                         const RibLimits& limits);

[[nodiscard]] std::optional<RibError> check_offers(std::span<const Offer> offers,
                                                   std::size_t count_max);

// The order in which offers are listed.
[[nodiscard]] bool by_kind_and_text(const Offer& a, const Offer& b) noexcept;

// Neither nil, the router id nor what stands for a capability in the Fib.
[[nodiscard]] bool may_be_agent(const AgentId& id) noexcept;

[[nodiscard]] bool is_valid(AgentState state) noexcept;

// Whose word goes before whose: higher ones do.
[[nodiscard]] int authority(Origin origin) noexcept;
[[nodiscard]] std::string_view words_for(Origin origin) noexcept;  // "is configured", ...

[[nodiscard]] RibError rib_error(ErrorCode code, std::string detail);

}  // namespace posthaste::routing
