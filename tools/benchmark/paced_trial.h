// SPDX-License-Identifier: BSD-3-Clause
// Trials: frames offered to the router at a steady rate over rings, and what came out.
//
// This thread generates and receives, the worker turns on lcore 1. Open loop: frame n is due at
// its time whatever happened before, and carries that time; latency is receipt less that time, so
// waiting is part of it (no coordinated omission). A frame that finds the ring full is lost, as
// before a NIC. Where routes are to change meanwhile, this thread changes them between frames.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tools/benchmark/churn.h"
#include "tools/benchmark/hdr_histogram.h"
#include "tools/benchmark/rig.h"
#include "tools/benchmark/steal.h"

namespace posthaste::tools {

struct Trial {
    double seconds = 0;
    std::uint64_t offered = 0;
    std::uint64_t accepted = 0;     // by the ring; else lost before the router
    std::uint64_t faulty = 0;       // of the accepted: to be dropped
    std::uint64_t received = 0;     // at the other end
    std::uint64_t lost = 0;         // offered, sound, and not received
    std::uint64_t changes = 0;      // of routes, meanwhile
    std::uint64_t lost_stolen = 0;  // of these, before the router in a window of stolen time
    double quiet_seconds = 0;       // outside such windows
    HdrHistogram all;               // latencies in cycles
    HdrHistogram quiet;             // those that no steal spoilt
    StealCount generator_steal;
    StealCount router_steal;

    // The share lost of what was offered outside the windows. Undefined where there is no outside.
    [[nodiscard]] double loss() const {
        return static_cast<double>(lost - lost_stolen) /
               (static_cast<double>(offered) * quiet_seconds / seconds);
    }
};

// The worker's loop on lcore 1, from construction to destruction.
class RouterThread {
  public:
    // `changes`: null, or made while frames are offered; outlives this.
    explicit RouterThread(Rig& rig, RouteChanges* changes = nullptr);
    ~RouterThread();
    RouterThread(const RouterThread&) = delete;
    RouterThread& operator=(const RouterThread&) = delete;

    // Frames a second offered for so long; rate 0: as many as the ring takes.
    [[nodiscard]] tl::expected<Trial, std::string> run(double rate, double seconds);

  private:
    friend class Sender;

    static int turn_worker(void* self) noexcept;

    void note(const LoopWatch& watch, std::uint64_t gap) noexcept;
    [[nodiscard]] StealCount steal() const noexcept;

    Rig& rig_;
    RouteChanges* changes_;
    double hz_;
    std::atomic<bool> stop_{false};
    // The worker's word: every window that begins before this time is in the log.
    alignas(64) std::atomic<std::uint64_t> settled_{0};
    StealLog windows_;
    std::atomic<std::uint64_t> gaps_{0};
    std::atomic<std::uint64_t> stolen_{0};
    std::atomic<std::uint64_t> longest_{0};  // since the last trial began
    // The generator's word: it had a gap that began then, and has sent what was due.
    alignas(64) std::atomic<std::uint64_t> caught_up_{0};
};

}  // namespace posthaste::tools
