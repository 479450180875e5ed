// SPDX-License-Identifier: BSD-3-Clause
// HdrHistogram: counts of values over many orders of magnitude with a bounded relative error and
// constant cost, log-linear after Gil Tene's (https://hdrhistogram.org).
//
// Each power of two is cut into 2^kSubBits buckets of one width. A quantile is the highest value
// of its bucket, so it is never too low, and too high by less than 2^-kSubBits of the true one;
// values below 2^(kSubBits + 1) are exact, so are min and max. One thread.
#pragma once

#include <cstdint>
#include <vector>

namespace posthaste::tools {

class HdrHistogram {
  public:
    static constexpr unsigned kSubBits = 10;
    static constexpr unsigned kValueBits = 40;  // values from 2^40 on share the last bucket

    HdrHistogram() : buckets_(index_of(~std::uint64_t{0}) + 1) {}

    void record(std::uint64_t value) noexcept {
        ++buckets_[index_of(value)];
        ++count_;
        min_ = value < min_ ? value : min_;
        max_ = value > max_ ? value : max_;
    }

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }

    [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

    // The least value that a share of at least `quantile` (0 to 1) is not above; 0 of none.
    [[nodiscard]] std::uint64_t value_at(double quantile) const noexcept;

    void add(const HdrHistogram& other) noexcept;

    [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t value) noexcept {
        constexpr std::uint64_t kTop = (std::uint64_t{1} << kValueBits) - 1;
        const std::uint64_t kept = value < kTop ? value : kTop;
        const auto bits = static_cast<unsigned>(64 - __builtin_clzll(kept | 1));
        const unsigned shift = bits > kSubBits + 1 ? bits - (kSubBits + 1) : 0;
        return (std::size_t{shift} << kSubBits) + (kept >> shift);
    }

    // The highest value of a bucket.
    [[nodiscard]] static constexpr std::uint64_t highest_of(std::size_t index) noexcept {
        const std::size_t octave = index >> kSubBits;
        const std::size_t shift = octave > 1 ? octave - 1 : 0;
        return ((index - (shift << kSubBits) + 1) << shift) - 1;
    }

  private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t min_ = ~std::uint64_t{0};
    std::uint64_t max_ = 0;
};

}  // namespace posthaste::tools
