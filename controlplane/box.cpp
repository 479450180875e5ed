// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/box.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "controlplane/cluster/keyring_file.h"
#include "controlplane/eal.h"
#include "controlplane/log.h"
#include "controlplane/process_memory.h"
#include "controlplane/warm_list.h"
#include "controlplane/world_builder.h"

namespace posthaste::controlplane {

namespace {

// What a worker's lcore runs.
struct LcoreEntry {
    dataplane::Worker* worker;
    const std::atomic<bool>* stop;
};

int run_worker(void* argument) {
    const std::unique_ptr<LcoreEntry> entry(static_cast<LcoreEntry*>(argument));
    entry->worker->run(*entry->stop);
    return 0;
}

dataplane::CoarseClock make_clock() {
    dataplane::CoarseClock clock;
    clock.origin_tsc = rte_rdtsc();
    clock.cycles_per_ms = std::max<std::uint64_t>(rte_get_tsc_hz() / 1'000, 1);
    return clock;
}

bool polls(const PortConfig& port, unsigned worker) {
    return port.workers.empty() || std::ranges::find(port.workers, worker) != port.workers.end();
}

// The rx queues of worker `id`: queue q of a port goes to the (q mod n)-th of its n workers.
std::vector<dataplane::RxQueue> rx_queues_of(const Config& config,
                                             const std::vector<PortSlot>& ports,
                                             unsigned id) {
    std::vector<dataplane::RxQueue> queues;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        std::vector<unsigned> pollers;
        for (unsigned worker = 0; worker < config.dataplane.workers; ++worker) {
            if (polls(config.ports[i], worker)) {
                pollers.push_back(worker);
            }
        }
        for (std::uint16_t queue = 0; queue < ports[i].device->rx_queues(); ++queue) {
            if (pollers[queue % pollers.size()] == id) {
                queues.push_back({static_cast<std::uint16_t>(i), queue});
            }
        }
    }
    return queues;
}

std::uint64_t cycles_now() noexcept {
    return rte_rdtsc();
}

routing::ResolverOptions resolver_options(const Box& box, unsigned worker) {
    const LookupConfig& lookup = box.config.lookup;
    routing::ResolverOptions options;
    options.cache_lines = box.plan.cache_lines;
    options.local_ttl_ms = lookup.local_ttl_ms;
    options.remote_ttl_ms = lookup.remote_ttl_ms;
    options.negative_ttl_ms = lookup.negative_ttl_ms;
    options.cycles = cycles_now;
    // The lcore's own memory; where that has none left, any.
    options.socket = static_cast<int>(rte_lcore_to_socket_id(lcore_of_worker(worker)));
    return options;
}

std::unique_ptr<routing::Resolver> create_resolver(const Box& box, unsigned worker) {
    routing::ResolverOptions options = resolver_options(box, worker);
    auto resolver = routing::Resolver::create(*box.fib, options);
    if (resolver == nullptr) {
        options.socket = -1;
        resolver = routing::Resolver::create(*box.fib, options);
    }
    return resolver;
}

std::string warm_path(const Config& config) {
    return config.system.run_dir + "/" + config.system.name + ".warm";
}

constexpr std::uint32_t kLinesPerKilobyte = 1024 / sizeof(routing::RouteCache::Line);

}  // namespace

std::uint32_t error_share(const PortConfig& port, unsigned workers) {
    return std::max<std::uint32_t>(port.error_rate / (workers + 1), port.error_rate > 0 ? 1 : 0);
}

routing::RibLimits rib_limits(const Config& config) {
    const AgentsConfig& agents = config.agents;
    routing::RibLimits limits;
    limits.routes_max = agents.agents_max;
    limits.agents_per_port_max =
        agents.agents_per_port_max != 0 ? agents.agents_per_port_max : agents.agents_max;
    limits.capabilities_max = agents.capabilities_max;
    limits.names_max = config.capabilities.names_max;
    limits.patterns_max = config.capabilities.patterns_max;
    limits.providers_max = config.capabilities.providers_max;
    limits.lease_min_ms = agents.lease_min_ms;
    limits.lease_max_ms = agents.lease_max_ms;
    limits.lease_default_ms = agents.lease_default_ms;
    return limits;
}

NeighbourPort neighbour_port(const PortConfig& config, const routing::Mac& mac) {
    NeighbourPort port;
    port.mac = mac;
    port.vlan = config.vlan;
    port.mtu = config.mtu;
    port.addresses = config.addresses;
    port.gateway = config.gateway;
    port.gateway6 = config.gateway6;
    return port;
}

RegistrarOptions registrar_options(const Config& config) {
    RegistrarOptions options;
    options.registrations_per_second = config.agents.registrations_per_second;
    for (const PortConfig& port : config.ports) {
        options.error_rate.push_back(error_share(port, config.dataplane.workers));
        options.regexes.push_back(port.regex_patterns);
    }
    return options;
}

Box::Box(const Config& config_, const std::vector<unsigned>& cpus_)
    : config(config_),
      cpus(cpus_),
      clock(make_clock()),
      plan(plan_memory(config_)),
      grace(config_.dataplane.workers),
      rib(rib_limits(config_)),
      counters(config_.ports.size()) {}

tl::expected<std::unique_ptr<Box>, std::string> Box::open(const Config& config,
                                                          const std::vector<unsigned>& cpus) {
    std::unique_ptr<Box> box(new Box(config, cpus));
    for (const auto step : {&Box::open_store,
                            &Box::open_pools,
                            &Box::open_ports,
                            &Box::open_tables,
                            &Box::create_workers,
                            &Box::open_cluster}) {
        if (auto done = ((*box).*step)(); !done.has_value()) {
            return tl::unexpected(done.error());
        }
    }
    return box;
}

Box::~Box() {
    stop_workers();
    cluster_routes.reset();
    care.reset();
    workers.clear();  // before the pools: they free what is left in their rings
    world.reset();
    ports.clear();
    patterns.reset();  // the builder runs no completion any more
    capabilities.reset();
    fib.reset();
}

tl::expected<void, std::string> Box::open_store() {
    if (config.store.path.empty()) {
        return {};
    }
    StoreOptions options;
    options.path = config.store.path;
    options.commit_ms = config.store.commit_ms;
    options.cluster = config.cluster.name;
    options.node = cluster_node(config);
    auto opened = Store::open(options);
    if (!opened.has_value()) {
        return tl::unexpected(opened.error());
    }
    store = std::move(*opened);
    std::vector<SavedPort> known;
    for (const PortConfig& port : config.ports) {
        known.push_back({.name = port.name, .edge = port.role == dataplane::Role::edge});
    }
    saved = std::make_unique<SavedAgents>(rib, *store, std::move(known));
    return {};
}

tl::expected<void, std::string> Box::open_pools() {
    std::uint64_t before = eal_memory().taken;
    dataplane::PoolOptions frames;
    frames.name = "frames";
    frames.mbufs = plan.frame_mbufs;
    frames.mtu = plan.mtu;
    auto frame = dataplane::create_pool(frames);
    if (!frame.has_value()) {
        return tl::unexpected(frame.error());
    }
    frame_pool = std::move(*frame);
    taken.frame_pool = eal_memory().taken - before;
    dataplane::PoolOptions own;
    own.name = "control";
    own.mbufs = plan.control_mbufs;
    own.cache = 0;
    own.mtu = plan.mtu;
    before = eal_memory().taken;
    auto control = dataplane::create_pool(own);
    if (!control.has_value()) {
        return tl::unexpected(control.error());
    }
    control_pool = std::move(*control);
    taken.control_pool = eal_memory().taken - before;
    return {};
}

tl::expected<void, std::string> Box::open_ports() {
    for (const PortConfig& port : config.ports) {
        dataplane::PortOptions options;
        options.name = port.name;
        options.box = config.system.name;
        options.device = port.device;
        options.rx_queues = port.queues;
        options.tx_queues = static_cast<std::uint16_t>(config.dataplane.workers);
        options.mtu = port.mtu;
        options.rx_descriptors = config.dataplane.rx_descriptors;
        options.tx_descriptors = config.dataplane.tx_descriptors;
        options.pool = frame_pool.get();
        options.mac = port.mac;
        options.promiscuous = port.promiscuous;
        options.rx_checksum = port.verify_checksum;
        options.link_wait_ms = port.link_wait_ms;
        options.reconnect = port.reconnect;
        auto device = dataplane::Port::open(options);
        if (!device.has_value()) {
            return tl::unexpected(device.error());
        }
        PortSlot slot;
        slot.device = std::move(*device);
        slot.up = slot.device->link_up();
        const dataplane::PeerLoss loss = slot.device->peer_loss();
        const bool restarts = port.reconnect && (loss == dataplane::PeerLoss::restart ||
                                                 loss == dataplane::PeerLoss::reopen);
        slot.reconnect = dataplane::Reconnect(restarts, slot.up, slot.device->started());
        ports.push_back(std::move(slot));
    }
    return {};
}

tl::expected<void, std::string> Box::open_tables() {
    routing::FibOptions options;
    options.capacity = fib_capacity(config);
    options.key = routing::KeyHash::random_key();
    options.stripes = plan.stripes;
    options.table = config.lookup.table;
    const std::uint64_t before = eal_memory().taken;
    auto table = routing::Fib::create(options, grace);
    if (!table.has_value()) {
        return tl::unexpected(table.error());
    }
    fib = std::move(*table);
    taken.fib = eal_memory().taken - before;

    std::vector<NeighbourPort> links;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        links.push_back(neighbour_port(config.ports[i], ports[i].device->mac()));
    }
    neighbours = std::make_unique<Neighbours>(config.neighbours, std::move(links));
    for (std::size_t i = 0; i < ports.size(); ++i) {
        neighbours->set_port_up(static_cast<std::uint16_t>(i), ports[i].up, now_ms());
    }
    next_hops = std::make_unique<NextHops>(rib, *neighbours, fib->routers());
    capabilities =
        std::make_unique<Capabilities>(rib, *fib, grace, *next_hops, config.capabilities);
    patterns = std::make_unique<Patterns>(
        builder, rib.names(), capabilities->index(), config.capabilities);
    capabilities->match_by(*patterns);
    registrar =
        std::make_unique<Registrar>(rib, *capabilities, *patterns, registrar_options(config));
    const std::uint64_t bare = heap_memory().allocated;
    if (auto applied = next_hops->apply(config, now_ms()); !applied.has_value()) {
        return applied;
    }
    static_agents_heap_ = heap_memory().allocated - bare;
    world = std::make_unique<routing::Published<dataplane::World>>(grace, build_world(*this));
    ++world_version;
    return {};
}

tl::expected<void, std::string> Box::create_workers() {
    for (unsigned id = 0; id < config.dataplane.workers; ++id) {
        dataplane::WorkerOptions options;
        options.id = id;
        options.clock = clock;
        options.rx = rx_queues_of(config, ports, id);
        options.pool = frame_pool.get();
        options.tx_backlog = config.dataplane.tx_backlog;
        options.punt_ring = config.dataplane.punt_ring;
        options.inject_ring = config.dataplane.inject_ring;
        options.conversations = config.capabilities.conversations;
        options.conversation_seed = routing::KeyHash::random_key().words[0];
        options.idle_sleep_us = config.dataplane.idle_sleep_us;
        options.shed = config.dataplane.shed;
        for (std::size_t i = 0; i < ports.size(); ++i) {
            const dataplane::TxAssignment tx = ports[i].device->tx_assignment(id);
            options.tx.push_back({tx.queue, tx.handoff, tx.owner});
        }
        const std::uint64_t before = eal_memory().taken;
        auto resolver = create_resolver(*this, id);
        if (resolver == nullptr) {
            return tl::unexpected(
                "worker " + std::to_string(id) + ": no memory for a route cache of " +
                std::to_string(plan.cache_lines / kLinesPerKilobyte) + " KiB ([lookup] cache_kb)");
        }
        taken.route_caches += eal_memory().taken - before;
        workers.push_back(std::make_unique<dataplane::Worker>(
            options, *world, *fib, capabilities->sets(), grace, std::move(resolver)));
    }
    start_care();
    taken.heap = heap_memory().allocated - static_agents_heap_;
    return {};
}

tl::expected<void, std::string> Box::open_cluster() {
    if (!config.cluster.address) {
        return {};
    }
    ClusterStart start;
    // Without a disk its nonce tells this life from others; a greater one is met by renewal.
    start.generation = {store != nullptr ? store->generation_counter() : 1,
                        routing::KeyHash::random_key().words[0]};
    start.fabric = *cluster_fabric_address(config);  // a configuration without is refused
    start.fabric_port = config.dataplane.udp_port;
    start.random_seed = routing::KeyHash::random_key().words[0];
    if (!config.cluster.keyring.empty()) {
        auto keys = read_keyring(config.cluster.keyring);
        if (!keys) {
            return tl::unexpected(keys.error());
        }
        start.keys = std::move(*keys);
    }
    auto opened = Cluster::open(config.cluster, cluster_node(config), start, now_ms());
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    cluster = std::move(*opened);
    join_cluster();
    return {};
}

void Box::start_care() {
    std::vector<LcoreRings> rings;
    for (const auto& worker : workers) {
        rings.push_back(
            {&worker->wanted(), &worker->misrouted(), &worker->uses(), &worker->expected()});
    }
    routing::DiscoveryOptions discovery;
    discovery.requests_per_second = config.cluster.discovery_rate;
    discovery.in_flight_max = std::max(discovery.in_flight_max, discovery.requests_per_second);
    care = std::make_unique<RouteCare>(*fib, std::move(rings), discovery);
    capabilities->discover_by(care->discovery());
    auto expected = read_warm_list(warm_path(config));
    if (expected.has_value()) {
        care->expect(std::move(*expected));
    } else {
        log_warning("agents expected from the last run: " + expected.error());
    }
}

// From now on agents here are claimed, and claims of others become routes.
void Box::join_cluster() {
    agent_loads = std::make_unique<FibLoads>(*fib);
    cluster_routes = std::make_unique<ClusterRoutes>(ClusterRoutes::Parts{cluster->routes(),
                                                                          rib,
                                                                          *next_hops,
                                                                          *agent_loads,
                                                                          care->discovery(),
                                                                          *capabilities,
                                                                          config},
                                                     ClusterRoutes::Options{});
    registrar->ask(*cluster_routes);
    rib.reserve_routes(std::min(config.cluster.claims_max, config.agents.agents_max));
}

void Box::keep_warm_list() const {
    const auto agents = care->most_used_agents(now_ms());
    if (agents.empty()) {
        return;
    }
    if (const auto kept = write_warm_list(warm_path(config), agents); !kept.has_value()) {
        log_warning("agents expected in the next run: " + kept.error());
    }
}

void Box::start_workers() {
    running_ = true;
    for (const auto& worker : workers) {
        auto entry = std::make_unique<LcoreEntry>(LcoreEntry{worker.get(), &stop_});
        rte_eal_remote_launch(run_worker, entry.release(), lcore_of_worker(worker->id()));
    }
}

void Box::stop_workers() {
    if (!running_) {
        return;
    }
    stop_.store(true, std::memory_order_relaxed);
    rte_eal_mp_wait_lcore();
    running_ = false;
}

void Box::close_ports() {
    for (PortSlot& slot : ports) {
        slot.device.reset();
    }
}

std::uint64_t Box::now_ms() const noexcept {
    return clock.ms(rte_rdtsc());
}

std::uint64_t Box::wall_ms() const noexcept {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

std::uint64_t Box::received() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& worker : workers) {
        for (const dataplane::PortCounters& port : worker->counters().port) {
            sum += port.received.read();
        }
    }
    return sum;
}

std::uint64_t Box::in_flight() const noexcept {
    std::uint64_t sum = neighbours->held_count() + held_answers.size();
    for (const auto& worker : workers) {
        for (const dataplane::PortCounters& port : worker->counters().port) {
            sum += port.backlog.read();
        }
        sum += worker->inject().size();
        for (unsigned c = 0; c < dataplane::kPuntClassCount; ++c) {
            sum += worker->punts(static_cast<dataplane::PuntClass>(c)).size();
        }
    }
    return sum;
}

std::uint16_t Box::port_index(const std::string& name) const noexcept {
    const auto at = std::ranges::find(config.ports, name, &PortConfig::name);
    return at == config.ports.end() ? kNoPort
                                    : static_cast<std::uint16_t>(at - config.ports.begin());
}

}  // namespace posthaste::controlplane
