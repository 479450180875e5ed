// SPDX-License-Identifier: BSD-3-Clause
// The parts that messages are made of, to bytes and back. For message*.cpp alone.
#pragma once

#include <optional>

#include "gossip/claims/message.h"
#include "gossip/claims/octets.h"

namespace posthaste::gossip::claims {

void write(Octets& out, const Generation& generation);
void write(Octets& out, const Position& at);
void write(Octets& out, const DigestRow& row);
void write(Octets& out, const Range& range);
void write_entries(Octets& out, std::span<const Entry> entries);
void write_claim(Octets& out, const ClaimBody& body, routing::Load load);

[[nodiscard]] RouterId read_router(OctetReader& in);
[[nodiscard]] Generation read_generation(OctetReader& in);
[[nodiscard]] Position read_position(OctetReader& in);
[[nodiscard]] DigestRow read_row(OctetReader& in);
[[nodiscard]] Range read_range(OctetReader& in);
// The reader is not good afterwards if there is a refusal.
[[nodiscard]] std::optional<Refusal> read_entries(OctetReader& in, std::vector<Entry>& entries);
void read_claim(OctetReader& in, ClaimBody& body, routing::Load& load);

}  // namespace posthaste::gossip::claims
