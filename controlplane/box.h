// SPDX-License-Identifier: BSD-3-Clause
// Box: every part of one running router and who owns it. Control thread only.
//
// Opened in the order of the members, closed in the opposite one. The lcores see nothing of it but
// their own Worker and what Published<World> and the Fib show them. Conductor acts on it once per
// cycle; LiveOperations is the operator's view of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/builder.h"
#include "controlplane/capabilities.h"
#include "controlplane/cluster/cluster.h"
#include "controlplane/cluster/cluster_routes.h"
#include "controlplane/config.h"
#include "controlplane/control_counters.h"
#include "controlplane/event_log.h"
#include "controlplane/memory_plan.h"
#include "controlplane/neighbours.h"
#include "controlplane/next_hops.h"
#include "controlplane/patterns.h"
#include "controlplane/policies.h"
#include "controlplane/registrar.h"
#include "controlplane/route_care.h"
#include "controlplane/store/held_answers.h"
#include "controlplane/store/saved_agents.h"
#include "controlplane/store/store.h"
#include "controlplane/table_alarm.h"
#include "dataplane/coarse_clock.h"
#include "dataplane/pool.h"
#include "dataplane/port.h"
#include "dataplane/reconnect.h"
#include "dataplane/worker.h"
#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/published.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

// Bytes of DPDK's memory by what they were taken for, as DPDK counts them; and the control plane's
// heap without agents.
struct MemoryTaken {
    std::uint64_t frame_pool = 0;
    std::uint64_t control_pool = 0;
    std::uint64_t fib = 0;
    std::uint64_t route_caches = 0;
    std::uint64_t heap = 0;
};

struct PortSlot {
    std::unique_ptr<dataplane::Port> device;
    dataplane::Reconnect reconnect{false, false};
    bool up = false;                           // as the World says, or will at once
    std::optional<std::uint64_t> pause_token;  // the lcores let go of it once this has elapsed
};

class Box {
  public:
    // Ports opened, tables made, static sections applied, workers created but not running. The
    // error is one sentence naming what could not be had. EAL must run.
    [[nodiscard]] static tl::expected<std::unique_ptr<Box>, std::string> open(
        const Config& config, const std::vector<unsigned>& cpus);
    ~Box();
    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;

    // Launches the workers on their lcores; stop_workers() waits until they have drained.
    void start_workers();
    void stop_workers();
    // After that every mbuf is back in its pool; workers have stopped.
    void close_ports();
    // Keeps the most used agents for the caches of the next run. A failure is only logged.
    void keep_warm_list() const;

    [[nodiscard]] std::uint64_t now_ms() const noexcept;
    // Since 1970, as the machine's clock has it: for people.
    [[nodiscard]] std::uint64_t wall_ms() const noexcept;

    // Frames received over all ports, and frames still on their way through the box.
    [[nodiscard]] std::uint64_t received() const noexcept;
    [[nodiscard]] std::uint64_t in_flight() const noexcept;

    [[nodiscard]] std::uint16_t port_index(const std::string& name) const noexcept;

    Config config;
    std::vector<unsigned> cpus;  // first the control thread's, then the workers'
    dataplane::CoarseClock clock;
    MemoryPlan plan;
    routing::Grace grace;
    dataplane::Mempool frame_pool;
    dataplane::Mempool control_pool;
    std::vector<PortSlot> ports;
    std::unique_ptr<routing::Fib> fib;
    routing::Rib rib;
    std::unique_ptr<Neighbours> neighbours;
    std::unique_ptr<NextHops> next_hops;
    std::unique_ptr<Registrar> registrar;
    std::unique_ptr<Capabilities> capabilities;
    std::unique_ptr<Patterns> patterns;
    std::unique_ptr<routing::Published<dataplane::World>> world;
    std::vector<std::unique_ptr<dataplane::Worker>> workers;
    std::unique_ptr<RouteCare> care;
    // All three null without an address in [cluster].
    std::unique_ptr<Cluster> cluster;
    std::unique_ptr<FibLoads> agent_loads;
    std::unique_ptr<ClusterRoutes> cluster_routes;
    std::unique_ptr<Store> store;  // null, and `saved` too: nothing is kept on a disk
    std::unique_ptr<SavedAgents> saved;
    HeldAnswers held_answers;  // for `saved`
    ControlCounters counters;
    EventLog events;
    MemoryTaken taken;
    TableAlarm table_alarm;
    bool store_alarm = false;  // the log has it that the store refuses
    Policies policies{builder};
    Builder builder;  // behind what its completions use
    std::uint64_t world_version = 0;
    bool world_stale = true;  // the World must be built and published again
    bool draining = false;

  private:
    Box(const Config& config, const std::vector<unsigned>& cpus);
    [[nodiscard]] tl::expected<void, std::string> open_store();
    [[nodiscard]] tl::expected<void, std::string> open_pools();
    [[nodiscard]] tl::expected<void, std::string> open_ports();
    [[nodiscard]] tl::expected<void, std::string> open_tables();
    [[nodiscard]] tl::expected<void, std::string> create_workers();
    [[nodiscard]] tl::expected<void, std::string> open_cluster();
    void join_cluster();
    void start_care();

    std::atomic<bool> stop_{false};
    bool running_ = false;
    std::uint64_t static_agents_heap_ = 0;  // what those of the file took
};

inline constexpr std::uint16_t kNoPort = 0xffff;

// The limits of the Rib as [agents] and [capabilities] give them.
[[nodiscard]] routing::RibLimits rib_limits(const Config& config);
// The error budget of a port, shared evenly by the workers and the control thread.
[[nodiscard]] std::uint32_t error_share(const PortConfig& port, unsigned workers);
// The registrar's, with the control thread's share of each port's error rate.
[[nodiscard]] RegistrarOptions registrar_options(const Config& config);
// What the neighbour plane needs to know of a port.
[[nodiscard]] NeighbourPort neighbour_port(const PortConfig& config, const routing::Mac& mac);

}  // namespace posthaste::controlplane
