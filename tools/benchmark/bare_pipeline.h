// SPDX-License-Identifier: BSD-3-Clause
// BarePipeline: the worker's turn without the lookup, whose answers are constant: what a frame
// costs before anybody is looked up. The order of the stages is dataplane/worker.cpp's. Left out is
// also what a burst of frames to agents passes with a branch or two: policies, capability, fan_out,
// the inject ring, and what is told of misrouted, stale and used routes. So the worker does all
// that this does, and more; what it takes longer is at most too much to say of its lookups.
//
// One thread, online in Grace. Allocates in the constructor.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/coarse_clock.h"
#include "dataplane/counters.h"
#include "dataplane/punt.h"
#include "dataplane/tx_backlog.h"
#include "dataplane/world.h"
#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/lookup_counters.h"
#include "routing/published.h"
#include "routing/token_bucket.h"

namespace posthaste::tools {

class BarePipeline {
  public:
    // Frames come in on port index `ingress`. Every target is one of `targets`, by lane, and every
    // sender is `sender`; they outlive the pipeline.
    BarePipeline(const routing::Published<dataplane::World>& world,
                 routing::Fib& fib,
                 routing::Grace& grace,
                 std::uint16_t ingress,
                 std::array<const routing::FibEntry*, dataplane::kBurstMax> targets,
                 const routing::FibEntry* sender);

    // One turn; gives the frames received.
    unsigned run_once(std::uint64_t tsc) noexcept;

    [[nodiscard]] const dataplane::WorkerCounters& counters() const noexcept { return counters_; }

  private:
    static constexpr unsigned kPorts = 2;
    static constexpr std::uint32_t kBacklog = 1'024;  // as the worker's
    static constexpr unsigned kPuntRing = 512;

    void answer_lookups() noexcept;

    const routing::Published<dataplane::World>& world_;
    routing::Fib& fib_;
    routing::Grace& grace_;
    const std::uint16_t ingress_;
    const std::array<const routing::FibEntry*, dataplane::kBurstMax> targets_;
    const routing::FibEntry* const sender_;
    std::array<routing::NextHop, dataplane::kBurstMax> hops_;  // of the targets
    const routing::NextHop sender_hop_;
    dataplane::CoarseClock clock_;
    dataplane::Burst burst_;
    dataplane::WorkerCounters counters_{kPorts};
    routing::LookupCounters lookups_;
    std::vector<routing::TokenBucket> errors_;
    std::vector<dataplane::TxBacklog> tx_;
    dataplane::PuntRings punts_;
    std::uint32_t bursts_ = 0;
};

}  // namespace posthaste::tools
