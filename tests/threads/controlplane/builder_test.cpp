// SPDX-License-Identifier: BSD-3-Clause
// Goal: what a job made is the control thread's once its completion runs, and nothing is lost or
// run twice. Method: many small jobs, each with memory of its own, submitted while others complete.
#include "controlplane/builder.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <thread>
#include <vector>

using namespace posthaste::controlplane;

TEST(builder, what_jobs_made_arrives_whole_while_others_are_submitted) {
    constexpr std::size_t kJobs = 5'000;
    Builder builder;
    std::vector<unsigned> seen(kJobs, 0);
    std::size_t submitted = 0;
    std::size_t completed = 0;
    while (completed < kJobs) {
        while (submitted < kJobs) {
            const auto given = std::make_shared<std::vector<std::size_t>>(64, submitted);
            const bool taken = builder.submit([&seen, given]() -> Builder::Completion {
                const auto made = std::make_shared<const std::size_t>(
                    std::accumulate(given->begin(), given->end(), std::size_t{0}) / given->size());
                return [&seen, made] { ++seen[*made]; };
            });
            if (!taken) {
                break;
            }
            ++submitted;
        }
        const unsigned now = builder.collect();
        completed += now;
        if (now == 0) {
            std::this_thread::yield();
        }
    }
    EXPECT_EQ(seen, std::vector<unsigned>(kJobs, 1));
    EXPECT_EQ(builder.pending(), 0U);
}

TEST(builder, ends_at_any_moment_with_jobs_in_every_state) {
    for (unsigned round = 0; round < 200; ++round) {
        const auto held = std::make_shared<unsigned>(round);
        {
            Builder builder(8);
            for (unsigned i = 0; i < 8; ++i) {
                ASSERT_TRUE(builder.submit([held] { return [held] {}; }));
            }
            for (unsigned i = 0; i < round % 16; ++i) {
                builder.collect();
            }
        }
        ASSERT_EQ(held.use_count(), 1);
    }
}
