// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/store.h"

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <iterator>
#include <utility>

#include "routing/check.h"

namespace posthaste::controlplane {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRetry{200};  // after the disk refused
constexpr std::size_t kBatchesAhead = 64;   // load(): while they are taken, the file is checked
constexpr std::size_t kAgentBytesMin = 40;  // of a row, with its id, addresses and head
constexpr std::size_t kHalfFull = Store::kQueueMax / 2;

// The control thread is bound to one CPU, but while agents are loaded no worker runs yet. What
// the system refuses here costs time, not truth.
void run_anywhere() {
    cpu_set_t all;
    std::memset(&all, 0xff, sizeof all);
    pthread_setaffinity_np(pthread_self(), sizeof all, &all);
}

// Batches from the reader to the taker, a few ahead.
class Batches {
  public:
    using Batch = tl::expected<std::vector<StoredAgent>, std::string>;

    void push(Batch batch) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return batches_.size() < kBatchesAhead; });
        batches_.push_back(std::move(batch));
        changed_.notify_all();
    }

    Batch pop() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !batches_.empty(); });
        Batch batch = std::move(batches_.front());
        batches_.pop_front();
        changed_.notify_all();
        return batch;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Batch> batches_;
};

bool is_last(const Batches::Batch& batch) {
    return !batch.has_value() || batch->empty();
}

}  // namespace

Store::Store(const StoreOptions& options, std::unique_ptr<StoreFile> file)
    : options_(options), file_(std::move(file)) {}

tl::expected<std::unique_ptr<Store>, std::string> Store::open(const StoreOptions& options) {
    auto file = StoreFile::open(options.path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    std::unique_ptr<Store> store(new Store(options, std::move(*file)));
    const auto counter = store->file_->last_counter(options.cluster, options.node);
    if (!counter) {
        return tl::unexpected(counter.error());
    }
    store->counter_ = *counter + 1;
    store->file_bytes_ = store->file_->bytes();
    store->event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (store->event_fd_ < 0) {
        return tl::unexpected("store " + options.path + ": " + std::strerror(errno));
    }
    return store;
}

Store::~Store() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
    if (event_fd_ >= 0) {
        close(event_fd_);
    }
}

tl::expected<void, std::string> Store::load(const Take& take) {
    Batches batches;
    std::jthread reader([&batches, this] {
        pthread_setname_np(pthread_self(), "store-load");
        run_anywhere();
        for (;;) {
            auto batch = file_->read_agents(kLoadBatch);
            if (!is_last(batch)) {
                batches.push(std::move(batch));
                continue;
            }
            // As long as half of the reading, and meanwhile there is enough to take.
            if (batch.has_value()) {
                if (const auto begun = begin_life(); !begun) {
                    batch = tl::unexpected(begun.error());
                }
            }
            batches.push(std::move(batch));
            return;
        }
    });
    for (;;) {
        auto batch = batches.pop();
        if (!batch) {
            return tl::unexpected(batch.error());
        }
        if (batch->empty()) {
            return {};
        }
        take(*batch);
    }
}

tl::expected<void, std::string> Store::begin_life() {
    if (const auto sound = file_->check(); !sound) {
        return sound;
    }
    const auto counter = file_->next_counter(options_.cluster, options_.node);
    if (!counter) {
        return tl::unexpected(counter.error());
    }
    CHECK(*counter == counter_);  // nobody else writes the file
    return {};
}

std::size_t Store::agents_at_most() const {
    return file_->bytes() / kAgentBytesMin;
}

bool Store::has_room() const {
    const std::scoped_lock lock(mutex_);
    return queue_.size() < kQueueMax;
}

std::uint64_t Store::put(StoreChange change) {
    if (!thread_.joinable()) {
        start();
    }
    {
        const std::scoped_lock lock(mutex_);
        if (queue_.size() >= kQueueMax) {
            return 0;
        }
        queue_.push_back(std::move(change));
        ++last_;
        if (queue_.size() != 1 && queue_.size() != kHalfFull) {
            return last_;  // the thread knows already
        }
    }
    wake_.notify_one();
    return last_;
}

void Store::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Store::run(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "store");
    std::unique_lock lock(mutex_);
    for (;;) {
        if (batch_.empty()) {
            wake_.wait(lock, stop, [this] { return !queue_.empty(); });
        }
        collect(lock, stop);
        if (batch_.empty()) {
            return;  // told to stop, and nothing is left
        }
        lock.unlock();
        const bool written = write();
        lock.lock();
        if (!written) {
            wake_.wait_for(lock, stop, kRetry, [] { return false; });
            if (stop.stop_requested()) {
                return;
            }
        }
    }
}

// Lets others come along, then takes all of them. A batch the disk refused goes again as it was,
// and what came later waits for its end.
void Store::collect(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    if (!batch_.empty()) {
        return;
    }
    const auto half_full = [this] { return queue_.size() >= kHalfFull; };
    wake_.wait_for(lock, stop, std::chrono::milliseconds(options_.commit_ms), half_full);
    batch_.swap(queue_);
}

// True: the batch is on the disk, and empty now.
bool Store::write() {
    const auto began = Clock::now();
    const auto done = file_->write(batch_);
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count();
    {
        const std::scoped_lock lock(mutex_);
        failure_ = done ? std::string() : done.error();
    }
    failing_.store(!done, std::memory_order_relaxed);
    if (static_cast<std::uint64_t>(took) > commit_us_max_.load(std::memory_order_relaxed)) {
        commit_us_max_.store(static_cast<std::uint64_t>(took), std::memory_order_relaxed);
    }
    if (done) {
        commits_.fetch_add(1, std::memory_order_relaxed);
        file_bytes_.store(file_->bytes(), std::memory_order_relaxed);
        durable_.fetch_add(batch_.size(), std::memory_order_release);
        batch_.clear();
    } else {
        errors_.fetch_add(1, std::memory_order_relaxed);
    }
    // Cannot fail but for a counter near its end, and then the reader is awake.
    static_cast<void>(eventfd_write(event_fd_, 1));
    return done.has_value();
}

std::string Store::failure() const {
    const std::scoped_lock lock(mutex_);
    return failure_;
}

StoreCounts Store::counts() {
    StoreCounts counts;
    counts.durable = durable();
    counts.written = counts.durable;
    counts.commits = commits_.load(std::memory_order_relaxed);
    counts.errors = errors_.load(std::memory_order_relaxed);
    counts.queued = last_ - counts.durable;
    counts.file_bytes = file_bytes_.load(std::memory_order_relaxed);
    counts.commit_us_max = commit_us_max_.exchange(0, std::memory_order_relaxed);
    return counts;
}

}  // namespace posthaste::controlplane
