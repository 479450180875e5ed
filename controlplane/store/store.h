// SPDX-License-Identifier: BSD-3-Clause
// Store: the file on a thread of its own, so that nobody else ever waits for the disk.
//
// The control thread hands changes over, at most kQueueMax of them; the thread writes all there are
// in one transaction, at most `commit_ms` after the first came, and then says how far it is. While
// the disk refuses, what was handed over stays and is tried again; it ends by itself. Everything
// here is the control thread's to call; only next to the start, open() and load(), it waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/store/store_file.h"

namespace posthaste::controlplane {

struct StoreOptions {
    std::string path;
    std::uint32_t commit_ms = 2;
    std::string cluster;  // whose generations are counted: this router's in this cluster
    std::string node;
};

struct StoreCounts {
    std::uint64_t written = 0;  // changes
    std::uint64_t commits = 0;
    std::uint64_t errors = 0;  // transactions that failed
    std::uint64_t queued = 0;  // changes not yet on the disk
    std::uint64_t durable = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t commit_us_max = 0;  // the longest transaction since the last call
};

class Store {
  public:
    static constexpr std::size_t kQueueMax = 16'384;
    static constexpr std::size_t kLoadBatch = 4'096;  // agents

    // Opens the file, which stays as it is until load() found it sound.
    [[nodiscard]] static tl::expected<std::unique_ptr<Store>, std::string> open(
        const StoreOptions& options);
    // Writes what is queued, unless the disk refuses.
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    using Take = std::function<void(std::span<StoredAgent>)>;

    // Once, before the first change: gives all agents to `take`, in batches, on this thread, while
    // the next ones are read on another, on whatever CPU there is, which then looks for damage and
    // counts the generation up. With an error it is as if this router had not started: the file is
    // as it was. Else the counter is on the disk when this returns.
    [[nodiscard]] tl::expected<void, std::string> load(const Take& take);

    // How many agents the file has at most, by its size: room for so many is enough for load().
    [[nodiscard]] std::size_t agents_at_most() const;

    // Of this life: greater than in any before. Not to be told to others before load().
    [[nodiscard]] std::uint64_t generation_counter() const noexcept { return counter_; }

    // Whether put() would take another one.
    [[nodiscard]] bool has_room() const;
    // Gives the change's number: they are 1, 2, 3 and become durable in this order. 0: no room,
    // nothing was taken.
    std::uint64_t put(StoreChange change);

    // Every change up to this number survives the process and the machine.
    [[nodiscard]] std::uint64_t durable() const noexcept {
        return durable_.load(std::memory_order_acquire);
    }

    // Counts up, whenever durable() has or the disk began or ceased to refuse. For an epoll that is
    // edge-triggered: nobody reads it.
    [[nodiscard]] int event_fd() const noexcept { return event_fd_; }

    // Why the last transaction failed; empty: it did not.
    [[nodiscard]] std::string failure() const;

    [[nodiscard]] bool failing() const noexcept { return failing_.load(std::memory_order_relaxed); }

    [[nodiscard]] StoreCounts counts();

    [[nodiscard]] std::uint64_t unreadable() const noexcept { return file_->unreadable(); }

  private:
    Store(const StoreOptions& options, std::unique_ptr<StoreFile> file);
    [[nodiscard]] tl::expected<void, std::string> begin_life();
    void start();
    void run(const std::stop_token& stop);
    void collect(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
    [[nodiscard]] bool write();

    const StoreOptions options_;
    std::unique_ptr<StoreFile> file_;  // load()'s reader, then thread_'s
    std::uint64_t counter_ = 0;
    int event_fd_ = -1;
    std::uint64_t last_ = 0;          // the control thread's: the last number given
    std::vector<StoreChange> batch_;  // thread_'s
    std::atomic<std::uint64_t> durable_{0};
    std::atomic<bool> failing_{false};
    std::atomic<std::uint64_t> commits_{0};
    std::atomic<std::uint64_t> errors_{0};
    std::atomic<std::uint64_t> file_bytes_{0};
    std::atomic<std::uint64_t> commit_us_max_{0};
    mutable std::mutex mutex_;
    std::condition_variable_any wake_;
    std::vector<StoreChange> queue_;  // under mutex_
    std::string failure_;             // under mutex_
    std::jthread thread_;             // last: it uses all of the above, and ends before they do
};

}  // namespace posthaste::controlplane
