// SPDX-License-Identifier: BSD-3-Clause
// mix(): 64 bits to 64 bits, one to one, each bit of the result depending on all of the input: the
// finaliser of SplitMix64 (Steele, Lea and Flood 2014). No secret is in it: for what must come out
// the same on every box, never for a table that a stranger could fill at one place. That is for
// folded_product() with a secret operand.
#pragma once

#include <cstdint>

namespace posthaste::routing {

inline constexpr std::uint64_t kMixStep = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio, odd

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

// Both halves of the product in one (the step of Wang Yi's wyhash, 2019). Where an operand is
// secret nobody else can tell what falls together; an operand 0 makes it 0.
[[nodiscard]] constexpr std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// One of 0 .. count - 1, each alike for a random value.
[[nodiscard]] constexpr std::uint32_t scaled(std::uint32_t value, std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>(std::uint64_t{value} * count >> 32);
}

}  // namespace posthaste::routing
