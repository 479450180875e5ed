// SPDX-License-Identifier: BSD-3-Clause
// Builder: the one thread for work too long for the control thread.
//
// Compiling a database of expressions takes milliseconds to minutes; the control thread has one
// millisecond. A job is given with all it needs as copies, runs on the builder thread, one after
// the other in the order they came, and returns its completion, which runs on the control thread
// and is what touches the box. The thread has the control thread's CPU, never a worker's, and lets
// everybody else on it go first.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace posthaste::controlplane {

class Builder {
  public:
    using Completion = std::function<void()>;
    using Job = std::function<Completion()>;

    // Jobs that were submitted and whose completions have not run.
    static constexpr std::size_t kJobsMax = 16;

    // Control thread, once EAL has placed it: the new thread inherits its CPU and signal mask.
    explicit Builder(std::size_t jobs_max = kJobsMax);
    // Waits for the job that runs. Those that wait are dropped, and no completion runs any more.
    ~Builder();
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;

    // Control thread. False: there are jobs_max already; nothing was taken.
    [[nodiscard]] bool submit(Job job);
    // Control thread: runs the completions of the jobs that are done, in order, and says how many.
    // A completion may submit. Never waits for a job.
    unsigned collect();

    // Jobs that were submitted and whose completions have not run. Control thread.
    [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

  private:
    void run(const std::stop_token& stop);

    const std::size_t jobs_max_;
    std::size_t pending_ = 0;  // the control thread's
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<Job> waiting_;           // under mutex_
    std::deque<Completion> completed_;  // under mutex_
    std::jthread thread_;               // last: it uses all of the above, and ends before they do
};

}  // namespace posthaste::controlplane
