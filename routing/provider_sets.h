// SPDX-License-Identifier: BSD-3-Clause
// ProviderSets: the published ProviderSet of each number (RCU, one at a time).
//
// A Fib entry of kind `capability` names a number. Several names may lead to one number: those that
// the same patterns match. One writer (control thread), lock-free readers (lcores).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "routing/grace.h"
#include "routing/prefetch.h"
#include "routing/provider_set.h"

namespace posthaste::routing {

class ProviderSets {
  public:
    static constexpr std::uint32_t kCapacityMax = (1U << 27) - 1;

    // Numbers 1 .. capacity, up to kCapacityMax; all memory but that of the sets is taken here.
    // `grace` outlives it, and every reader is offline when it goes.
    ProviderSets(Grace& grace, std::uint32_t capacity);
    ~ProviderSets();
    ProviderSets(const ProviderSets&) = delete;
    ProviderSets& operator=(const ProviderSets&) = delete;

    // --- control thread ---
    // A number nobody has, with no set yet; 0: all are taken.
    [[nodiscard]] std::uint32_t take_number();
    // Nothing leads to the number any more, for new readers; it is free after a grace period.
    void give_back(std::uint32_t number);
    // Null: nobody.
    void publish(std::uint32_t number, std::unique_ptr<const ProviderSet> next);
    // Frees what no reader can hold any more.
    void reclaim();

    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }

    [[nodiscard]] std::uint32_t taken() const noexcept { return taken_; }

    // Sets that await their grace period, and what the live ones take.
    [[nodiscard]] std::size_t retired_count() const noexcept { return retired_.size(); }

    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return bytes_; }

    // The same in pieces of the allocator's sizes, which are a quarter apart at most.
    [[nodiscard]] std::uint64_t allocated_bytes() const noexcept { return allocated_; }

    // What estimate_providers() says of each of them.
    [[nodiscard]] std::uint64_t planned_bytes() const noexcept { return planned_; }

    // --- any lcore; valid until its next quiescent state ---
    // Null: nobody; also for 0 and for what is no number.
    [[nodiscard]] const ProviderSet* read(std::uint32_t number) const noexcept {
        return number > capacity_ ? nullptr : slots_[number].set.load(std::memory_order_acquire);
    }

    // Another one for each set that was ever published (modulo 2^32). Who reads it, then the set,
    // and later finds it again, has the same set still, or a newer one the first time, too.
    [[nodiscard]] std::uint32_t edition(std::uint32_t number) const noexcept {
        return number > capacity_ ? 0 : slots_[number].edition.load(std::memory_order_acquire);
    }

    void prefetch(std::uint32_t number) const noexcept { prefetch_line(&slots_[number]); }

  private:
    struct alignas(16) Slot {
        std::atomic<const ProviderSet*> set{nullptr};
        std::atomic<std::uint32_t> edition{0};
    };

    struct Retired {
        std::uint64_t token = 0;
        std::unique_ptr<const ProviderSet> set;
        std::uint32_t number = 0;  // not 0: free from then on
    };

    Grace& grace_;
    std::uint32_t capacity_;
    std::uint32_t taken_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t allocated_ = 0;
    std::uint64_t planned_ = 0;
    std::uint32_t editions_ = 0;
    std::unique_ptr<Slot[]> slots_;
    std::vector<std::uint32_t> free_;
    std::deque<Retired> retired_;
};

}  // namespace posthaste::routing
