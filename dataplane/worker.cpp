// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include <algorithm>

#include "dataplane/answer.h"
#include "dataplane/capability.h"
#include "dataplane/heartbeat.h"
#include "dataplane/parse.h"
#include "dataplane/policy.h"
#include "dataplane/receive.h"
#include "dataplane/resolve.h"
#include "dataplane/rewrite.h"
#include "dataplane/settle.h"
#include "dataplane/source_check.h"
#include "routing/check.h"

namespace posthaste::dataplane {

namespace {

constexpr unsigned kAskStep = 8;          // lanes parsed and asked for at a time
constexpr unsigned kIdleLoopsMax = 64;    // before a configured sleep
constexpr unsigned kDrainTriesMax = 256;  // turns in a row in which no port took a frame

template <typename T>
void free_all(SpscRing<T>& ring) noexcept {
    T item;
    while (ring.pop(std::span(&item, 1)) == 1) {
        rte_pktmbuf_free(item.frame);
    }
}

}  // namespace

Worker::Worker(const WorkerOptions& options,
               const routing::Published<World>& world,
               routing::Fib& fib,
               const routing::ProviderSets& provider_sets,
               routing::Grace& grace,
               std::unique_ptr<routing::Resolver> resolver)
    : options_(options),
      world_(world),
      fib_(fib),
      provider_sets_(provider_sets),
      grace_(grace),
      resolver_(std::move(resolver)),
      counters_(static_cast<unsigned>(options.tx.size())),
      conversing_(options.conversation_seed),
      conversations_(options.conversations, options.conversation_seed),
      names_(options.conversation_seed),
      fan_out_(options.pool),
      overload_(options.rx.size()),
      errors_(options.tx.size()),
      punts_(make_punt_rings(options.punt_ring)),
      inject_(options.inject_ring),
      wanted_(options.wanted_ring),
      misrouted_(options.misrouted_ring),
      uses_(options.uses_ring),
      expected_(options.expected_ring) {
    CHECK(resolver_ != nullptr);
    tx_.reserve(options.tx.size());
    for (std::size_t port = 0; port < options.tx.size(); ++port) {
        tx_.emplace_back(options.tx_backlog);
    }
}

Worker::~Worker() {
    free_all(inject_);
    for (SpscRing<Punted>& ring : punts_) {
        free_all(ring);
    }
    for (std::size_t port = 0; port < tx_.size(); ++port) {
        discard(tx_[port], counters_.port[port]);
    }
}

void Worker::run(const std::atomic<bool>& stop) noexcept {
    grace_.online(options_.id);
    unsigned idle_loops = 0;
    while (!stop.load(std::memory_order_relaxed)) {
        if (run_once(rte_rdtsc()) > 0) {
            idle_loops = 0;
        } else if (options_.idle_sleep_us > 0 && ++idle_loops >= kIdleLoopsMax) {
            rte_delay_us_sleep(options_.idle_sleep_us);
        }
    }
    drain(rte_rdtsc());
    grace_.offline(options_.id);
}

unsigned Worker::run_once(std::uint64_t tsc) noexcept {
    grace_.quiescent(options_.id);
    now_ms_ = options_.clock.ms32(tsc);
    resolver_->turn(now_ms_);
    const World& world = world_.read();  // one consistent world for the whole turn
    DCHECK(world.ports.size() >= tx_.size());
    unsigned moved = serve_inject(world);
    moved += serve_rx(world);
    moved += serve_tx(world);
    if (moved == 0 && expected_.size() != 0) {
        warm_cache();
    }
    account_time(tsc, moved > 0);
    return moved;
}

// In idle turns, a few at a time.
void Worker::warm_cache() noexcept {
    std::array<routing::AgentId, 16> agents;
    const unsigned count = expected_.pop(agents);
    resolver_->warm(std::span(agents).first(count), now_ms_);
}

unsigned Worker::serve_rx(const World& world) noexcept {
    unsigned total = 0;
    for (std::size_t i = 0; i < options_.rx.size(); ++i) {
        const RxQueue& queue = options_.rx[i];
        const PortView& port = world.ports[queue.port];
        if (!port.up) [[unlikely]] {
            continue;
        }
        StageTimer timer(counters_.stage, bursts_ % kStageSampling == 0);
        begin(burst_, queue.port, now_ms_);
        receive(burst_, port.ethdev, queue.queue);
        const unsigned count = burst_.received.count();
        overload_[i].observe(count == kBurstMax);
        if (count > 0) {
            timer.lap(Stage::receive, count);
            pipeline(world, options_.shed ? overload_[i].floor() : 0, false, timer);
            total += count;
        }
    }
    return total;
}

// The order of the stages; what each reads, writes and may drop is in README.md.
void Worker::pipeline(const World& world,
                      std::uint8_t floor,
                      bool resubmitted,
                      StageTimer& timer) noexcept {
    const PortView& port = world.ports[burst_.ingress];
    const unsigned frames = burst_.received.count();
    ++bursts_;
    burst_.origin = resubmitted ? Origin::resubmitted : Origin::received;
    const routing::PlainRules plain(port.rules);
    const CapabilityTables tables{
        world, fib_, provider_sets_, conversations_, names_, counters_.capability};

    for (unsigned first = 0; first < frames; first += kAskStep) {
        const LaneMask lanes = LaneMask::range(first, kAskStep);
        parse(burst_, lanes, port, plain);
        shed(burst_, lanes, floor);
        ask(burst_, lanes, port, asked_, conversing_, *resolver_, tables);
    }
    timer.lap(Stage::parse, frames);
    lookup(burst_, asked_, conversing_, *resolver_, tables, wanted_);
    timer.lap(Stage::lookup, frames);
    source_check(burst_, world);
    timer.lap(Stage::source_check, frames);
    heartbeat(burst_, fib_, tx_);
    timer.lap(Stage::heartbeat, frames);
    const PolicyTables policies{world, options_.id, counters_, tx_};
    if (!resubmitted) {
        policy_in(burst_, policies, *resolver_);
        timer.lap(Stage::policy_in, frames);
    }
    capability(burst_, conversing_, tables);
    sampler_.sample(burst_, uses_);
    timer.lap(Stage::capability, frames);
    fan_out_.run(
        burst_, tables, {tx_, options_.tx, punts_, counters_, resolver_->counters(), policies});
    timer.lap(Stage::fan_out, frames);
    resolve(burst_, world, fib_.routers(), resolver_->counters(), tx_);
    report_misrouted(burst_, reports_, misrouted_, resolver_->counters());
    ask_for_stale(burst_, stale_, wanted_, resolver_->counters());
    timer.lap(Stage::resolve, frames);
    policy_out(burst_, policies);
    timer.lap(Stage::policy_out, frames);
    rewrite(burst_, world);
    timer.lap(Stage::rewrite, frames);
    punt(burst_, punts_);
    timer.lap(Stage::punt, frames);
    errors_[burst_.ingress].set_rate(port.error_rate);
    answer(burst_, port, errors_[burst_.ingress], tx_[burst_.ingress]);
    timer.lap(Stage::answer, frames);
    transmit(burst_, tx_);
    timer.lap(Stage::transmit, frames);
    count(burst_, counters_);
    release(burst_);
    timer.lap(Stage::settle, frames);
}

unsigned Worker::serve_inject(const World& world) noexcept {
    if (inject_.size() == 0) [[likely]] {
        return 0;
    }
    std::array<Injected, kBurstMax> items;
    const std::span came = std::span(items).first(inject_.pop(items));
    for (const Injected& item : came) {
        if (item.kind != InjectKind::transmit) {
            continue;
        }
        PortCounters& port = counters_.port[item.port];
        counters_.injected.add(1);
        port.queued.add(1);
        if (!enqueue(item.frame, tx_[item.port])) {
            rte_pktmbuf_free(item.frame);
            port.tx_discarded.add(1);
        }
    }
    resubmit(world, came);
    return static_cast<unsigned>(came.size());
}

// Frames that were held, as bursts of one port each, in their order.
void Worker::resubmit(const World& world, std::span<const Injected> held) noexcept {
    LaneMask left;
    for (unsigned i = 0; i < held.size(); ++i) {
        if (held[i].kind == InjectKind::resubmit) {
            left.set(i);
        }
    }
    while (left.any()) {
        const std::uint16_t port = held[*left.begin()].port;
        std::array<rte_mbuf*, kBurstMax> frames;
        unsigned frame_count = 0;
        for (const unsigned i : left) {
            if (held[i].port == port) {
                frames[frame_count++] = held[i].frame;
                left.clear(i);
            }
        }
        StageTimer timer(counters_.stage, false);
        begin(burst_, port, now_ms_);
        take(burst_, std::span(frames).first(frame_count));
        pipeline(world, 0, true, timer);
    }
}

unsigned Worker::serve_tx(const World& world) noexcept {
    unsigned moved = 0;
    for (std::size_t port = 0; port < tx_.size(); ++port) {
        moved += flush(tx_[port], options_.tx[port], world.ports[port], counters_.port[port]);
    }
    return moved;
}

void Worker::drain(std::uint64_t tsc) noexcept {
    now_ms_ = options_.clock.ms32(tsc);
    const World& world = world_.read();
    for (unsigned turns = inject_.capacity(); turns > 0 && serve_inject(world) > 0; --turns) {
        serve_tx(world);
    }
    for (unsigned tries = 0; tries < kDrainTriesMax; ++tries) {
        if (serve_tx(world) > 0) {
            tries = 0;
        }
        const bool empty =
            std::ranges::all_of(tx_, [](const TxBacklog& backlog) { return backlog.size() == 0; });
        if (empty) {
            return;
        }
        rte_pause();
    }
    for (std::size_t port = 0; port < tx_.size(); ++port) {
        discard(tx_[port], counters_.port[port]);
    }
}

void Worker::account_time(std::uint64_t tsc, bool busy) noexcept {
    if (last_tsc_ != 0) [[likely]] {
        counters_.total_cycles.add(tsc - last_tsc_);
        if (busy_) {
            counters_.busy_cycles.add(tsc - last_tsc_);
        }
    }
    counters_.loops.add(1);
    last_tsc_ = tsc;
    busy_ = busy;
}

SpscRing<Punted>& Worker::punts(PuntClass of) noexcept {
    return punts_[static_cast<std::size_t>(of)];
}

}  // namespace posthaste::dataplane
