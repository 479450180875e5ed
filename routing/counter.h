// SPDX-License-Identifier: BSD-3-Clause
// Counter: written by one thread, read by any at any time (relaxed load and store, no locked
// instruction).
#pragma once

#include <atomic>
#include <cstdint>

namespace posthaste::routing {

class Counter {
  public:
    void add(std::uint64_t n) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }

    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }  // gauges

    [[nodiscard]] std::uint64_t read() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace posthaste::routing
