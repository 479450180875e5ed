// SPDX-License-Identifier: BSD-3-Clause
#include "routing/redirect.h"

#include <algorithm>
#include <cstddef>

#include "routing/outer_layout.h"

namespace posthaste::routing {

namespace {

using namespace outer;

// The fixed header and TLVs: even in length, and at an even offset of the datagram.
std::uint64_t header_sum(std::span<const std::uint8_t> header) noexcept {
    return memory_sum(header.data(), header.size());
}

void remove_capability_name(std::span<std::uint8_t> tlvs) noexcept {
    for (TlvReader reader(tlvs); reader.next();) {
        if (reader.type() == static_cast<std::uint8_t>(Tlv::capability_name)) {
            // The type lies two bytes before the value.
            const auto value = static_cast<std::size_t>(reader.value().data() - tlvs.data());
            tlvs[value - 2] = static_cast<std::uint8_t>(Tlv::removed);
        }
    }
}

}  // namespace

void redirect_to_capability(std::span<std::uint8_t> first,
                            const FrameView& view,
                            const AgentId& id) noexcept {
    const auto header = first.subspan(view.message, view.header_bytes);
    const std::uint64_t before = header_sum(header);
    auto& fixed = *reinterpret_cast<WireHeader*>(header.data());
    fixed.destination = id;
    fixed.addressing_strategy = static_cast<std::uint8_t>(Addressing::capability_any);
    remove_capability_name(header.subspan(kHeaderBytesMin));

    std::uint8_t* const field = first.data() + view.l4 + kUdpChecksum;
    const auto old = load<std::uint16_t>(field);
    if (old == 0) {
        return;
    }
    // ~(~old + ~before + after); the complement of a sum is what is missing to all ones.
    const std::uint64_t sum = static_cast<std::uint16_t>(~old) +
                              std::uint64_t{static_cast<std::uint16_t>(~fold(before))} +
                              header_sum(header);
    store(field, udp_checksum_of(sum));
}

}  // namespace posthaste::routing
