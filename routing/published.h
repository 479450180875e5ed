// SPDX-License-Identifier: BSD-3-Clause
// Published<T>: an immutable T the control thread replaces and lcores read (RCU).
//
// publish() never blocks: the old value waits until Grace says that no reader can hold it. At most
// kRetiredMax values wait; publish() refuses while they do, so a stuck reader bounds memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "routing/grace.h"

namespace posthaste::routing {

template <typename T>
class Published {
  public:
    static constexpr std::size_t kRetiredMax = 4;

    Published(Grace& grace, std::unique_ptr<const T> first)
        : grace_(grace), current_(first.release()) {}

    // All readers are offline by then.
    ~Published() { delete current_.load(std::memory_order_relaxed); }

    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

    // Any lcore; valid until its next quiescent state.
    [[nodiscard]] const T& read() const noexcept {
        return *current_.load(std::memory_order_acquire);
    }

    // Control thread. False: too many values await reclaim, nothing changed, `next` untouched.
    [[nodiscard]] bool publish(std::unique_ptr<const T>& next) {
        reclaim();
        if (retired_.size() >= kRetiredMax) {
            return false;
        }
        std::unique_ptr<const T> old(current_.exchange(next.release(), std::memory_order_acq_rel));
        retired_.emplace_back(grace_.start(), std::move(old));
        return true;
    }

    // Control thread, once per cycle: frees what no reader can see any more.
    void reclaim() {
        while (!retired_.empty() && grace_.elapsed(retired_.front().first)) {
            retired_.pop_front();
        }
    }

    [[nodiscard]] std::size_t retired_count() const noexcept { return retired_.size(); }

  private:
    Grace& grace_;
    std::atomic<const T*> current_;
    std::deque<std::pair<std::uint64_t, std::unique_ptr<const T>>> retired_;
};

}  // namespace posthaste::routing
