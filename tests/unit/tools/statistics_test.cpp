// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/statistics.h"

#include <gtest/gtest.h>

namespace tools = posthaste::tools;

TEST(statistics, the_median_is_the_middle_in_any_order) {
    EXPECT_EQ(tools::summary_of({3, 1, 2}), (tools::Summary{2, 1, 3}));
    EXPECT_EQ(tools::summary_of({5}), (tools::Summary{5, 5, 5}));
}

TEST(statistics, of_an_even_number_the_median_lies_between_the_middle_two) {
    EXPECT_EQ(tools::summary_of({4, 1, 3, 10}), (tools::Summary{3.5, 1, 10}));
}

TEST(statistics, of_nothing_all_is_zero) {
    EXPECT_EQ(tools::summary_of({}), tools::Summary{});
    EXPECT_EQ(tools::quantile({}, 0.5), 0);
}

TEST(statistics, a_slow_round_of_both_leaves_the_ratio) {
    EXPECT_EQ(tools::ratio_of({20, 200, 22}, {10, 100, 10}), (tools::Summary{2, 2, 2.2}));
}

TEST(statistics, a_quantile_is_one_of_the_values) {
    std::vector<double> values;
    for (int i = 100; i > 0; --i) {
        values.push_back(i);
    }
    EXPECT_EQ(tools::quantile(values, 0), 1);
    EXPECT_EQ(tools::quantile(values, 0.5), 50);
    EXPECT_EQ(tools::quantile(values, 0.99), 99);
    EXPECT_EQ(tools::quantile(values, 1), 100);
}
