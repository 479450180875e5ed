// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/generator.h"

#include <rte_mbuf.h>

#include <cstring>
#include <span>

#include "routing/frame.h"
#include "routing/message.h"

namespace posthaste::tools {

namespace {

constexpr std::size_t kIp = 14;
constexpr std::size_t kUdp = kIp + 20;
constexpr std::size_t kMessage = kUdp + 8;
constexpr std::size_t kUdpChecksum = kUdp + 6;
constexpr std::size_t kDestination = kMessage + offsetof(routing::WireHeader, destination);
constexpr std::uint16_t kSourcePort = 40'000;
constexpr std::uint8_t kUdpProtocol = 17;

// The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection, so that numbers
// that differ give ids that differ.
std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

void put16(std::uint8_t* at, std::uint16_t value) noexcept {
    const routing::Be16 wire(value);
    std::memcpy(at, &wire, sizeof wire);
}

}  // namespace

routing::AgentId agent_id(std::uint64_t number) noexcept {
    const std::uint64_t half[2] = {mix(number + 1), mix(~number)};
    routing::AgentId id;
    std::memcpy(id.bytes.data(), half, sizeof half);
    return id;
}

Generator::Generator(const Addresses& addresses,
                     std::uint32_t agents,
                     unsigned payload,
                     bool relayed)
    : frame_bytes_(static_cast<unsigned>(kMessage + routing::kHeaderBytesMin) + payload),
      agents_(agents) {
    std::uint8_t* frame = frame_.data();
    std::memcpy(frame, addresses.destination_mac.bytes.data(), 6);
    std::memcpy(frame + 6, addresses.source_mac.bytes.data(), 6);
    put16(frame + 12, 0x0800);
    frame[kIp] = 0x45;
    put16(frame + kIp + 2, static_cast<std::uint16_t>(frame_bytes_ - kIp));
    frame[kIp + 8] = routing::kOuterHopLimit;
    frame[kIp + 9] = kUdpProtocol;
    std::memcpy(frame + kIp + 12, addresses.source.bytes.data(), 4);
    std::memcpy(frame + kIp + 16, addresses.destination.bytes.data(), 4);
    const std::span<const std::uint8_t> ip(frame + kIp, 20);
    put16(frame + kIp + 10, routing::fold_checksum(routing::ones_sum(ip)));

    const auto udp_bytes = static_cast<std::uint16_t>(frame_bytes_ - kUdp);
    put16(frame + kUdp, kSourcePort);
    put16(frame + kUdp + 2, routing::kUdpPortDefault);
    put16(frame + kUdp + 4, udp_bytes);
    routing::WireHeader header{};
    header.magic = routing::kMagic;
    header.version_length = routing::kVersion << 4 | 4;
    header.type = static_cast<std::uint8_t>(routing::Type::message);
    header.priority = 0x50;
    header.hop_limit = routing::kHopLimitDefault;
    header.flags = relayed ? routing::flag::relayed : std::uint16_t{0};
    header.payload_length = static_cast<std::uint16_t>(payload);
    header.source = addresses.sender;
    header.conversation = 1;
    header.message = 1;
    std::memcpy(frame + kMessage, &header, sizeof header);

    const std::span<const std::uint8_t> ips(frame + kIp + 12, 8);
    const std::span<const std::uint8_t> datagram(frame + kUdp, udp_bytes);
    partial_sum_ = routing::ones_sum(datagram, routing::ones_sum(ips, kUdpProtocol + udp_bytes));
}

void Generator::fill(rte_mbuf** frames, std::uint16_t count) noexcept {
    for (std::uint16_t i = 0; i < count; ++i) {
        random_ += 0x9e3779b97f4a7c15ULL;
        const std::uint64_t number = (mix(random_) >> 32) * agents_ >> 32;
        const routing::AgentId agent = agent_id(number);
        auto* bytes = rte_pktmbuf_mtod(frames[i], std::uint8_t*);
        std::memcpy(bytes, frame_.data(), frame_bytes_);
        std::memcpy(bytes + kDestination, agent.bytes.data(), sizeof agent);
        std::uint16_t sum = routing::fold_checksum(routing::ones_sum(agent.bytes, partial_sum_));
        put16(bytes + kUdpChecksum, sum == 0 ? std::uint16_t{0xffff} : sum);
        frames[i]->data_len = static_cast<std::uint16_t>(frame_bytes_);
        frames[i]->pkt_len = frame_bytes_;
    }
}

}  // namespace posthaste::tools
