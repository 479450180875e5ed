// SPDX-License-Identifier: BSD-3-Clause
// The plain frame, which most are: untagged Ethernet, IPv4 without options, one segment, a sound
// message without TLVs. Parsed and rewritten in a few wide loads and stores, all tests at once.
//
// Nothing here decides anything new: parse_plain() takes a frame only if parse_frame() would, with
// the same view, and leaves every other frame to it; rewrite_plain() writes what rewrite_frame()
// would. Property tests hold both to that. Inline, since the loop around them is the hot path.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/frame.h"
#include "routing/next_hop.h"
#include "routing/outer_layout.h"

namespace posthaste::routing {

inline constexpr std::uint16_t kPlainMessage = 42;  // offset of the message header

namespace plain {

inline constexpr std::uint32_t kIp = 14;
inline constexpr std::uint32_t kUdp = 34;

// Ones-complement sums (RFC 1071) in memory order (see outer_layout.h) by 64-bit words with their
// carries: 2^64 = 1 modulo 0xffff.
[[nodiscard]] inline std::uint64_t add_words(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t sum = a + b;
    return sum + (sum < b ? 1 : 0);
}

// Whether a sum of which a word is not 0 folds to 0xffff: it is a multiple of that. One product by
// the inverse of 0xffff modulo 2^64 tells (Granlund and Montgomery 1994, section 9).
[[nodiscard]] inline bool sums_up(std::uint64_t sum) noexcept {
    constexpr std::uint64_t kInverse = 0xfffefffefffeffff;
    static_assert(kInverse * 0xffff == 1);
    return sum * kInverse <= ~std::uint64_t{0} / 0xffff;
}

// Over the UDP header and the fixed message header, and the IPv4 addresses before them.
[[nodiscard]] inline std::uint64_t fixed_sum(const std::uint8_t* frame) noexcept {
    static_assert(kUdp + 9 * 8 == kPlainMessage + kHeaderBytesMin);
    unsigned long long sum = outer::load<std::uint64_t>(frame + kIp + 12);
    unsigned char carry = 0;
#pragma GCC unroll 9
    for (std::uint32_t at = kUdp; at < kPlainMessage + kHeaderBytesMin; at += 8) {
        carry = _addcarry_u64(carry, sum, outer::load<std::uint64_t>(frame + at), &sum);
    }
    return sum + carry;
}

[[nodiscard]] inline std::uint64_t payload_sum(const std::uint8_t* payload,
                                               std::uint32_t bytes) noexcept {
    constexpr std::uint32_t kSmall = 440;  // beyond, memory_sum() is faster
    std::uint64_t sum = 0;
    if (bytes <= kSmall) {
        for (; bytes >= 8; bytes -= 8, payload += 8) {
            sum = add_words(sum, outer::load<std::uint64_t>(payload));
        }
    }
    return bytes == 0 ? sum : add_words(sum, outer::memory_sum(payload, bytes));
}

// Whether the ids are not those of a message between two agents.
[[nodiscard]] inline bool bad_ids(const std::uint8_t* message) noexcept {
    const auto vector = [](const std::uint8_t* at) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    };
    const __m128i to = vector(message + 16);
    const __m128i from = vector(message + 32);
    const __m128i nil = _mm_setzero_si128();
    // Four bits for each of four questions: to nobody, from nobody, to oneself, from a router.
    const __m128i nobody = _mm_packs_epi32(_mm_cmpeq_epi32(to, nil), _mm_cmpeq_epi32(from, nil));
    const __m128i somebody = _mm_packs_epi32(_mm_cmpeq_epi32(to, from),
                                             _mm_cmpeq_epi32(from, vector(kRouterId.bytes.data())));
    const auto same =
        static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(nobody, somebody)));
    const std::uint32_t pairs = same & same >> 1;
    return (pairs & pairs >> 2 & 0x1111) != 0;
}

}  // namespace plain

// What the first 64 bytes of a plain frame are on a port, where they are no matter of sums and
// lengths. Cheap to make, but not for each frame.
class PlainRules {
  public:
    explicit PlainRules(const PortRules& rules) noexcept : verify_checksum_(rules.verify_checksum) {
        if (rules.vlan != 0 || rules.ipv4_count == 0) {
            expected_[0] = 1;  // of no bit that is looked at: there are none
            return;
        }
        // To us, not from a group; IPv4 without options; no fragment; UDP; to our first address.
        expect(0, rules.mac.bytes);
        mask_[outer::kMacSource] = 0x01;
        expect(12, std::array<std::uint8_t, 3>{0x08, 0x00, 0x45});
        mask_[20] = 0x3f;
        mask_[21] = 0xff;
        expect(23, std::array{outer::kProtocolUdp});
        expect(30, std::span(rules.ipv4[0].bytes).first(4));
        expect(36, Be16(rules.udp_port).bytes);
        // The message header: magic, version and length, type; addressing and strategy; flags.
        constexpr std::uint32_t kAt = kPlainMessage;
        expect(kAt, std::array<std::uint8_t, 4>{0x50, 0x48, kVersion << 4 | 4, 1});
        static_assert(kStrategyMax == 3 && kAddressingMax < 4);
        mask_[kAt + 5] = 0xcc;
        mask_[kAt + 9] = flag::relayed | (rules.edge ? flag::redirected : 0U);
        expected_[kAt + 9] = rules.edge ? 0 : flag::relayed;
    }

    // `frame`: 64 bytes or more.
    [[nodiscard]] bool hold_for(const std::uint8_t* frame) const noexcept {
        __m128i bad = _mm_setzero_si128();
#pragma GCC unroll 4
        for (std::size_t at = 0; at < kBytes; at += 16) {
            const auto vector = [at](const std::uint8_t* bytes) {
                return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + at));
            };
            bad = _mm_or_si128(bad,
                               _mm_xor_si128(_mm_and_si128(vector(frame), vector(mask_.data())),
                                             vector(expected_.data())));
        }
        return _mm_movemask_epi8(_mm_cmpeq_epi8(bad, _mm_setzero_si128())) == 0xffff;
    }

    [[nodiscard]] bool verify_checksum() const noexcept {
        return verify_checksum_;
    }

  private:
    static constexpr std::size_t kBytes = 64;

    void expect(std::size_t at, std::span<const std::uint8_t> bytes) noexcept {
        for (const std::uint8_t byte : bytes) {
            mask_[at] = 0xff;
            expected_[at++] = byte;
        }
    }

    alignas(16) std::array<std::uint8_t, kBytes> mask_{};
    alignas(16) std::array<std::uint8_t, kBytes> expected_{};
    bool verify_checksum_;
};

// True: a plain frame that gets through, and `view` is complete. False: ask parse_frame(). `first`
// is all of the frame; `first.size()` is what there is to read.
[[nodiscard]] inline bool parse_plain(std::span<const std::uint8_t> first,
                                      const PlainRules& rules,
                                      ChecksumHint hint,
                                      FrameView& view) noexcept {
    using outer::load;
    using outer::load_be16;
    const std::uint8_t* const frame = first.data();
    const std::uint8_t* const message = frame + kPlainMessage;
    if (first.size() < kPlainMessage + kHeaderBytesMin || !rules.hold_for(frame)) [[unlikely]] {
        return false;
    }
    // Lengths, the whole datagram being there.
    const std::uint32_t ip_bytes = load_be16(frame + 16);
    const std::uint32_t udp_bytes = load_be16(frame + 38);
    const std::uint32_t payload = load_be16(message + 10);
    if (ip_bytes != udp_bytes + 20 || udp_bytes != payload + 8 + kHeaderBytesMin ||
        ip_bytes + plain::kIp > first.size()) [[unlikely]] {
        return false;
    }
    // Source net, addressing and hops.
    const std::uint32_t net = frame[26];
    if (net - 1 >= 223 || net == 127 || (message[5] & 0x03) > kAddressingMax || message[7] == 0)
        [[unlikely]] {
        return false;
    }
    const std::uint64_t ip_sum = plain::add_words(
        plain::add_words(load<std::uint64_t>(frame + 14), load<std::uint64_t>(frame + 22)),
        load<std::uint32_t>(frame + 30));
    if (!plain::sums_up(ip_sum) || plain::bad_ids(message)) [[unlikely]] {
        return false;
    }
    if (rules.verify_checksum() && hint != ChecksumHint::good &&
        load<std::uint16_t>(frame + 40) != 0) {
        if (hint == ChecksumHint::bad) [[unlikely]] {
            return false;
        }
        std::uint64_t sum = plain::add_words(
            plain::fixed_sum(frame), outer::pseudo_tail_sum(static_cast<std::uint16_t>(udp_bytes)));
        if (payload != 0) {
            sum = plain::add_words(sum, plain::payload_sum(message + kHeaderBytesMin, payload));
        }
        if (!plain::sums_up(sum)) [[unlikely]] {
            return false;
        }
    }
    view.kind = FrameKind::message;
    view.family = Family::ipv4;
    view.l3 = plain::kIp;
    view.l4 = plain::kUdp;
    view.message = kPlainMessage;
    view.header_bytes = kHeaderBytesMin;
    view.payload_bytes = static_cast<std::uint16_t>(payload);
    return true;
}

// Whether the frame's outer source is this one; the address is of the frame's family.
[[nodiscard]] inline bool same_source_ip(const std::uint8_t* frame,
                                         const FrameView& view,
                                         const IpAddress& ip) noexcept {
    using outer::load;
    const std::uint8_t* const known = ip.bytes.data();
    if (view.family == Family::ipv4) {
        const std::uint8_t* const seen = frame + view.l3 + outer::kIpv4Source;
        return load<std::uint32_t>(seen) == load<std::uint32_t>(known);
    }
    const std::uint8_t* const seen = frame + view.l3 + outer::kIpv6Source;
    return ((load<std::uint64_t>(seen) ^ load<std::uint64_t>(known)) |
            (load<std::uint64_t>(seen + 8) ^ load<std::uint64_t>(known + 8))) == 0;
}

[[nodiscard]] inline bool same_source_mac(const std::uint8_t* frame, const Mac& mac) noexcept {
    using outer::load;
    const std::uint8_t* const seen = frame + outer::kMacSource;
    const std::uint8_t* const known = mac.bytes.data();
    return ((load<std::uint32_t>(seen) ^ load<std::uint32_t>(known)) |
            static_cast<std::uint32_t>(load<std::uint16_t>(seen + 4) ^
                                       load<std::uint16_t>(known + 4))) == 0;
}

// Whether an IPv4 frame comes from where the next hop, a local one, leads.
[[nodiscard]] inline bool comes_from(const std::uint8_t* frame,
                                     const FrameView& view,
                                     const NextHop& hop) noexcept {
    using outer::load;
    const std::uint8_t* const mac = frame + outer::kMacSource;
    const std::uint32_t ip = load<std::uint32_t>(frame + view.l3 + outer::kIpv4Source) ^ hop.ip();
    const std::uint32_t head = load<std::uint32_t>(mac) ^ load<std::uint32_t>(hop.mac());
    const std::uint32_t tail = load<std::uint16_t>(mac + 4) ^ load<std::uint16_t>(hop.mac() + 4);
    return (ip | head | tail) == 0;
}

// Whether a parsed frame can be rewritten where it is: its outer header is as long as the new one.
[[nodiscard]] inline bool is_plain(const FrameView& view) noexcept {
    return view.family == Family::ipv4 && view.message == kPlainMessage;
}

// What all plain frames that leave on a port have in common.
class PlainSource {
  public:
    PlainSource() = default;

    PlainSource(const Mac& mac, const IpAddress& ip) noexcept
        : mac_start_(std::uint64_t{outer::load<std::uint16_t>(mac.bytes.data())} << 48),
          mac_rest_(outer::load<std::uint32_t>(mac.bytes.data() + 2) | kIpv4NoOptions << 32),
          ip_(outer::load<std::uint32_t>(ip.bytes.data())),
          sum_(0x45 + 0x40 + kHopsProtocol + ip_) {}

  private:
    friend void rewrite_plain(std::uint8_t* frame,
                              const PlainSource& source,
                              const struct PlainTarget& target,
                              std::uint16_t flags) noexcept;

    static constexpr std::uint64_t kIpv4NoOptions = 0x0045'0008;  // and no service class
    static constexpr std::uint64_t kHopsProtocol =
        kOuterHopLimit | std::uint32_t{outer::kProtocolUdp} << 8;

    std::uint64_t mac_start_ = 0;  // as bytes 0 .. 7 have it
    std::uint64_t mac_rest_ = 0;   // as bytes 8 .. 15 have it
    std::uint64_t ip_ = 0;
    std::uint64_t sum_ = 0;  // of the IPv4 header, without what differs from frame to frame
};

// Where a plain frame goes, over IPv4 and untagged; all in wire order.
struct PlainTarget {
    const std::uint8_t* mac;  // six bytes
    std::uint32_t ip;
    std::uint16_t udp_port;
};

// As rewrite_frame() with the lifetime as it is; the header's flags become `flags`, its hop limit
// one less.
inline void rewrite_plain(std::uint8_t* frame,
                          const PlainSource& source,
                          const PlainTarget& target,
                          std::uint16_t flags) noexcept {
    using outer::load;
    using outer::store;
    const auto old_ips = load<std::uint64_t>(frame + 26);
    const auto udp = load<std::uint64_t>(frame + 34);  // ports, length, checksum
    const std::uint64_t total = load<std::uint16_t>(frame + 16);
    std::uint8_t* const message = frame + kPlainMessage;
    const auto old_word = load<std::uint32_t>(message + 6);  // priority, hop limit, flags

    const std::uint32_t new_word =
        (old_word & 0xffff) - 0x100 + (std::uint32_t{__builtin_bswap16(flags)} << 16);
    const std::uint64_t new_ips = source.ip_ | std::uint64_t{target.ip} << 32;
    std::uint64_t new_udp = (udp & 0x0000'ffff'0000'ffff) | std::uint64_t{target.udp_port} << 16;
    const auto checksum = static_cast<std::uint16_t>(udp >> 48);
    if (checksum != 0) {
        // RFC 1624, equation 3; the complement of a word is its negative modulo 0xffff. None of
        // the sums comes near 2^64 but that of the addresses.
        const std::uint64_t change = plain::add_words(new_ips, ~old_ips);
        const std::uint64_t sum = outer::halves(change) + new_word + ~old_word + target.udp_port +
                                  static_cast<std::uint16_t>(~(udp >> 16)) +
                                  static_cast<std::uint16_t>(~checksum);
        new_udp |= std::uint64_t{outer::udp_checksum_of(sum)} << 48;
    }
    store(message + 6, new_word);
    store(frame + 34, new_udp);
    store(frame + 26, new_ips);
    const std::uint64_t ip_sum = source.sum_ + total + target.ip;
    store(frame + 24, static_cast<std::uint16_t>(~outer::fold(ip_sum)));
    // Identification 0, do not fragment (RFC 6864).
    store(frame + 16, total | std::uint64_t{0x40} << 32 | PlainSource::kHopsProtocol << 48);
    const std::uint64_t target_mac =
        load<std::uint32_t>(target.mac) | std::uint64_t{load<std::uint16_t>(target.mac + 4)} << 32;
    store(frame, target_mac | source.mac_start_);
    store(frame + 8, source.mac_rest_);
}

}  // namespace posthaste::routing
