// SPDX-License-Identifier: BSD-3-Clause
// The parts that messages are made of, to bytes and back. For message*.cpp alone.
#pragma once

#include <array>
#include <optional>

#include "gossip/claims/message.h"
#include "gossip/claims/octets.h"

namespace posthaste::gossip::claims {

void write(Octets& out, const Generation& generation);
void write(Octets& out, const Position& at);
void write(Octets& out, const DigestRow& row);
// Versions are told from `from` on, and must be above it. What entries have in common is told once.
void write_entries(Octets& out, std::uint64_t from, std::span<const Entry> entries);

// What the claims of one frame have in common, for either side of it.
struct ClaimContext {
    std::uint64_t since_ms = 0;                    // of the one before
    std::array<std::uint64_t, 64> capabilities{};  // that were told, in turn
    std::size_t told = 0;
};

void write_claim(Octets& out, ClaimContext& context, const ClaimBody& body, routing::Load load);

[[nodiscard]] RouterId read_router(OctetReader& in);
[[nodiscard]] Generation read_generation(OctetReader& in);
[[nodiscard]] Position read_position(OctetReader& in);
[[nodiscard]] DigestRow read_row(OctetReader& in);
// The reader is not good afterwards if there is a refusal.
[[nodiscard]] std::optional<Refusal> read_entries(OctetReader& in,
                                                  std::uint64_t from,
                                                  std::vector<Entry>& entries);
void read_claim(OctetReader& in, ClaimContext& context, ClaimBody& body, routing::Load& load);

}  // namespace posthaste::gossip::claims
