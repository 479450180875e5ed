// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/ring_router.h"

#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <array>

#include "routing/check.h"
#include "tests/support/fake_mbuf.h"
#include "tests/support/hash_key.h"

namespace posthaste::test {

using namespace dataplane;

namespace {

// Of rings, pools and devices, which live in one namespace per process.
std::string unique_name(const char* kind) {
    static unsigned number = 0;
    return kind + std::to_string(number++);
}

rte_ring* make_ring(unsigned slots, unsigned flags) {
    rte_ring* const ring =
        rte_ring_create(unique_name("wire").c_str(), slots, SOCKET_ID_ANY, flags);
    CHECK(ring != nullptr);
    return ring;
}

unsigned free_frames(rte_ring* ring) {
    std::array<rte_mbuf*, kBurstMax> frames;
    unsigned total = 0;
    while (const unsigned count = rte_ring_dequeue_burst(
               ring, reinterpret_cast<void**>(frames.data()), kBurstMax, nullptr)) {
        rte_pktmbuf_free_bulk(frames.data(), count);
        total += count;
    }
    return total;
}

}  // namespace

RingRouter::RingRouter(const RingRouterOptions& options) : grace_(options.workers) {
    pool_ = rte_pktmbuf_pool_create(unique_name("frames").c_str(),
                                    options.mbufs,
                                    64,
                                    0,
                                    static_cast<std::uint16_t>(options.data_room + 128),
                                    SOCKET_ID_ANY);
    CHECK(pool_ != nullptr);
    wires_.resize(kPortCount);
    for (unsigned number = 0; number < kPortCount; ++number) {
        open(wires_[number], number, options);
    }
    auto fib = routing::Fib::create(
        {.capacity = options.fib_capacity, .key = support::hash_key(1), .stripes = options.stripes},
        grace_);
    CHECK(fib.has_value());
    fib_ = std::move(*fib);
    for (const routing::FibEntry& entry : small_world_routes()) {
        if (options.small_routes) {
            CHECK(fib_->set(entry, 0));
        }
    }
    sets_ = std::make_unique<routing::ProviderSets>(grace_, options.provider_sets);
    world_ = std::make_unique<routing::Published<World>>(grace_, std::make_unique<World>());
    publish(small_world());

    if (options.workers > 1) {
        handoff_ = make_ring(options.tx_ring, RING_F_SC_DEQ);
    }
    for (unsigned id = 0; id < options.workers; ++id) {
        WorkerOptions worker = options.worker;
        worker.id = id;
        worker.pool = pool_;
        for (std::uint16_t port = 0; port < kPortCount; ++port) {
            worker.rx.push_back({port, static_cast<std::uint16_t>(id)});
            TxQueue tx{static_cast<std::uint16_t>(id), nullptr, true};
            if (port == kEdge && handoff_ != nullptr) {
                tx = {0, handoff_, id == 0};
            }
            worker.tx.push_back(tx);
        }
        workers_.push_back(
            std::make_unique<Worker>(worker,
                                     *world_,
                                     *fib_,
                                     *sets_,
                                     grace_,
                                     routing::Resolver::create(*fib_, options.resolver)));
    }
}

RingRouter::~RingRouter() {
    workers_.clear();
    for (Wire& wire : wires_) {
        close(wire);
    }
    if (handoff_ != nullptr) {
        free_frames(handoff_);
        rte_ring_free(handoff_);
    }
    CHECK(rte_mempool_full(pool_) == 1);
    rte_mempool_free(pool_);
}

void RingRouter::open(Wire& wire, unsigned number, const RingRouterOptions& options) {
    const auto queues = static_cast<std::uint16_t>(options.workers);
    for (unsigned queue = 0; queue < options.workers; ++queue) {
        wire.in.push_back(make_ring(options.rx_ring, 0));
        wire.out.push_back(make_ring(options.tx_ring, 0));
    }
    const std::string name = unique_name("port");
    wire.device = "net_ring_" + name;
    const int ethdev =
        rte_eth_from_rings(name.c_str(), wire.in.data(), queues, wire.out.data(), queues, 0);
    CHECK(ethdev >= 0);
    wire.ethdev = static_cast<std::uint16_t>(ethdev);
    rte_eth_conf conf{};
    CHECK(rte_eth_dev_configure(wire.ethdev, queues, queues, &conf) == 0);
    for (std::uint16_t queue = 0; queue < queues; ++queue) {
        CHECK(rte_eth_rx_queue_setup(wire.ethdev, queue, 64, 0, nullptr, pool_) == 0);
        CHECK(rte_eth_tx_queue_setup(wire.ethdev, queue, 64, 0, nullptr) == 0);
    }
    CHECK(rte_eth_dev_start(wire.ethdev) == 0);
    CHECK(number < kPortCount);
}

void RingRouter::close(Wire& wire) {
    rte_eth_dev_stop(wire.ethdev);
    rte_vdev_uninit(wire.device.c_str());
    for (std::size_t queue = 0; queue < wire.in.size(); ++queue) {
        free_frames(wire.in[queue]);
        free_frames(wire.out[queue]);
        rte_ring_free(wire.in[queue]);
        rte_ring_free(wire.out[queue]);
    }
}

void RingRouter::publish(const World& world) {
    CHECK(try_publish(world));
}

bool RingRouter::try_publish(const World& world) {
    auto next = std::make_unique<World>(world);
    for (std::size_t port = 0; port < kPortCount; ++port) {
        next->ports[port].ethdev = wires_[port].ethdev;
    }
    std::unique_ptr<const World> published = std::move(next);
    return world_->publish(published);
}

rte_mbuf* RingRouter::make(std::span<const std::uint8_t> bytes, std::span<const std::size_t> cuts) {
    rte_mbuf* frame = nullptr;
    std::size_t from = 0;
    for (std::size_t i = 0; i <= cuts.size(); ++i) {
        const std::size_t to = i < cuts.size() ? cuts[i] : bytes.size();
        rte_mbuf* const segment = rte_pktmbuf_alloc(pool_);
        if (segment == nullptr) {
            rte_pktmbuf_free(frame);
            return nullptr;
        }
        char* const room = rte_pktmbuf_append(segment, static_cast<std::uint16_t>(to - from));
        CHECK(room != nullptr);
        std::copy_n(bytes.data() + from, to - from, room);
        if (frame == nullptr) {
            frame = segment;
        } else {
            CHECK(rte_pktmbuf_chain(frame, segment) == 0);
        }
        from = to;
    }
    return frame;
}

bool RingRouter::arrive(std::uint16_t port, rte_mbuf* frame) {
    return rte_ring_enqueue(wires_[port].in[0], frame) == 0;
}

void RingRouter::arrive(std::uint16_t port, const FrameBytes& bytes) {
    rte_mbuf* const frame = make(bytes);
    CHECK(frame != nullptr);
    CHECK(arrive(port, frame));
}

std::vector<FrameBytes> RingRouter::leave(std::uint16_t port) {
    std::vector<FrameBytes> frames;
    for (rte_ring* const ring : wires_[port].out) {
        void* item = nullptr;
        while (rte_ring_dequeue(ring, &item) == 0) {
            auto* const frame = static_cast<rte_mbuf*>(item);
            frames.push_back(bytes_of_chain(frame));
            rte_pktmbuf_free(frame);
        }
    }
    return frames;
}

unsigned RingRouter::discard(std::uint16_t port) {
    unsigned total = 0;
    for (rte_ring* const ring : wires_[port].out) {
        total += free_frames(ring);
    }
    return total;
}

unsigned RingRouter::turn() {
    unsigned total = 0;
    unsigned moved = 0;
    do {
        moved = 0;
        for (const auto& worker : workers_) {
            moved += worker->run_once(now_ms_);
        }
        total += moved;
    } while (moved > 0);
    return total;
}

std::string RingRouter::broken_law() const {
    std::uint64_t queued = 0;
    std::uint64_t made = 0;
    for (const auto& worker : workers_) {
        const WorkerCounters& counters = worker->counters();
        for (std::size_t i = 0; i < counters.port.size(); ++i) {
            const PortCounters& port = counters.port[i];
            if (port.received.read() + port.resubmitted.read() + port.copied.read() !=
                port.sent.read() + port.punted.read() + port.dropped.read()) {
                return "received by port " + std::to_string(i);
            }
            if (port.queued.read() + port.taken_over.read() !=
                port.transmitted.read() + port.tx_discarded.read() + port.handed_over.read() +
                    port.backlog.read()) {
                return "queued for port " + std::to_string(i);
            }
            queued += port.queued.read();
            made += port.sent.read() + port.answered.read();
        }
        made += counters.injected.read() + counters.mirrored.read();
    }
    return queued == made ? "" : "queued in total";
}

std::uint64_t RingRouter::drops(std::uint16_t port, routing::Drop why) const {
    return this->port(port).drops[static_cast<std::size_t>(why)].read();
}

unsigned RingRouter::in_use() const {
    return rte_mempool_in_use_count(pool_);
}

}  // namespace posthaste::test
