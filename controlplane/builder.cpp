// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/builder.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace posthaste::controlplane {

namespace {

constexpr int kNice = 10;

// What the system refuses here costs evenness, not truth: nothing to be done about it.
void yield_to_everybody() {
    pthread_setname_np(pthread_self(), "builder");
    const sched_param parameters{};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters);
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);  // of this thread alone
}

}  // namespace

Builder::Builder(std::size_t jobs_max)
    : jobs_max_(jobs_max), thread_([this](const std::stop_token& stop) { run(stop); }) {}

Builder::~Builder() {
    thread_.request_stop();
    thread_.join();
}

bool Builder::submit(Job job) {
    if (pending_ == jobs_max_) {
        return false;
    }
    ++pending_;
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

unsigned Builder::collect() {
    if (pending_ == 0) {
        return 0;  // every cycle of the control thread: no lock for nothing
    }
    std::deque<Completion> completed;
    {
        const std::lock_guard lock(mutex_);
        completed.swap(completed_);
    }
    pending_ -= completed.size();
    for (const Completion& completion : completed) {
        if (completion) {
            completion();
        }
    }
    return static_cast<unsigned>(completed.size());
}

void Builder::run(const std::stop_token& stop) {
    yield_to_everybody();
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [this] { return !waiting_.empty(); }) && !stop.stop_requested()) {
        Job job = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        Completion completion = job();
        job = nullptr;  // what it held is let go of here, not under the lock
        lock.lock();
        completed_.push_back(std::move(completion));
    }
}

}  // namespace posthaste::controlplane
