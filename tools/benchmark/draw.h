// SPDX-License-Identifier: BSD-3-Clause
// Which agent a message goes to: numbers 0 .. count - 1, uniform, by Zipf's law, or in turn.
//
// Pure: the same seed gives the same numbers. One thread each.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "routing/mix.h"

namespace posthaste::tools {

using routing::mix;

class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    [[nodiscard]] std::uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15ULL;
        return mix(state_);
    }

    // 0 .. count - 1; the bias of at most count / 2^32 is no matter here.
    [[nodiscard]] std::uint64_t below(std::uint64_t count) noexcept {
        return (next() >> 32) * count >> 32;
    }

    // In [0, 1).
    [[nodiscard]] double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

  private:
    std::uint64_t state_;
};

enum class Stream : std::uint8_t { uniform, zipf, round_robin };

// As the options and reports call them.
[[nodiscard]] std::string_view name_of(Stream stream) noexcept;
[[nodiscard]] std::optional<Stream> stream_of(std::string_view name) noexcept;

inline constexpr double kZipfExponent = 0.99;  // as YCSB has it (Cooper et al., SoCC 2010)

class Draw {
  public:
    Draw(Stream stream, std::uint32_t count, std::uint64_t seed) noexcept;

    // Zipf: number k has a share in proportion to 1 / (k + 1)^0.99.
    [[nodiscard]] std::uint32_t next() noexcept;

  private:
    [[nodiscard]] std::uint32_t zipf() noexcept;

    Stream stream_;
    std::uint32_t count_;
    Random random_;
    std::uint32_t turn_ = 0;
    double area_first_;
    double area_last_;
    double accept_;
};

}  // namespace posthaste::tools
