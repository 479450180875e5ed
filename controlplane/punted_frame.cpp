// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/punted_frame.h"

#include <rte_mbuf.h>

#include <cstring>

namespace posthaste::controlplane {

using routing::Drop;

std::span<std::uint8_t> first_segment(rte_mbuf* frame) {
    return {rte_pktmbuf_mtod(frame, std::uint8_t*), rte_pktmbuf_data_len(frame)};
}

void note_worker(rte_mbuf* frame, unsigned worker) {
    frame->hash.usr = worker;
}

unsigned worker_of(const rte_mbuf* frame) {
    return frame->hash.usr;
}

rte_mbuf* mbuf_of(const HeldFrame& held) {
    return reinterpret_cast<rte_mbuf*>(static_cast<std::uintptr_t>(held.handle));
}

routing::WireHeader* header_of(rte_mbuf* frame,
                               const routing::PortRules& rules,
                               routing::FrameView& view) {
    const auto bytes = first_segment(frame);
    const auto result = routing::parse_frame(
        bytes, rte_pktmbuf_pkt_len(frame), rules, routing::ChecksumHint::good, view);
    if (result.drop != Drop::none || view.message == 0) {
        return nullptr;
    }
    return reinterpret_cast<routing::WireHeader*>(bytes.data() + view.message);
}

// RFC 1624: the sum of the old words leaves, that of the new ones enters.
bool shorten_lifetime(rte_mbuf* frame,
                      const routing::FrameView& view,
                      routing::WireHeader& header,
                      std::uint64_t waited_ms) {
    const std::uint32_t before = header.lifetime_ms;
    const std::uint32_t left = before == 0 ? routing::kLifetimeDefaultMs : before;
    if (waited_ms >= left) {
        return false;
    }
    const routing::Be32 old_field = header.lifetime_ms;
    header.lifetime_ms = left - static_cast<std::uint32_t>(waited_ms);
    constexpr std::size_t kUdpChecksumOffset = 6;
    std::uint8_t* checksum = first_segment(frame).data() + view.l4 + kUdpChecksumOffset;
    routing::Be16 sum;
    std::memcpy(&sum, checksum, sizeof sum);
    if (sum == 0) {
        return true;  // IPv4 without checksum
    }
    std::uint64_t total = static_cast<std::uint16_t>(~sum);
    for (std::size_t i = 0; i < sizeof old_field.bytes; i += 2) {
        const auto word =
            static_cast<std::uint16_t>(old_field.bytes[i] << 8 | old_field.bytes[i + 1]);
        total += static_cast<std::uint16_t>(~word);
    }
    total = routing::ones_sum(header.lifetime_ms.bytes, total);
    sum = routing::fold_checksum(total);
    if (sum == 0) {
        sum = 0xffff;  // zero would say that there is none
    }
    std::memcpy(checksum, &sum, sizeof sum);
    return true;
}

std::string_view capability_name_in(std::span<const std::uint8_t> frame,
                                    const routing::FrameView& view) {
    const auto header = frame.subspan(view.message, view.header_bytes);
    routing::TlvReader tlvs(header.subspan(routing::kHeaderBytesMin));
    while (tlvs.next()) {
        if (tlvs.type() == static_cast<std::uint8_t>(routing::Tlv::capability_name)) {
            const auto name = tlvs.value();
            return {reinterpret_cast<const char*>(name.data()), name.size()};
        }
    }
    return {};
}

void keep_first_segment(rte_mbuf* frame, std::size_t bytes) {
    if (frame->next != nullptr) {
        rte_pktmbuf_free(frame->next);
        frame->next = nullptr;
        frame->nb_segs = 1;
    }
    frame->data_len = static_cast<std::uint16_t>(bytes);
    frame->pkt_len = static_cast<std::uint32_t>(bytes);
}

}  // namespace posthaste::controlplane
