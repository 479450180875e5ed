// SPDX-License-Identifier: BSD-3-Clause
// Offer: what an agent says it can do: a capability by its name, or a pattern of names; and how
// much it wants to be chosen for it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "routing/agent_id.h"
#include "routing/provider.h"

namespace posthaste::routing {

// The numbers are those of the pattern TLV, less one.
enum class OfferKind : std::uint8_t { name = 0, glob = 1, regex = 2 };

[[nodiscard]] std::string_view name_of(OfferKind kind) noexcept;

struct Offer {
    OfferKind kind = OfferKind::name;
    std::uint16_t priority = kProviderPriorityDefault;
    std::uint16_t weight = kProviderWeightDefault;
    std::string text;

    friend bool operator==(const Offer&, const Offer&) = default;
};

// The same for the Rib's records: 8 bytes, the text by its number in OfferNames.
struct HeldOffer {
    std::uint32_t number = 0;
    std::uint16_t priority = kProviderPriorityDefault;
    std::uint16_t weight = kProviderWeightDefault;

    friend bool operator==(const HeldOffer&, const HeldOffer&) = default;
};

// As people write a named one: NAME, perhaps @PRIORITY, perhaps *WEIGHT ("vision/ocr@800*20").
// The error says what is wrong with it.
[[nodiscard]] tl::expected<Offer, std::string> offer_from_text(std::string_view text);
// Of those texts that are good.
[[nodiscard]] std::vector<Offer> offers_from_texts(std::span<const std::string> texts);
// One offer as such a text, after the kind and a blank if it is a pattern; defaults are left out.
[[nodiscard]] std::string to_text(const Offer& offer);

// Names: capability_id(). Patterns: an id no name has.
[[nodiscard]] AgentId offer_id(OfferKind kind, std::string_view text);

}  // namespace posthaste::routing
