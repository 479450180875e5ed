// SPDX-License-Identifier: BSD-3-Clause
// Octets and OctetReader: values as big-endian bytes, and back without ever reading past the end.
//
// A reader that was asked for more than there is gives zeros and is not good() any more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::gossip::claims {

class Octets {
  public:
    void u8(std::uint8_t value) { bytes_.push_back(value); }

    void u16(std::uint16_t value) { big_endian(value, 2); }

    void u32(std::uint32_t value) { big_endian(value, 4); }

    void u64(std::uint64_t value) { big_endian(value, 8); }

    // Seven bits a byte, the least first, the top bit set on all but the last.
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) {
            u8(static_cast<std::uint8_t>(value | 0x80));
        }
        u8(static_cast<std::uint8_t>(value));
    }

    void id(const routing::AgentId& id) {
        bytes_.insert(bytes_.end(), id.bytes.begin(), id.bytes.end());
    }

    void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }

    void raw(std::span<const std::uint8_t> raw) {
        bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    }

    // Writes over four bytes that are there.
    void set_u32(std::size_t offset, std::uint32_t value) {
        for (std::size_t i = 0; i < 4; ++i) {
            bytes_[offset + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
        }
    }

    void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

    [[nodiscard]] const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }

    [[nodiscard]] std::vector<std::uint8_t> take() noexcept { return std::move(bytes_); }

  private:
    void big_endian(std::uint64_t value, int octets) {
        for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
            u8(static_cast<std::uint8_t>(value >> shift));
        }
    }

    std::vector<std::uint8_t> bytes_;
};

class OctetReader {
  public:
    explicit OctetReader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(big_endian(1)); }

    [[nodiscard]] std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(big_endian(2)); }

    [[nodiscard]] std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(big_endian(4)); }

    [[nodiscard]] std::uint64_t u64() noexcept { return big_endian(8); }

    // At most ten bytes, none of them idle.
    [[nodiscard]] std::uint64_t varint() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t octet = u8();
            const std::uint64_t bits = octet & 0x7fU;
            if (shift == 63 && bits > 1) {
                break;
            }
            value |= bits << shift;
            if ((octet & 0x80U) == 0) {
                good_ = good_ && (octet != 0 || shift == 0);
                return value;
            }
        }
        good_ = false;
        return 0;
    }

    [[nodiscard]] std::uint32_t varint32() noexcept {
        const std::uint64_t value = varint();
        good_ = good_ && value <= 0xffff'ffffU;
        return static_cast<std::uint32_t>(value);
    }

    [[nodiscard]] routing::AgentId id() noexcept {
        routing::AgentId id;
        if (has(id.bytes.size())) {
            std::memcpy(id.bytes.data(), bytes_.data(), id.bytes.size());
            bytes_ = bytes_.subspan(id.bytes.size());
        }
        return id;
    }

    [[nodiscard]] std::string text(std::size_t length) {
        if (!has(length)) {
            return {};
        }
        std::string text(reinterpret_cast<const char*>(bytes_.data()), length);
        bytes_ = bytes_.subspan(length);
        return text;
    }

    void fail() noexcept { good_ = false; }

    [[nodiscard]] bool good() const noexcept { return good_; }

    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }

    // Good, and nothing left.
    [[nodiscard]] bool done() const noexcept { return good_ && bytes_.empty(); }

  private:
    [[nodiscard]] bool has(std::size_t octets) noexcept {
        good_ = good_ && bytes_.size() >= octets;
        return good_;
    }

    [[nodiscard]] std::uint64_t big_endian(std::size_t octets) noexcept {
        std::uint64_t value = 0;
        if (has(octets)) {
            for (std::size_t i = 0; i < octets; ++i) {
                value = value << 8 | bytes_[i];
            }
            bytes_ = bytes_.subspan(octets);
        }
        return value;
    }

    std::span<const std::uint8_t> bytes_;
    bool good_ = true;
};

}  // namespace posthaste::gossip::claims
