// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/crc_colliding_ids.h"

#include <array>
#include <bit>
#include <random>

namespace posthaste::tools {

namespace {

using routing::AgentId;

struct Difference {
    std::uint32_t crc = 0;
    AgentId bits;
};

void add(AgentId& sum, const AgentId& other) noexcept {
    for (std::size_t i = 0; i < sum.bytes.size(); ++i) {
        sum.bytes[i] = static_cast<std::uint8_t>(sum.bytes[i] ^ other.bytes[i]);
    }
}

// Bits that every id of version 4 has alike: the version, and the variant.
bool is_fixed(unsigned bit) noexcept {
    return (bit / 8 == 6 && bit % 8 >= 4) || (bit / 8 == 8 && bit % 8 >= 6);
}

// A base of all differences with the CRC zero: 122 free bits less 32 of the CRC.
std::vector<AgentId> base_of_differences() {
    std::array<Difference, 32> pivots;  // by their highest bit
    std::vector<AgentId> base;
    for (unsigned bit = 0; bit < 128; ++bit) {
        if (is_fixed(bit)) {
            continue;
        }
        Difference next;
        next.bits.bytes[bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
        next.crc = crc_of(next.bits, 0);
        while (next.crc != 0) {
            Difference& pivot = pivots[static_cast<unsigned>(std::bit_width(next.crc)) - 1];
            if (pivot.crc == 0) {
                pivot = next;
                break;
            }
            next.crc ^= pivot.crc;
            add(next.bits, pivot.bits);
        }
        if (next.crc == 0) {
            base.push_back(next.bits);
        }
    }
    return base;
}

}  // namespace

std::vector<AgentId> crc_colliding_ids(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    AgentId first;
    for (std::uint8_t& byte : first.bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    first.bytes[6] = static_cast<std::uint8_t>((first.bytes[6] & 0x0f) | 0x40);
    first.bytes[8] = static_cast<std::uint8_t>((first.bytes[8] & 0x3f) | 0x80);

    const std::vector<AgentId> base = base_of_differences();
    std::vector<AgentId> ids;
    for (std::size_t number = 0; number < count; ++number) {
        // The number in the first 32 coordinates makes it one of its own, chance all the rest.
        AgentId id = first;
        for (std::size_t i = 0; i < base.size(); ++i) {
            if (i < 32 ? (number >> i & 1) != 0 : (random() & 1) != 0) {
                add(id, base[i]);
            }
        }
        ids.push_back(id);
    }
    return ids;
}

}  // namespace posthaste::tools
