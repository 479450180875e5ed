// SPDX-License-Identifier: BSD-3-Clause
// Changes of routes at a steady rate while somebody forwards.
//
// Of four changes two replace the route of an agent that frames go to, one adds an agent that
// none go to, one removes such an agent again: so the frames forwarded stay the same.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "routing/fib.h"
#include "tools/benchmark/pacing.h"

namespace posthaste::tools {

struct ChurnOptions {
    double rate = 0;                                        // changes a second
    unsigned core = 0;                                      // of the thread
    std::uint32_t agents = 1;                               // that may be replaced
    std::function<routing::FibEntry(std::uint32_t)> route;  // of agent number n
};

// For a thread that is the table's only writer and has other work to do.
class RouteChanges {
  public:
    // Agents of these numbers come and go.
    static constexpr std::uint64_t kFirstGuest = std::uint64_t{1} << 40;
    static constexpr std::uint32_t kGuests = 1'024;

    RouteChanges(routing::Fib& fib, const ChurnOptions& options);
    // Takes the guests out. The readers of the table are done or move on by themselves.
    ~RouteChanges();
    RouteChanges(const RouteChanges&) = delete;
    RouteChanges& operator=(const RouteChanges&) = delete;

    // From now on, TSC, changes are due; those due before and not made are not made up for.
    void start(std::uint64_t now) noexcept;
    // Makes those that are due, a few at most: change n at its own time, however late the one
    // before was.
    void turn(std::uint64_t now);

    // Any thread.
    [[nodiscard]] std::uint64_t changes() const noexcept {
        return changes_.load(std::memory_order_relaxed);
    }

    // Changes the table refused at first, because its slack waited for a reader. Any thread.
    [[nodiscard]] std::uint64_t refused() const noexcept {
        return refused_.load(std::memory_order_relaxed);
    }

  private:
    bool change(std::uint64_t number);

    routing::Fib& fib_;
    ChurnOptions options_;
    Pace pace_;
    std::uint64_t number_ = 0;  // of the next change
    std::uint64_t first_ = 0;   // since start()
    std::atomic<std::uint64_t> changes_{0};
    std::atomic<std::uint64_t> refused_{0};
};

// The same by a thread of its own, the table's only writer while it lives; the owner starts and
// joins it.
class Churn {
  public:
    static constexpr std::uint64_t kFirstGuest = RouteChanges::kFirstGuest;
    static constexpr std::uint32_t kGuests = RouteChanges::kGuests;

    Churn(routing::Fib& fib, const ChurnOptions& options);
    ~Churn();
    Churn(const Churn&) = delete;
    Churn& operator=(const Churn&) = delete;

    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_.changes(); }

    [[nodiscard]] std::uint64_t refused() const noexcept { return changes_.refused(); }

  private:
    void run(unsigned core);

    RouteChanges changes_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace posthaste::tools
