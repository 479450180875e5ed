// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/bare_pipeline.h"

#include <rte_cycles.h>

#include <algorithm>

#include "dataplane/answer.h"
#include "dataplane/heartbeat.h"
#include "dataplane/parse.h"
#include "dataplane/receive.h"
#include "dataplane/resolve.h"
#include "dataplane/rewrite.h"
#include "dataplane/settle.h"
#include "dataplane/source_check.h"
#include "dataplane/stage_timer.h"
#include "dataplane/transmit.h"

namespace posthaste::tools {

using dataplane::PortView;
using dataplane::Punted;
using dataplane::SpscRing;
using dataplane::Stage;
using dataplane::World;

BarePipeline::BarePipeline(const routing::Published<World>& world,
                           routing::Fib& fib,
                           routing::Grace& grace,
                           std::uint16_t ingress,
                           std::array<const routing::FibEntry*, dataplane::kBurstMax> targets,
                           const routing::FibEntry* sender)
    : world_(world),
      fib_(fib),
      grace_(grace),
      ingress_(ingress),
      targets_(targets),
      sender_(sender),
      sender_hop_(routing::NextHop::of(*sender)),
      clock_{rte_rdtsc(), rte_get_tsc_hz() / 1'000},
      errors_(kPorts),
      punts_(dataplane::make_punt_rings(kPuntRing)) {
    for (unsigned i = 0; i < kPorts; ++i) {
        tx_.emplace_back(kBacklog);
    }
    std::ranges::transform(targets_, hops_.begin(), [](const routing::FibEntry* target) {
        return routing::NextHop::of(*target);
    });
}

void BarePipeline::answer_lookups() noexcept {
    for (const unsigned lane : burst_.live) {
        burst_.target[lane] = targets_[lane];
        burst_.to[lane] = hops_[lane];
        burst_.sender[lane] = sender_;
        burst_.from[lane] = sender_hop_;
    }
}

unsigned BarePipeline::run_once(std::uint64_t tsc) noexcept {
    grace_.quiescent(0);
    const World& world = world_.read();
    const PortView& port = world.ports[ingress_];
    dataplane::StageTimer timer(counters_.stage, bursts_++ % dataplane::kStageSampling == 0);
    begin(burst_, ingress_, clock_.ms32(tsc));
    receive(burst_, port.ethdev, 0);
    const unsigned frames = burst_.received.count();
    timer.lap(Stage::receive, frames);
    parse(burst_, burst_.live, port, routing::PlainRules(port.rules));
    shed(burst_, burst_.live, 0);
    timer.lap(Stage::parse, frames);
    answer_lookups();
    timer.lap(Stage::lookup, frames);
    source_check(burst_, world);
    timer.lap(Stage::source_check, frames);
    heartbeat(burst_, fib_, tx_);
    timer.lap(Stage::heartbeat, frames);
    resolve(burst_, world, fib_.routers(), lookups_, tx_);
    timer.lap(Stage::resolve, frames);
    rewrite(burst_, world);
    timer.lap(Stage::rewrite, frames);
    punt(burst_, punts_);
    timer.lap(Stage::punt, frames);
    errors_[ingress_].set_rate(port.error_rate);
    answer(burst_, port, errors_[ingress_], tx_[ingress_]);
    timer.lap(Stage::answer, frames);
    transmit(burst_, tx_);
    timer.lap(Stage::transmit, frames);
    count(burst_, counters_);
    release(burst_);
    timer.lap(Stage::settle, frames);
    for (unsigned i = 0; i < kPorts; ++i) {
        flush(tx_[i], dataplane::TxQueue{}, world.ports[i], counters_.port[i]);
    }
    return frames;
}

}  // namespace posthaste::tools
