// SPDX-License-Identifier: BSD-3-Clause
// Goal: jobs run elsewhere and in order, their completions here, and an end is an end. Method:
// jobs that wait for the test and tell it, by promises.
#include "controlplane/builder.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace posthaste::controlplane;

namespace {

// Collects until `count` completions ran: each is there once the thread got to it.
void collect_all(Builder& builder, unsigned count) {
    for (unsigned got = 0; got < count;) {
        const unsigned now = builder.collect();
        got += now;
        if (now == 0) {
            std::this_thread::yield();
        }
    }
}

// Keeps the builder thread busy from started() to release().
class Plug {
  public:
    Builder::Job job() {
        return [this] {
            started_.set_value();
            gate_.get_future().wait();
            ended_ = true;
            return Builder::Completion{};
        };
    }

    void await_start() { started_.get_future().wait(); }

    void release() { gate_.set_value(); }

    [[nodiscard]] bool ended() const { return ended_; }

  private:
    std::promise<void> started_;
    std::promise<void> gate_;
    std::atomic<bool> ended_ = false;
};

}  // namespace

TEST(builder, a_job_runs_on_its_thread_and_its_completion_on_the_collecting_one) {
    Builder builder;
    std::thread::id job_ran;
    std::thread::id completion_ran;
    ASSERT_TRUE(builder.submit([&] {
        job_ran = std::this_thread::get_id();
        return [&] { completion_ran = std::this_thread::get_id(); };
    }));
    EXPECT_EQ(builder.pending(), 1U);
    collect_all(builder, 1);
    EXPECT_EQ(builder.pending(), 0U);
    EXPECT_EQ(completion_ran, std::this_thread::get_id());
    EXPECT_NE(job_ran, std::thread::id{});
    EXPECT_NE(job_ran, completion_ran);
}

TEST(builder, its_thread_is_named_and_gives_way_to_others) {
    Builder builder;
    std::string name;
    int policy = -1;
    ASSERT_TRUE(builder.submit([&] {
        std::array<char, 16> buffer{};
        pthread_getname_np(pthread_self(), buffer.data(), buffer.size());
        name = buffer.data();
        policy = sched_getscheduler(0);
        return Builder::Completion{};
    }));
    collect_all(builder, 1);
    EXPECT_EQ(name, "builder");
    EXPECT_EQ(policy, SCHED_BATCH);
}

TEST(builder, jobs_and_completions_keep_their_order) {
    Builder builder;
    std::vector<int> jobs;
    std::vector<int> completions;
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(builder.submit([&, i] {
            jobs.push_back(i);
            return [&, i] { completions.push_back(i); };
        }));
    }
    collect_all(builder, 10);
    EXPECT_EQ(jobs, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(completions, jobs);
}

TEST(builder, a_full_queue_refuses_until_a_completion_ran) {
    Plug plug;
    Builder builder(2);
    bool ran = false;
    ASSERT_TRUE(builder.submit(plug.job()));
    ASSERT_TRUE(builder.submit([] { return Builder::Completion{}; }));
    EXPECT_FALSE(builder.submit([&] {
        ran = true;
        return Builder::Completion{};
    }));
    EXPECT_EQ(builder.pending(), 2U);
    plug.release();
    collect_all(builder, 2);
    EXPECT_FALSE(ran);
    EXPECT_TRUE(builder.submit([&] {
        ran = true;
        return Builder::Completion{};
    }));
    collect_all(builder, 1);
    EXPECT_TRUE(ran);
}

TEST(builder, a_completion_may_submit_the_next_job) {
    Builder builder(1);
    bool accepted = false;
    ASSERT_TRUE(builder.submit(
        [&] { return [&] { accepted = builder.submit([] { return Builder::Completion{}; }); }; }));
    collect_all(builder, 2);
    EXPECT_TRUE(accepted);
}

TEST(builder, its_end_waits_for_the_running_job_and_drops_the_rest) {
    Plug plug;
    bool completed = false;
    const auto held = std::make_shared<int>(0);
    std::thread releaser;
    {
        Builder builder;
        ASSERT_TRUE(builder.submit(plug.job()));
        ASSERT_TRUE(builder.submit(
            [&completed, held] { return [&completed, held] { completed = true; }; }));
        plug.await_start();
        releaser = std::thread([&] { plug.release(); });
    }
    EXPECT_TRUE(plug.ended());
    EXPECT_FALSE(completed);
    EXPECT_EQ(held.use_count(), 1);
    releaser.join();
}
