// SPDX-License-Identifier: BSD-3-Clause
// What is said of repeated measurements. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace posthaste::tools {

struct Summary {
    double median = 0;
    double min = 0;
    double max = 0;

    friend bool operator==(const Summary&, const Summary&) = default;
};

// All zero without values. Of an even number the median is the mean of the middle two.
[[nodiscard]] Summary summary_of(std::vector<double> values);

// The quotients of values measured in turn: what slows both for a while leaves them as they are.
// Both of one length.
[[nodiscard]] Summary ratio_of(const std::vector<double>& upper, const std::vector<double>& lower);

// The smallest value that at least `share` (0 to 1) of the values do not exceed; 0 without any.
[[nodiscard]] double quantile(std::vector<double> values, double share);

}  // namespace posthaste::tools
