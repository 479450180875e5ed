// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/hdr_histogram.h"

#include <algorithm>
#include <cmath>

namespace posthaste::tools {

std::uint64_t HdrHistogram::value_at(double quantile) const noexcept {
    if (count_ == 0) {
        return 0;
    }
    const double share = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_);
    const auto rank =
        std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(share - 1e-9)), 1, count_);
    if (rank == count_) {
        return max_;
    }
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= rank) {
            return std::clamp(highest_of(i), min_, max_);
        }
    }
    return max_;
}

void HdrHistogram::add(const HdrHistogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        buckets_[i] += other.buckets_[i];
    }
    count_ += other.count_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
}

}  // namespace posthaste::tools
