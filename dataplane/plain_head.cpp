// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/plain_head.h"

#include <cstring>

#include "dataplane/segments.h"
#include "routing/plain_frame.h"

namespace posthaste::dataplane {

using routing::FibEntry;
using routing::outer::load;
using routing::outer::store;

namespace {

constexpr std::uint32_t kIpChecksum = 24;
constexpr std::uint32_t kIpDestination = 30;
constexpr std::uint32_t kUdpDestination = 36;
constexpr std::uint32_t kUdpChecksum = 40;

static_assert(PlainHead::kBytes >= routing::kPlainMessage + 16 &&
              PlainHead::kBytes <= routing::kPlainMessage + routing::kHeaderBytesMin);

}  // namespace

bool PlainHead::prepare(const Burst& burst,
                        unsigned lane,
                        const FibEntry& to,
                        const World& world) noexcept {
    const routing::FrameView& view = burst.view[lane];
    const rte_mbuf* const frame = burst.frame[lane];
    const std::uint16_t egress = to.endpoint.port;
    if (world.policies != nullptr || !is_simple(to) || !routing::is_plain(view) ||
        frame->nb_segs != 1 || egress >= world.ports.size()) {
        return false;
    }
    const PortView& port = world.ports[egress];
    if (!port.up || port.rules.vlan != 0 || port.rules.ipv4_count == 0 ||
        routing::frame_end(view) - view.l3 > port.mtu) {
        return false;
    }
    const std::uint8_t* const bytes = rte_pktmbuf_mtod(frame, const std::uint8_t*);
    const routing::WireHeader& header = header_of(bytes, view);
    if (header.type != static_cast<std::uint8_t>(routing::Type::message)) {
        return false;
    }
    const routing::PlainTarget target{
        .mac = to.endpoint.mac.bytes.data(),
        .ip = load<std::uint32_t>(to.endpoint.ip.bytes.data()),
        .udp_port = __builtin_bswap16(to.endpoint.udp_port),
    };
    egress_ = egress;
    checksum_ = load<std::uint16_t>(bytes + kUdpChecksum) != 0;
    std::memcpy(head_.data(), bytes, kBytes);
    routing::rewrite_plain(
        head_.data(),
        routing::PlainSource(port.rules.mac, port.rules.ipv4[0]),
        target,
        static_cast<std::uint16_t>(header.flags |
                                   (port.role == Role::fabric ? routing::flag::relayed : 0)));
    // RFC 1624, equation 3: ~(~checksum + ~before + after); the complement of 32 bits is their
    // negative modulo 0xffff.
    const std::uint64_t before = ~target.ip;
    ip_sum_ = before + static_cast<std::uint16_t>(~load<std::uint16_t>(&head_[kIpChecksum]));
    udp_sum_ = before + static_cast<std::uint16_t>(~target.udp_port) +
               static_cast<std::uint16_t>(~load<std::uint16_t>(&head_[kUdpChecksum]));
    return true;
}

void PlainHead::write(std::uint8_t* frame, const FibEntry& to) const noexcept {
    const auto ip = load<std::uint32_t>(to.endpoint.ip.bytes.data());
    const std::uint16_t port = __builtin_bswap16(to.endpoint.udp_port);
    std::memcpy(frame, head_.data(), kBytes);
    store(frame, load<std::uint32_t>(to.endpoint.mac.bytes.data()));
    store(frame + 4, load<std::uint16_t>(to.endpoint.mac.bytes.data() + 4));
    store(frame + kIpChecksum, static_cast<std::uint16_t>(~routing::outer::fold(ip_sum_ + ip)));
    store(frame + kIpDestination, ip);
    store(frame + kUdpDestination, port);
    if (checksum_) {
        store(frame + kUdpChecksum, routing::outer::udp_checksum_of(udp_sum_ + ip + port));
    }
}

}  // namespace posthaste::dataplane
