// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/generator.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "routing/capability_name.h"
#include "routing/frame.h"
#include "routing/message.h"
#include "routing/prefetch.h"

namespace posthaste::tools {

namespace {

constexpr std::size_t kIp = 14;
constexpr std::size_t kUdp = kIp + 20;
constexpr std::size_t kMessage = kUdp + 8;
constexpr std::size_t kUdpChecksum = kUdp + 6;
constexpr std::size_t kVersion = kMessage + offsetof(routing::WireHeader, version_length);
constexpr std::size_t kDestination = kMessage + offsetof(routing::WireHeader, destination);
constexpr std::size_t kConversation = kMessage + offsetof(routing::WireHeader, conversation);
constexpr std::size_t kStamp = kMessage + offsetof(routing::WireHeader, message);
constexpr std::uint16_t kSourcePort = 40'000;
constexpr std::uint8_t kUdpProtocol = 17;
constexpr std::uint8_t kWrongVersion = 0x94;  // 9, and the right length
constexpr std::size_t kNameDigits = 8;
constexpr std::size_t kTargetsAhead = 64;
constexpr std::uint32_t kTargetsMin = 1U << 20;
constexpr std::uint32_t kTargetsMax = 1U << 24;
constexpr std::array kMalformed = {Fault::magic, Fault::checksum, Fault::nil_id, Fault::version};

static_assert(kMessage + routing::kHeaderBytesMin == Generator::kHeadBytes);

void put16(std::uint8_t* at, std::uint16_t value) noexcept {
    const routing::Be16 wire(value);
    std::memcpy(at, &wire, sizeof wire);
}

void spoil(std::uint8_t* frame, Fault fault) noexcept {
    if (fault == Fault::magic) {
        frame[kMessage] ^= 0xff;
    } else if (fault == Fault::version) {
        frame[kVersion] = kWrongVersion;
    }
}

}  // namespace

routing::AgentId agent_id(std::uint64_t number) noexcept {
    const std::uint64_t half[2] = {mix(number + 1), mix(~number)};
    routing::AgentId id;
    std::memcpy(id.bytes.data(), half, sizeof half);
    return id;
}

std::string capability_name(std::uint64_t number, routing::OfferKind offered) {
    const std::string digits = std::to_string(number);
    return (offered == routing::OfferKind::name ? "bench/offered-by-name/"
                                                : "bench/reached-by-glob/") +
           std::string(digits.size() < kNameDigits ? kNameDigits - digits.size() : 0, '0') + digits;
}

routing::AgentId capability_id(std::uint64_t number, routing::OfferKind offered) {
    return routing::capability_id(capability_name(number, offered));
}

std::uint32_t targets_for(std::uint32_t agents) noexcept {
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(std::uint64_t{agents} * 2, kTargetsMin, kTargetsMax));
}

routing::Drop drop_of(Fault fault, bool to_capability) noexcept {
    switch (fault) {
        case Fault::none:
            break;
        case Fault::magic:
            return routing::Drop::bad_magic;
        case Fault::checksum:
            return routing::Drop::bad_checksum;
        case Fault::nil_id:
            return routing::Drop::bad_agent_id;
        case Fault::version:
            return routing::Drop::bad_version;
        case Fault::unknown:
            return to_capability ? routing::Drop::unknown_capability : routing::Drop::unknown_agent;
    }
    return routing::Drop::none;
}

Generator::Generator(const GeneratorOptions& options)
    : head_bytes_(static_cast<unsigned>(kHeadBytes + (options.named ? kNameTlvBytes : 0))),
      frame_bytes_(head_bytes_ + options.payload),
      checksum_(options.checksum),
      conversations_(options.addressing != routing::Addressing::agent) {
    if (options.named) {
        write_names(options);
    }
    write_template(options);
    draw_targets(options);
}

void Generator::write_names(const GeneratorOptions& options) {
    names_.resize(std::size_t{options.agents} + 1);  // the last one's nobody has
    for (std::uint32_t i = 0; i <= options.agents; ++i) {
        const std::string text = capability_name(i, options.offered);
        std::memcpy(names_[i].data(), text.data(), std::min(text.size(), names_[i].size()));
    }
    frame_[kHeadBytes] = static_cast<std::uint8_t>(routing::Tlv::capability_name);
    frame_[kHeadBytes + 1] = static_cast<std::uint8_t>(sizeof(Name));
}

void Generator::write_template(const GeneratorOptions& options) {
    std::uint8_t* frame = frame_.data();
    std::memcpy(frame, options.destination_mac.bytes.data(), 6);
    std::memcpy(frame + 6, options.source_mac.bytes.data(), 6);
    put16(frame + 12, 0x0800);
    frame[kIp] = 0x45;
    put16(frame + kIp + 2, static_cast<std::uint16_t>(frame_bytes_ - kIp));
    frame[kIp + 8] = routing::kOuterHopLimit;
    frame[kIp + 9] = kUdpProtocol;
    std::memcpy(frame + kIp + 12, options.source.bytes.data(), 4);
    std::memcpy(frame + kIp + 16, options.destination.bytes.data(), 4);
    const std::span<const std::uint8_t> ip(frame + kIp, 20);
    put16(frame + kIp + 10, routing::fold_checksum(routing::ones_sum(ip)));

    const auto udp_bytes = static_cast<std::uint16_t>(frame_bytes_ - kUdp);
    put16(frame + kUdp, kSourcePort);
    put16(frame + kUdp + 2, routing::kUdpPortDefault);
    put16(frame + kUdp + 4, udp_bytes);
    routing::WireHeader header{};
    header.magic = routing::kMagic;
    header.version_length =
        static_cast<std::uint8_t>(routing::kVersion << 4 | (head_bytes_ - kMessage) / 16);
    header.type = static_cast<std::uint8_t>(routing::Type::message);
    header.priority = 0x50;
    header.hop_limit = routing::kHopLimitDefault;
    header.flags = options.relayed ? routing::flag::relayed : std::uint16_t{0};
    header.payload_length = static_cast<std::uint16_t>(options.payload);
    header.source = options.sender;
    header.conversation = conversations_ ? 0 : 1;
    header.addressing_strategy = static_cast<std::uint8_t>(
        static_cast<unsigned>(options.addressing) | static_cast<unsigned>(options.strategy) << 4);
    std::memcpy(frame + kMessage, &header, sizeof header);
    for (unsigned i = 0; i < options.payload; ++i) {
        frame[head_bytes_ + i] = static_cast<std::uint8_t>(i);
    }
    const std::span<const std::uint8_t> ips(frame + kIp + 12, 8);
    const std::span<const std::uint8_t> datagram(frame + kUdp, udp_bytes);
    partial_sum_ = routing::ones_sum(datagram, routing::ones_sum(ips, kUdpProtocol + udp_bytes));
}

void Generator::draw_targets(const GeneratorOptions& options) {
    targets_.resize(options.targets != 0 ? options.targets : targets_for(options.agents));
    Draw draw(options.stream, options.agents, options.seed);
    Random random(~options.seed);
    std::size_t turn = 0;
    std::vector<routing::AgentId> ids;
    for (std::uint32_t i = 0; conversations_ && i <= options.agents; ++i) {
        ids.push_back(capability_id(i, options.offered));
    }
    std::vector<std::uint32_t> with(options.conversations);  // which capability, by conversation
    std::ranges::generate(with, [&draw] { return draw.next(); });
    for (Target& target : targets_) {
        const double share = random.unit() * 100;
        target.fault = Fault::none;
        if (share < options.malformed) {
            target.fault = kMalformed[turn++ % kMalformed.size()];
        } else if (share < options.malformed + options.unknown) {
            target.fault = Fault::unknown;
        }
        const auto position = static_cast<std::uint32_t>(&target - targets_.data());
        target.conversation =
            with.empty() ? position : static_cast<std::uint32_t>(random.below(with.size()));
        const std::uint64_t number = with.empty() ? draw.next() : with[target.conversation];
        const bool unknown = target.fault == Fault::unknown;
        const std::uint64_t whose = !unknown         ? number
                                    : conversations_ ? options.agents
                                                     : number + options.agents + 1;
        target.agent = conversations_ ? ids[whose] : agent_id(whose);
        if (target.fault == Fault::nil_id) {
            target.agent = {};
        }
        std::span<const std::uint8_t> name;
        if (options.named) {
            said_.push_back(static_cast<std::uint32_t>(whose));
            name = names_[said_.back()];
        }
        target.checksum = checksum_with(
            target.agent, conversations_ ? target.conversation : 0, target.fault, name);
    }
}

// Wrong only where that is the fault.
std::uint16_t Generator::checksum_with(const routing::AgentId& agent,
                                       std::uint64_t conversation,
                                       Fault fault,
                                       std::span<const std::uint8_t> more) noexcept {
    if (!checksum_ && fault != Fault::checksum) {
        return 0;
    }
    const routing::Be64 wire(conversation);
    std::uint64_t sum = routing::ones_sum(
        agent.bytes, routing::ones_sum(std::span<const std::uint8_t>(wire.bytes), partial_sum_));
    sum = routing::ones_sum(more, sum);
    std::array<std::uint8_t, 4> words;  // magic, version and type
    std::memcpy(words.data(), &frame_[kMessage], words.size());
    for (std::uint8_t& byte : words) {  // what the sum has of them, taken out
        byte = static_cast<std::uint8_t>(~byte);
    }
    sum = routing::ones_sum(words, sum);
    std::array<std::uint8_t, kMessage + 4> spoilt{};
    std::memcpy(&spoilt[kMessage], &frame_[kMessage], words.size());
    spoil(spoilt.data(), fault);
    sum = routing::ones_sum(std::span(spoilt).subspan(kMessage), sum);
    std::uint16_t checksum = routing::fold_checksum(sum);
    if (fault == Fault::checksum) {
        checksum ^= 0x0101;
    }
    return __builtin_bswap16(checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

inline Fault Generator::put(std::uint8_t* bytes) noexcept {
    const Target& target = targets_[next_];
    const std::uint64_t position = next_;
    next_ = next_ + 1 == targets_.size() ? 0 : next_ + 1;
    routing::prefetch_line(&target + kTargetsAhead);  // the list is larger than any cache
    ++frames_;
    std::memcpy(bytes, frame_.data(), kHeadBytes);
    if (frame_bytes_ > kHeadBytes) {
        std::memcpy(bytes + kHeadBytes, frame_.data() + kHeadBytes, frame_bytes_ - kHeadBytes);
    }
    std::memcpy(bytes + kDestination, target.agent.bytes.data(), sizeof target.agent);
    std::memcpy(bytes + kUdpChecksum, &target.checksum, sizeof target.checksum);
    if (conversations_) {
        const routing::Be64 wire(target.conversation);
        std::memcpy(bytes + kConversation, wire.bytes.data(), wire.bytes.size());
    }
    if (!said_.empty()) {
        std::memcpy(bytes + kHeadBytes + 2, names_[said_[position]].data(), sizeof(Name));
    }
    if (target.fault != Fault::none) [[unlikely]] {
        spoil(bytes, target.fault);
        ++faulty_[static_cast<std::size_t>(drop_of(target.fault, conversations_))];
    }
    return target.fault;
}

Fault Generator::write(std::uint8_t* bytes) noexcept {
    return put(bytes);
}

Fault Generator::write_stamped(std::uint8_t* bytes, std::uint64_t stamp) noexcept {
    const Fault fault = put(bytes);
    std::memcpy(bytes + kStamp, &stamp, sizeof stamp);
    std::uint16_t checksum;
    std::memcpy(&checksum, bytes + kUdpChecksum, sizeof checksum);
    if (checksum != 0) {
        // The template's stamp is 0. Sums come out the same in either byte order (RFC 1071, 2B).
        std::uint64_t sum = static_cast<std::uint16_t>(~checksum);
        sum += (stamp & 0xffffffff) + (stamp >> 32);
        while (sum >> 16 != 0) {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        checksum = static_cast<std::uint16_t>(~sum);
        checksum = checksum == 0 ? std::uint16_t{0xffff} : checksum;
        std::memcpy(bytes + kUdpChecksum, &checksum, sizeof checksum);
    }
    return fault;
}

std::uint64_t Generator::stamp_of(const std::uint8_t* frame) noexcept {
    std::uint64_t stamp;
    std::memcpy(&stamp, frame + kStamp, sizeof stamp);
    return stamp;
}

void Generator::fill(rte_mbuf** frames, std::uint16_t count) noexcept {
    for (std::uint16_t i = 0; i < count; ++i) {
        put(rte_pktmbuf_mtod(frames[i], std::uint8_t*));
        frames[i]->data_len = static_cast<std::uint16_t>(frame_bytes_);
        frames[i]->pkt_len = frame_bytes_;
    }
}

}  // namespace posthaste::tools
