// SPDX-License-Identifier: BSD-3-Clause
// Counters of one worker: written by its lcore, read by the control thread at any time.
//
// Single-writer cells (relaxed load and store, no locked instruction). Per ingress port and in
// total: received + resubmitted == sent + punted + dropped. Per worker, with what the control
// thread injected: frames queued for transmission == transmitted + discarded + backlog.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/burst.h"
#include "routing/drop.h"

namespace posthaste::dataplane {

class Counter {
  public:
    void add(std::uint64_t n) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t read() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// By ingress port, but for the three transmit cells, which are by egress port.
struct alignas(64) PortCounters {
    Counter received;
    Counter received_bytes;
    Counter resubmitted;
    Counter sent;      // lanes that left the pipeline towards any egress
    Counter punted;
    Counter dropped;   // sum over drops
    Counter answered;  // error frames made of dropped lanes
    Counter answers_suppressed;  // wanted an error, but the rate limit said no
    std::array<Counter, routing::kDropCount> drops;

    Counter transmitted;        // accepted by the port's tx queue
    Counter transmitted_bytes;
    Counter tx_discarded;       // queued, then thrown away (port went down, or shutdown)
};

enum class Stage : std::uint8_t {
    receive,
    parse,
    lookup,
    source_check,
    resolve,
    rewrite,
    answer,
    punt,
    transmit,
    count
};

inline constexpr unsigned kStageCount = static_cast<unsigned>(Stage::count);

inline constexpr std::array<std::string_view, kStageCount> kStageNames = {
    "receive", "parse", "lookup", "source_check", "resolve", "rewrite", "answer", "punt", "transmit",
};

struct StageCounters {
    Counter calls;
    Counter frames;
    Counter cycles;  // TSC, of the sampled calls
    Counter sampled_frames;
};

struct alignas(64) WorkerCounters {
    explicit WorkerCounters(unsigned ports) : port(ports) {}

    std::vector<PortCounters> port;
    std::array<StageCounters, kStageCount> stage;
    Counter injected;      // finished frames the control thread handed over
    Counter busy_cycles;   // TSC in loops that moved at least one frame
    Counter total_cycles;
    Counter loops;
    Counter performatives[256];
};

}  // namespace posthaste::dataplane
