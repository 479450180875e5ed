// SPDX-License-Identifier: BSD-3-Clause
// What the store's file holds, as plain values, and one change of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "routing/address.h"
#include "routing/agent_id.h"
#include "routing/message.h"
#include "routing/offer.h"

namespace posthaste::controlplane {

// An agent that registered in band. Ports go by name: another start may number them otherwise.
struct StoredAgent {
    routing::AgentId agent;
    std::string port;
    routing::IpAddress ip;
    routing::Mac mac;
    std::uint16_t udp_port = 0;
    routing::AgentState state = routing::AgentState::running;
    bool multi = false;
    std::uint32_t epoch = 0;
    std::uint32_t lease_ms = 0;
    std::string name;
    std::vector<routing::Offer> offers{};

    friend bool operator==(const StoredAgent&, const StoredAgent&) = default;
};

// An agent's row is to be so, or, by its id alone, to be gone.
using StoreChange = std::variant<StoredAgent, routing::AgentId>;

// Offers as one column: for each its kind (1 byte), priority, weight and length of text (2 bytes
// each, big-endian), and the text.
[[nodiscard]] std::vector<std::uint8_t> pack_offers(std::span<const routing::Offer> offers);
// nullopt: these bytes are no offers.
[[nodiscard]] std::optional<std::vector<routing::Offer>> unpack_offers(
    std::span<const std::uint8_t> bytes);

}  // namespace posthaste::controlplane
