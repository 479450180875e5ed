// SPDX-License-Identifier: BSD-3-Clause
// LaneMask: one bit per frame of a burst; iterating walks the set lanes of a copy.
#pragma once

#include <bit>
#include <cstdint>

namespace posthaste::dataplane {

inline constexpr unsigned kBurstMax = 64;

class LaneMask {
  public:
    constexpr LaneMask() = default;

    constexpr explicit LaneMask(std::uint64_t bits) noexcept : bits_(bits) {}

    // The first `count` lanes, count <= 64.
    [[nodiscard]] static constexpr LaneMask first(unsigned count) noexcept {
        return LaneMask(count >= 64 ? ~0ULL : (1ULL << count) - 1);
    }

    // `count` lanes from `first` on, as far as there are lanes.
    [[nodiscard]] static constexpr LaneMask range(unsigned first_lane, unsigned count) noexcept {
        return LaneMask(first(count).bits_ << first_lane);
    }

    constexpr void set(unsigned lane) noexcept { bits_ |= 1ULL << lane; }

    constexpr void clear(unsigned lane) noexcept { bits_ &= ~(1ULL << lane); }

    [[nodiscard]] constexpr bool has(unsigned lane) const noexcept {
        return ((bits_ >> lane) & 1) != 0;
    }

    [[nodiscard]] constexpr bool any() const noexcept { return bits_ != 0; }

    [[nodiscard]] constexpr unsigned count() const noexcept {
        return static_cast<unsigned>(std::popcount(bits_));
    }

    [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }

    friend constexpr LaneMask operator|(LaneMask a, LaneMask b) noexcept {
        return LaneMask(a.bits_ | b.bits_);
    }

    friend constexpr LaneMask operator&(LaneMask a, LaneMask b) noexcept {
        return LaneMask(a.bits_ & b.bits_);
    }

    // Lanes of `a` that are not in `b`.
    friend constexpr LaneMask operator-(LaneMask a, LaneMask b) noexcept {
        return LaneMask(a.bits_ & ~b.bits_);
    }

    constexpr LaneMask& operator|=(LaneMask other) noexcept {
        bits_ |= other.bits_;
        return *this;
    }

    friend constexpr bool operator==(LaneMask, LaneMask) = default;

    class Iterator {
      public:
        constexpr explicit Iterator(std::uint64_t bits) noexcept : bits_(bits) {}

        constexpr unsigned operator*() const noexcept {
            return static_cast<unsigned>(std::countr_zero(bits_));
        }

        constexpr Iterator& operator++() noexcept {
            bits_ &= bits_ - 1;
            return *this;
        }

        friend constexpr bool operator==(Iterator, Iterator) = default;

      private:
        std::uint64_t bits_;
    };

    [[nodiscard]] constexpr Iterator begin() const noexcept { return Iterator(bits_); }

    [[nodiscard]] constexpr Iterator end() const noexcept { return Iterator(0); }

  private:
    std::uint64_t bits_ = 0;
};

}  // namespace posthaste::dataplane
