// SPDX-License-Identifier: BSD-3-Clause
// Counters of one worker: written by its lcore, read by the control thread at any time.
//
// Single-writer cells. Laws, between bursts:
//   by ingress port: received + resubmitted + copied == sent + punted + dropped
//   by egress port:  queued + taken_over == transmitted + tx_discarded + handed_over + backlog
//   in total:        queued == sent + answered + injected + mirrored
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/burst.h"
#include "routing/counter.h"
#include "routing/drop.h"

namespace posthaste::dataplane {

using routing::Counter;

// By ingress port down to `drops`, by egress port from `queued` on.
struct alignas(64) PortCounters {
    Counter received;
    Counter received_bytes;
    Counter resubmitted;
    Counter copied;  // frames made for further recipients, or that no mbuf could be had for
    Counter sent;    // lanes that left the pipeline towards any egress
    Counter punted;
    Counter dropped;             // sum over drops
    Counter answered;            // error frames made of dropped lanes
    Counter answers_suppressed;  // wanted an error, but the rate limit or a full backlog said no
    std::array<Counter, routing::kDropCount> drops;

    Counter queued;       // put into this worker's backlog
    Counter taken_over;   // came over the handoff ring, from workers without a queue
    Counter handed_over;  // went onto the handoff ring, to the worker with the queue
    Counter transmitted;  // accepted by the port's tx queue
    Counter transmitted_bytes;
    Counter tx_discarded;  // queued, then thrown away (port went down, or shutdown)
    Counter backlog;       // a gauge: frames queued now
};

enum class Stage : std::uint8_t {
    receive,
    parse,  // and shed, and ask: they take turns within a burst
    lookup,
    source_check,
    heartbeat,
    policy_in,
    capability,
    fan_out,
    resolve,
    policy_out,
    rewrite,
    punt,
    answer,
    transmit,
    settle,
    count
};

inline constexpr unsigned kStageCount = static_cast<unsigned>(Stage::count);

inline constexpr std::array<std::string_view, kStageCount> kStageNames = {
    "receive",
    "parse",
    "lookup",
    "source_check",
    "heartbeat",
    "policy_in",
    "capability",
    "fan_out",
    "resolve",
    "policy_out",
    "rewrite",
    "punt",
    "answer",
    "transmit",
    "settle",
};

static_assert(!kStageNames.back().empty(), "every Stage has a name");

// One burst in kStageSampling is timed; all three count timed bursts only.
inline constexpr unsigned kStageSampling = 16;

struct StageCounters {
    Counter calls;
    Counter frames;  // of the burst, dropped ones included
    Counter cycles;  // TSC
};

// Of frames addressed to capabilities.
struct CapabilityCounters {
    std::array<Counter, routing::kStrategyMax + 1U> chosen;  // by routing::Strategy
    Counter remembered;    // conversations known to the table of them, when asked
    Counter kept;          // conversations put into it, or moved to another provider there
    Counter held;          // conversations in it now
    Counter failovers;     // chosen, found not to be usable, and another one taken
    Counter no_provider;   // nobody was
    Counter fan_outs;      // frames to all who have a capability, sent to at least one
    Counter copies;        // made for them, the first recipient's not counted
    Counter names;         // that frames carry, checked
    Counter names_hashed;  // of them, those not checked lately
};

struct alignas(64) WorkerCounters {
    explicit WorkerCounters(unsigned ports) : port(ports) {}

    std::vector<PortCounters> port;
    std::array<StageCounters, kStageCount> stage;
    Counter injected;      // finished frames the control thread handed over
    Counter mirrored;      // copies made for a policy
    Counter scans_failed;  // frames dropped because Hyperscan failed
    Counter busy_cycles;   // TSC in loops that moved at least one frame
    Counter total_cycles;
    Counter loops;
    Counter performatives[256];
    CapabilityCounters capability;
};

}  // namespace posthaste::dataplane
