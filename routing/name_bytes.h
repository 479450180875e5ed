// SPDX-License-Identifier: BSD-3-Clause
// NameBytes: a set of the bytes that capability names are made of, as a value of eight bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::routing {

// The bytes of names in the order of their values, which keeps ranges together.
inline constexpr std::string_view kNameAlphabet = "-./0123456789:_abcdefghijklmnopqrstuvwxyz";

class NameBytes {
  public:
    constexpr NameBytes() noexcept = default;

    // Empty if no name has that byte.
    [[nodiscard]] static constexpr NameBytes of(char byte) noexcept {
        const auto at = kNameAlphabet.find(byte);
        return NameBytes(at == std::string_view::npos ? 0 : std::uint64_t{1} << at);
    }

    // Those between the two, whether or not the ends are bytes of names.
    [[nodiscard]] static constexpr NameBytes between(char first, char last) noexcept {
        std::uint64_t bits = 0;
        for (std::size_t at = 0; at < kNameAlphabet.size(); ++at) {
            if (kNameAlphabet[at] >= first && kNameAlphabet[at] <= last) {
                bits |= std::uint64_t{1} << at;
            }
        }
        return NameBytes(bits);
    }

    [[nodiscard]] static constexpr NameBytes all() noexcept {
        return NameBytes((std::uint64_t{1} << kNameAlphabet.size()) - 1);
    }

    // All but /.
    [[nodiscard]] static constexpr NameBytes of_segments() noexcept {
        return all().without(of('/'));
    }

    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }

    [[nodiscard]] constexpr int count() const noexcept { return std::popcount(bits_); }

    [[nodiscard]] constexpr char first() const noexcept {
        return kNameAlphabet[static_cast<std::size_t>(std::countr_zero(bits_))];
    }

    [[nodiscard]] constexpr bool contains(char byte) const noexcept {
        return (bits_ & of(byte).bits_) != 0;
    }

    [[nodiscard]] constexpr NameBytes with(NameBytes other) const noexcept {
        return NameBytes(bits_ | other.bits_);
    }

    [[nodiscard]] constexpr NameBytes without(NameBytes other) const noexcept {
        return NameBytes(bits_ & ~other.bits_);
    }

    friend constexpr bool operator==(NameBytes, NameBytes) noexcept = default;

    // What stands between the brackets of a class: ranges of at least three written as such, -
    // first if it is in. `escape` goes before - where that is not ground enough.
    [[nodiscard]] std::string ranges(std::string_view escape) const;

  private:
    explicit constexpr NameBytes(std::uint64_t bits) noexcept : bits_(bits) {}

    std::uint64_t bits_ = 0;
};

}  // namespace posthaste::routing
