// SPDX-License-Identifier: BSD-3-Clause
// PackReader and PackWriter: the msgpack that memberlist and Serf speak.
//
// Written is the format as it was before it told text from bytes: raw8, str8 and bin are never
// sent, yet read. Reading copies nothing and follows no nesting, so what it needs does not depend
// on what came; a reader that failed gives zeros and keeps its first reason. nil reads as zero,
// as empty and as false. Source: the msgpack specification, versions 0 and 5.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/membership/message.h"

namespace posthaste::gossip::membership {

class PackReader {
  public:
    // A text that says it is longer than `text_max` is oversize even where it is cut off.
    explicit PackReader(std::span<const std::uint8_t> bytes,
                        std::size_t text_max = std::numeric_limits<std::size_t>::max()) noexcept
        : bytes_(bytes), text_max_(text_max) {}

    // How many pairs or items follow. Nothing may be reserved by it: it is only what was said.
    [[nodiscard]] std::uint32_t map() noexcept;
    [[nodiscard]] std::uint32_t array() noexcept;
    // Any form of text or bytes; lives as long as the input does.
    [[nodiscard]] std::string_view text() noexcept;
    // Not negative, however it was written.
    [[nodiscard]] std::uint64_t number() noexcept;
    [[nodiscard]] bool flag() noexcept;
    // Takes a nil if one is next.
    [[nodiscard]] bool nil() noexcept;
    // Passes over one value with all that is in it.
    void skip() noexcept;

    void fail(Refusal why) noexcept;

    [[nodiscard]] bool good() const noexcept { return !refusal_.has_value(); }

    [[nodiscard]] std::optional<Refusal> refusal() const noexcept { return refusal_; }

    // What was not read yet; nothing after a refusal.
    [[nodiscard]] std::span<const std::uint8_t> rest() const noexcept { return bytes_; }

    // How much there was behind the place where it was refused.
    [[nodiscard]] std::size_t unread() const noexcept { return unread_; }

  private:
    [[nodiscard]] std::uint8_t octet() noexcept;
    [[nodiscard]] std::uint64_t big_endian(std::size_t octets) noexcept;
    [[nodiscard]] std::span<const std::uint8_t> raw(std::uint64_t length) noexcept;
    [[nodiscard]] std::optional<std::uint64_t> text_length(std::uint8_t head) noexcept;
    [[nodiscard]] std::optional<std::uint64_t> items_within(std::uint8_t head) noexcept;

    std::span<const std::uint8_t> bytes_;
    std::size_t text_max_;
    std::size_t unread_ = 0;
    std::optional<Refusal> refusal_;
};

class PackWriter {
  public:
    void map(std::uint32_t pairs) { head(pairs, 0x80, 16, 0xde); }

    void array(std::uint32_t items) { head(items, 0x90, 16, 0xdc); }

    void text(std::string_view text);
    void number(std::uint64_t number);
    void real(double number);

    void flag(bool flag) { octet(flag ? 0xc3 : 0xc2); }

    void nil() { octet(0xc0); }

    // As they are: a type byte, or a message behind another one.
    void octet(std::uint8_t octet) { bytes_.push_back(octet); }

    void raw(std::string_view raw);

    [[nodiscard]] std::vector<std::uint8_t> take() noexcept { return std::move(bytes_); }

    [[nodiscard]] std::string take_text() {
        const auto bytes = take();
        return {bytes.begin(), bytes.end()};
    }

  private:
    // In the head's octet if below `small`; else two or four octets behind `wide` or the one after.
    void head(std::uint32_t count, std::uint8_t base, std::uint32_t small, std::uint8_t wide);
    void big_endian(std::uint64_t value, int octets);

    std::vector<std::uint8_t> bytes_;
};

}  // namespace posthaste::gossip::membership
