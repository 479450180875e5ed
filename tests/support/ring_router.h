// SPDX-License-Identifier: BSD-3-Clause
// A worker with everything around it, in process: small_world() over net_ring ports, a real pool,
// a real Fib. Needs EAL. The test is the wire at the other end of the rings.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/worker.h"
#include "tests/support/frame_builder.h"
#include "tests/support/small_world.h"

struct rte_mempool;
struct rte_ring;

namespace posthaste::test {

struct RingRouterOptions {
    unsigned mbufs = 2047;
    unsigned rx_ring = 512;
    unsigned tx_ring = 512;  // frames: a power of two less one fit
    std::uint16_t data_room = 2048;
    std::uint32_t fib_capacity = 1024;
    std::uint32_t provider_sets = 64;
    bool small_routes = true;
    unsigned workers = 1;  // those beyond the first have no queue on kEdge
    // The rest of the worker's options; rx and tx are filled in.
    dataplane::WorkerOptions worker = {};
    routing::ResolverOptions resolver = {};
    std::uint32_t stripes = 0;  // of the Fib; 0: by its capacity
};

class RingRouter {
  public:
    explicit RingRouter(const RingRouterOptions& options = {});
    ~RingRouter();  // frees what is in the rings; the pool must be full then (else aborts)
    RingRouter(const RingRouter&) = delete;
    RingRouter& operator=(const RingRouter&) = delete;

    // The ethdev numbers are filled in.
    void publish(const dataplane::World& world);
    // False: too many worlds wait for the worker to move on.
    [[nodiscard]] bool try_publish(const dataplane::World& world);

    // A frame in an mbuf of the pool, in segments that begin at 0 and at `cuts`; null: pool empty.
    [[nodiscard]] rte_mbuf* make(std::span<const std::uint8_t> bytes,
                                 std::span<const std::size_t> cuts = {});
    // Puts a frame on the port's wire. False: the ring is full, nothing changed.
    [[nodiscard]] bool arrive(std::uint16_t port, rte_mbuf* frame);
    void arrive(std::uint16_t port, const FrameBytes& bytes);
    // Frames the router sent since the last call.
    [[nodiscard]] std::vector<FrameBytes> leave(std::uint16_t port);
    // The same, only counted and freed.
    unsigned discard(std::uint16_t port);

    // Turns until nothing moves; gives how many frames moved.
    unsigned turn();

    // The clock the worker sees.
    void set_ms(std::uint32_t now_ms) noexcept { now_ms_ = now_ms; }

    // Which law of counters.h does not hold; empty if all do.
    [[nodiscard]] std::string broken_law() const;

    [[nodiscard]] dataplane::Worker& worker(unsigned number = 0) { return *workers_[number]; }

    [[nodiscard]] routing::Fib& fib() { return *fib_; }

    [[nodiscard]] routing::ProviderSets& provider_sets() { return *sets_; }

    [[nodiscard]] routing::Grace& grace() { return grace_; }

    [[nodiscard]] rte_mempool* pool() { return pool_; }

    [[nodiscard]] const dataplane::PortCounters& port(std::uint16_t index) const {
        return workers_[0]->counters().port[index];
    }

    [[nodiscard]] std::uint64_t drops(std::uint16_t port, routing::Drop why) const;
    // Mbufs that are not in the pool, nor on a wire.
    [[nodiscard]] unsigned in_use() const;

  private:
    struct Wire {
        std::string device;
        std::uint16_t ethdev = 0;
        std::vector<rte_ring*> in;  // by queue
        std::vector<rte_ring*> out;
    };

    void open(Wire& wire, unsigned number, const RingRouterOptions& options);
    void close(Wire& wire);

    std::uint32_t now_ms_ = 1;
    routing::Grace grace_;
    rte_mempool* pool_ = nullptr;
    std::vector<Wire> wires_;
    rte_ring* handoff_ = nullptr;
    std::unique_ptr<routing::Fib> fib_;
    std::unique_ptr<routing::ProviderSets> sets_;
    std::unique_ptr<routing::Published<dataplane::World>> world_;
    std::vector<std::unique_ptr<dataplane::Worker>> workers_;
};

}  // namespace posthaste::test
