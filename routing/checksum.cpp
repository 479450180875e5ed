// SPDX-License-Identifier: BSD-3-Clause
// Ones-complement sums (RFC 1071) over whole byte ranges.
#include "routing/outer_layout.h"

namespace posthaste::routing {

namespace outer {

std::uint64_t memory_sum(const std::uint8_t* bytes, std::size_t count) noexcept {
    // Four independent lanes of 32-bit words, each in 64 bits, where they cannot overflow: the
    // compiler makes vectors of them.
    std::uint64_t lanes[4] = {};
    while (count >= 32) {
        for (std::size_t i = 0; i < 4; ++i) {
            const auto word = load<std::uint64_t>(bytes + i * 8);
            lanes[i] += (word & 0xffffffffU) + (word >> 32);
        }
        bytes += 32;
        count -= 32;
    }
    std::uint64_t sum = halves(lanes[0]) + halves(lanes[1]) + halves(lanes[2]) + halves(lanes[3]);
    while (count >= 4) {
        sum += load<std::uint32_t>(bytes);
        bytes += 4;
        count -= 4;
    }
    if (count >= 2) {
        sum += load<std::uint16_t>(bytes);
        bytes += 2;
        count -= 2;
    }
    if (count != 0) {
        sum += *bytes;  // padded with a zero byte behind it
    }
    return sum;
}

}  // namespace outer

std::uint64_t ones_sum(std::span<const std::uint8_t> bytes,
                       std::uint64_t sum,
                       bool odd_offset) noexcept {
    const std::uint16_t folded = outer::fold(outer::memory_sum(bytes.data(), bytes.size()));
    return sum + (odd_offset ? folded : __builtin_bswap16(folded));
}

std::uint16_t fold_checksum(std::uint64_t sum) noexcept {
    return static_cast<std::uint16_t>(~outer::fold(sum));
}

std::uint64_t pseudo_sum(const std::uint8_t* frame,
                         const FrameView& view,
                         std::uint16_t udp_bytes) noexcept {
    const std::uint64_t sum =
        outer::address_pair_sum(frame + view.l3, view.family) + outer::pseudo_tail_sum(udp_bytes);
    return __builtin_bswap16(outer::fold(sum));
}

bool udp_checksum_holds(const std::uint8_t* frame,
                        const FrameView& view,
                        std::uint16_t udp_bytes) noexcept {
    const std::uint64_t sum = outer::address_pair_sum(frame + view.l3, view.family) +
                              outer::pseudo_tail_sum(udp_bytes) +
                              outer::memory_sum(frame + view.l4, udp_bytes);
    return outer::fold(sum) == 0xffff;
}

}  // namespace posthaste::routing
