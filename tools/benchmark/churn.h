// SPDX-License-Identifier: BSD-3-Clause
// Churn: changes routes at a steady rate while somebody forwards.
//
// Of four changes two replace the route of an agent that frames go to, one adds an agent that
// none go to, one removes such an agent again: so the frames forwarded stay the same.
// The thread is the table's only writer while it lives; the owner starts and joins it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "routing/fib.h"

namespace posthaste::tools {

struct ChurnOptions {
    double rate = 0;  // changes a second
    unsigned core = 0;
    std::uint32_t agents = 1;                               // that may be replaced
    std::function<routing::FibEntry(std::uint32_t)> route;  // of agent number n
};

class Churn {
  public:
    // Agents of these numbers come and go.
    static constexpr std::uint64_t kFirstGuest = std::uint64_t{1} << 40;
    static constexpr std::uint32_t kGuests = 1'024;

    Churn(routing::Fib& fib, const ChurnOptions& options);
    // Stops, and takes the guests out. The readers of the table are done or move on by themselves.
    ~Churn();
    Churn(const Churn&) = delete;
    Churn& operator=(const Churn&) = delete;

    [[nodiscard]] std::uint64_t changes() const noexcept {
        return changes_.load(std::memory_order_relaxed);
    }

    // Changes the table refused at first, because its slack waited for a reader.
    [[nodiscard]] std::uint64_t refused() const noexcept {
        return refused_.load(std::memory_order_relaxed);
    }

  private:
    void run();
    bool change(std::uint64_t number);

    routing::Fib& fib_;
    ChurnOptions options_;
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> changes_{0};
    std::atomic<std::uint64_t> refused_{0};
    std::thread thread_;
};

}  // namespace posthaste::tools
