// SPDX-License-Identifier: BSD-3-Clause
// Patterns built on one thread while another looks names up, and one database matched by many
// threads at once.
#include "routing/pattern_directory.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "routing/capability_name.h"

using namespace posthaste::routing;

namespace {

// The builder of a test: one job in, one result out.
class OneJobBuilder {
  public:
    OneJobBuilder() : thread_([this] { run(); }) {}

    ~OneJobBuilder() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    OneJobBuilder(const OneJobBuilder&) = delete;
    OneJobBuilder& operator=(const OneJobBuilder&) = delete;

    void submit(PatternJob job) {
        {
            const std::lock_guard lock(mutex_);
            job_ = std::move(job);
        }
        changed_.notify_all();
    }

    std::optional<PatternJobDone> collect() {
        const std::lock_guard lock(mutex_);
        return std::exchange(done_, std::nullopt);
    }

    // Until there is something to collect.
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return done_.has_value(); });
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return stop_ || job_.has_value(); });
            if (stop_) {
                return;
            }
            PatternJob job = *std::exchange(job_, std::nullopt);
            lock.unlock();
            PatternJobDone done = run_pattern_job(std::move(job));
            lock.lock();
            done_ = std::move(done);
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<PatternJob> job_;
    std::optional<PatternJobDone> done_;
    bool stop_ = false;
    std::thread thread_;
};

ReadPattern glob(std::string_view text) {
    return read_pattern(PatternKind::glob, text).value();
}

}  // namespace

TEST(pattern_directory, names_are_looked_up_while_patterns_are_built_and_go) {
    constexpr std::uint32_t kPatterns = 300;
    PatternDirectory directory({.coalesce_ms = 0}, {.matched_max = 64, .unmatched_max = 64});
    OneJobBuilder builder;
    bool building = false;
    const auto turn = [&](std::uint64_t now_ms) {
        if (auto done = builder.collect()) {
            EXPECT_EQ(directory.finish(std::move(*done)), "");
            building = false;
        }
        if (!building) {
            if (auto job = directory.next_job(now_ms)) {
                builder.submit(std::move(*job));
                building = true;
            }
        }
    };
    for (std::uint32_t number = 1; number <= kPatterns; ++number) {
        directory.add(number, glob("w" + std::to_string(number % 40) + "/*"), number);
        if (number > 40 && number % 3 == 0) {
            directory.remove(number - 40);
        }
        turn(number);
        for (std::uint32_t other = 0; other < 40; ++other) {
            const std::string name = "w" + std::to_string(other) + "/x";
            const auto found = directory.look_up(capability_id(name), name, number);
            for (const std::uint32_t pattern : found.patterns) {
                EXPECT_EQ(pattern % 40, other);
                EXPECT_TRUE(directory.table().contains(pattern));
            }
        }
    }
    while (building) {
        builder.wait();
        turn(kPatterns + 1);
    }
    EXPECT_EQ(directory.table().waiting(), 0U);
    std::size_t found = 0;
    for (std::uint32_t other = 0; other < 40; ++other) {
        const std::string name = "w" + std::to_string(other) + "/x";
        found += directory.look_up(capability_id(name), name, kPatterns + 1).patterns.size();
    }
    EXPECT_EQ(found, directory.table().patterns());
}

TEST(pattern_database, threads_with_scratches_of_their_own_match_at_once) {
    std::vector<std::string> expressions;
    std::vector<NumberedExpression> numbered;
    for (int i = 0; i < 50; ++i) {
        expressions.push_back(glob("w" + std::to_string(i) + "/**").expression);
    }
    for (std::uint32_t i = 0; i < expressions.size(); ++i) {
        numbered.push_back({i, expressions[i]});
    }
    const auto database = PatternDatabase::compile(numbered, ~std::size_t{0});
    ASSERT_TRUE(database.has_value());
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            PatternScratch scratch;
            std::array<std::uint32_t, 4> numbers{};
            wrong += scratch.fit(**database) ? 0 : 1;
            for (std::uint32_t i = 0; i < 2'000; ++i) {
                const std::uint32_t which = (i * 7 + t) % 50;
                const auto found =
                    (*database)->match("w" + std::to_string(which) + "/a/b", scratch, numbers);
                wrong += found.count == 1 && numbers[0] == which ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, 0);
}
