// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/statistics.h"

#include <algorithm>
#include <cmath>

namespace posthaste::tools {

Summary summary_of(std::vector<double> values) {
    if (values.empty()) {
        return {};
    }
    std::ranges::sort(values);
    const std::size_t upper = values.size() / 2;
    const std::size_t lower = (values.size() - 1) / 2;
    return {(values[lower] + values[upper]) / 2, values.front(), values.back()};
}

Summary ratio_of(const std::vector<double>& upper, const std::vector<double>& lower) {
    std::vector<double> quotients;
    for (std::size_t i = 0; i < std::min(upper.size(), lower.size()); ++i) {
        quotients.push_back(upper[i] / lower[i]);
    }
    return summary_of(std::move(quotients));
}

double quantile(std::vector<double> values, double share) {
    if (values.empty()) {
        return 0;
    }
    std::ranges::sort(values);
    const double rank = std::ceil(share * static_cast<double>(values.size()));
    const std::size_t at = rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1;
    return values[std::min(at, values.size() - 1)];
}

}  // namespace posthaste::tools
