// SPDX-License-Identifier: BSD-3-Clause
// Datagrams of membership: memberlist's, outermost first
//   [f4, length, label] [sealed] [0c, CRC-32] [compressed] message, or a compound of messages.
//
// A message is its type and a msgpack map. Decoding is total: any bytes give messages and refusals,
// and what is wrong with one part of a compound is no harm to the others. Bounds per datagram: four
// layers, 255 parts, 128 KiB decompressed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gossip/membership/message.h"
#include "gossip/membership/sealing.h"

namespace posthaste::gossip::membership {

// Of layers around a message: CRC, compression, compounds.
inline constexpr std::size_t kLayersMax = 4;
inline constexpr std::size_t kPartsMax = 255;
// Old peers lose count beyond.
inline constexpr std::size_t kPartsSentMax = 127;
// More than any peer puts into a datagram, less than a bomb needs.
inline constexpr std::size_t kDatagramPlainMax = 128U << 10;

inline constexpr std::size_t kCompoundHeadBytes = 2;
inline constexpr std::size_t kCompoundPartBytes = 2;

struct Decoded {
    std::vector<Message> messages;
    std::vector<Refusal> refused;
};

[[nodiscard]] Decoded decode_datagram(std::span<const std::uint8_t> datagram,
                                      const Sealing& sealing);

// Type and body, as it stands in a compound or alone.
[[nodiscard]] std::vector<std::uint8_t> encode(const Message& message);

// One to kPartsSentMax parts of 64 KiB at most.
[[nodiscard]] std::vector<std::uint8_t> compound(std::span<const std::vector<std::uint8_t>> parts);

// Labels and seals what encode() or compound() gave.
[[nodiscard]] std::vector<std::uint8_t> wrap_datagram(std::span<const std::uint8_t> plain,
                                                      const Sealing& sealing,
                                                      const seal::Nonce& nonce);

// How much longer wrap_datagram() makes it.
[[nodiscard]] std::size_t wrap_overhead(const Sealing& sealing) noexcept;

}  // namespace posthaste::gossip::membership
