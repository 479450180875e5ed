// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/rig.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include "routing/capability_name.h"
#include "routing/memory_estimate.h"
#include "tools/benchmark/churn.h"
#include "tools/benchmark/matched_names.h"

namespace posthaste::tools {

using dataplane::PortCounters;
using dataplane::Worker;
using dataplane::World;

namespace {

constexpr unsigned kPorts = 2;
constexpr unsigned kTurnsPerClockRead = 64;
constexpr std::uint32_t kOthers = 1 + Churn::kGuests;  // agents no frames go to
constexpr std::uint64_t kOtherMemory = 96U << 20;      // mbufs, rings, rte_malloc's own

routing::Mac mac(std::uint8_t last) {
    return {{2, 0, 0, 0, 0, last}};
}

routing::IpAddress ipv4(std::uint8_t third, std::uint8_t last) {
    return {{10, 0, third, last}, routing::Family::ipv4};
}

GeneratorOptions generator_options(const RigOptions& rig) {
    GeneratorOptions made;
    made.source_mac = mac(9);
    made.destination_mac = mac(1);
    made.source = ipv4(0, 9);
    made.destination = ipv4(0, 1);
    made.sender = agent_id(rig.agents);
    made.agents = rig.agents;
    made.stream = rig.stream;
    made.payload = rig.payload;
    made.relayed = !rig.edge;
    made.checksum = rig.checksum;
    made.malformed = rig.malformed;
    made.unknown = rig.unknown;
    return made;
}

std::uint64_t cycles_now() noexcept {
    return rte_rdtsc();
}

std::uint16_t fill_frames(std::uint16_t /*port*/,
                          std::uint16_t /*queue*/,
                          rte_mbuf** frames,
                          std::uint16_t count,
                          std::uint16_t /*room*/,
                          void* filling) {
    (*static_cast<Generator**>(filling))->fill(frames, count);
    return count;
}

template <typename Turn>
Rig::Turned turn_for(std::uint64_t cycles, Turn&& turn) noexcept {
    Rig::Turned total;
    const std::uint64_t start = rte_rdtsc();
    while (total.cycles < cycles) {
        for (unsigned i = 0; i < kTurnsPerClockRead; ++i) {
            total.frames += turn();
        }
        total.cycles = rte_rdtsc() - start;
    }
    return total;
}

}  // namespace

tl::expected<void, std::string> start_eal(const EalOptions& options) {
    const std::uint64_t bytes =
        routing::Fib::planned_heap_bytes(options.agents + options.capabilities + kOthers, 0, true) +
        cache_lines_for(options.cache) * sizeof(routing::RouteCache::Line) + kOtherMemory;
    std::string lcores = "0@" + std::to_string(options.core);
    if (options.second_core.has_value()) {
        lcores += ",1@" + std::to_string(*options.second_core);
    }
    std::vector<std::string> words = {"posthaste-bench",
                                      "--lcores",
                                      lcores,
                                      "--file-prefix",
                                      "posthaste-bench-" + std::to_string(getpid()),
                                      "--no-pci",
                                      "--no-telemetry",
                                      "--log-level",
                                      "error"};
    if (options.hugepages) {
        words.insert(words.end(), {"--in-memory"});
    } else {
        words.insert(words.end(),
                     {"--no-huge", "--no-shconf", "-m", std::to_string((bytes >> 20) + 1)});
    }
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
        return tl::unexpected(std::string("EAL does not start") +
                              (options.hugepages ? "; are there free hugepages?" : ""));
    }
    return {};
}

Rig::Rig(const RigOptions& options)
    : options_(options), generator_(generator_options(options)), filling_(&generator_), grace_(1) {
    if (options.addressing == routing::Addressing::agent) {
        return;
    }
    GeneratorOptions capabilities = generator_options(options);
    capabilities.agents = options.capabilities;
    capabilities.targets = targets_for(options.agents);
    capabilities.addressing = options.addressing;
    capabilities.strategy = options.strategy;
    for (std::size_t i = 0; i < (options.matched_names ? kNamings : 1); ++i) {
        const auto naming = static_cast<Naming>(i);
        const bool matched = naming == Naming::matched || naming == Naming::matched_said;
        capabilities.offered = matched ? routing::OfferKind::glob : routing::OfferKind::name;
        capabilities.named = naming == Naming::offered_said || naming == Naming::matched_said;
        capabilities.conversations = naming == Naming::offered_anew ? 0 : options.conversations;
        capability_generators_[i] = std::make_unique<Generator>(capabilities);
    }
}

tl::expected<std::unique_ptr<Rig>, std::string> Rig::open(const RigOptions& options) {
    std::unique_ptr<Rig> rig(new Rig(options));
    for (const auto step :
         {&Rig::open_ports, &Rig::fill_table, &Rig::fill_capabilities, &Rig::start}) {
        if (auto done = ((*rig).*step)(); !done.has_value()) {
            return tl::unexpected(done.error());
        }
    }
    return rig;
}

Rig::~Rig() {
    if (whole_.worker != nullptr) {
        grace_.offline(0);
    }
}

tl::expected<void, std::string> Rig::open_ports() {
    dataplane::PoolOptions pool;
    pool.name = "bench";
    pool.mbufs = kMbufs;
    auto made = dataplane::create_pool(pool);
    if (!made.has_value()) {
        return tl::unexpected(made.error());
    }
    pool_ = std::move(*made);
    if (options_.rings) {
        return open_rings();
    }
    for (unsigned i = 0; i < kPorts; ++i) {
        dataplane::PortOptions port;
        port.name = "bench" + std::to_string(i);
        port.device =
            "net_null" + std::to_string(i) + ",size=" + std::to_string(generator_.frame_bytes());
        port.pool = pool_.get();
        auto opened = dataplane::Port::open(port);
        if (!opened.has_value()) {
            return tl::unexpected(opened.error());
        }
        ports_.push_back(std::move(*opened));
    }
    if (rte_eth_add_rx_callback(ports_[kIngress]->ethdev(), 0, fill_frames, &filling_) == nullptr) {
        return tl::unexpected(std::string("this DPDK has no rx callbacks"));
    }
    return {};
}

tl::expected<void, std::string> Rig::open_rings() {
    for (unsigned i = 0; i < kPorts; ++i) {
        auto opened = RingPort::open("bench" + std::to_string(i), pool_.get());
        if (!opened.has_value()) {
            return tl::unexpected(opened.error());
        }
        rings_.push_back(std::move(*opened));
    }
    return {};
}

routing::FibEntry Rig::route(std::uint32_t number) const noexcept {
    const bool sender = number == options_.agents;
    routing::FibEntry entry;
    entry.agent = agent_id(number);
    entry.endpoint.port = sender ? kIngress : kEgress;
    entry.endpoint.ip = sender ? ipv4(0, 9) : ipv4(1, 9);
    entry.endpoint.mac = mac(9);
    entry.endpoint.udp_port = 5'000;
    entry.version = number + 1;  // as the control thread gives each its own
    return entry;
}

tl::expected<void, std::string> Rig::fill_table() {
    routing::FibOptions table;
    table.name = "bench";
    table.capacity = options_.agents + options_.capability_entries() + kOthers;
    table.key = routing::KeyHash::random_key();
    if (options_.cache != 0) {
        table.stripes = routing::stripes_beside(table.capacity, cache_lines_for(options_.cache));
    }
    auto made = routing::Fib::create(table, grace_);
    if (!made.has_value()) {
        return tl::unexpected(made.error());
    }
    fib_ = std::move(*made);
    for (std::uint32_t i = 0; i <= options_.agents; ++i) {
        if (!fib_->set(route(i), 0)) {
            return tl::unexpected("the table refused agent " + std::to_string(i));
        }
    }
    return {};
}

// Capability c's providers are the next so many agents after those of c - 1, round and round.
tl::expected<void, std::string> Rig::fill_capabilities() {
    sets_ = std::make_unique<routing::ProviderSets>(grace_, options_.capability_entries());
    if (capability_generators_[0] == nullptr) {
        return {};
    }
    std::uint64_t next = 0;
    std::vector<routing::ProviderChange> changes(options_.providers);
    for (std::uint32_t i = 0; i < options_.capabilities; ++i) {
        for (routing::ProviderChange& change : changes) {
            const routing::FibEntry& entry = *fib_->find(agent_id(next++ % options_.agents));
            change.provider.agent = entry.agent;
            change.provider.cell = entry.cell;
        }
        const std::uint32_t number = sets_->take_number();
        sets_->publish(number, routing::ProviderSet::make(nullptr, changes));
        routing::FibEntry entry;
        entry.agent = routing::capability_key(capability_id(i));
        entry.kind = routing::RouteKind::capability;
        entry.set_provider_set(number);
        if (!fib_->set(entry, 0)) {
            return tl::unexpected("the table refused capability " + std::to_string(i));
        }
    }
    if (!options_.matched_names) {
        return {};
    }
    return put_matched_names({.agents = options_.agents,
                              .names = options_.capabilities,
                              .providers = options_.providers},
                             *sets_,
                             *fib_);
}

std::vector<Rig::Subject*> Rig::subjects() {
    std::vector<Subject*> all = {&whole_, &by_hash_};
    for (std::size_t i = 0; i < kNamings; ++i) {
        if (capability_generators_[i] != nullptr) {
            all.push_back(&to_capabilities_[i]);
        }
    }
    if (options_.cache != 0) {
        all.insert(all.end(), {&cached_, &cached_by_hash_});
    }
    return all;
}

tl::expected<void, std::string> Rig::start() {
    auto world = std::make_unique<World>();
    for (std::uint8_t i = 0; i < kPorts; ++i) {
        dataplane::PortView view;
        view.ethdev = options_.rings ? rings_[i]->ethdev() : ports_[i]->ethdev();
        view.up = true;
        view.rules.mac = mac(1);
        view.rules.edge = i == kEgress || options_.edge;
        view.role = view.rules.edge ? dataplane::Role::edge : dataplane::Role::fabric;
        view.rules.ipv4_count = 1;
        view.rules.ipv4[0] = ipv4(i, 1);
        world->ports.push_back(view);
    }
    world->fan_out_max = dataplane::World::kFanOutMax;
    world_ = std::make_unique<routing::Published<World>>(
        grace_, std::unique_ptr<const World>(std::move(world)));
    dataplane::WorkerOptions worker;
    worker.clock = {rte_rdtsc(), rte_get_tsc_hz() / 1'000};
    worker.rx = {{kIngress, 0}};
    worker.tx = {{0, nullptr, true}, {0, nullptr, true}};
    worker.shed = false;
    worker.pool = pool_.get();
    worker.conversations = options_.remembered;
    // The same worker several times, and one thread's; only the way to look agents up differs.
    for (Subject* const subject : subjects()) {
        routing::ResolverOptions options;
        options.cycles = cycles_now;
        options.authority_only = subject == &by_hash_ || subject == &cached_by_hash_;
        if (subject == &cached_ || subject == &cached_by_hash_) {
            options.cache_lines = cache_lines_for(options_.cache);
        }
        auto resolver = routing::Resolver::create(*fib_, options);
        if (resolver == nullptr) {
            return tl::unexpected(std::string("no memory for a resolver"));
        }
        subject->worker =
            std::make_unique<Worker>(worker, *world_, *fib_, *sets_, grace_, std::move(resolver));
    }
    std::array<const routing::FibEntry*, dataplane::kBurstMax> targets;
    for (std::uint32_t i = 0; i < targets.size(); ++i) {
        targets[i] = fib_->find(agent_id(i % options_.agents));
    }
    bare_ = std::make_unique<BarePipeline>(
        *world_, *fib_, grace_, kIngress, targets, fib_->find(agent_id(options_.agents)));
    grace_.online(0);
    return {};
}

unsigned Rig::pass() noexcept {
    std::array<rte_mbuf*, dataplane::kBurstMax> frames;
    const std::uint16_t got =
        rte_eth_rx_burst(ports_[kIngress]->ethdev(), 0, frames.data(), dataplane::kBurstMax);
    const std::uint16_t sent = rte_eth_tx_burst(ports_[kEgress]->ethdev(), 0, frames.data(), got);
    if (sent < got) {
        rte_pktmbuf_free_bulk(frames.data() + sent, static_cast<unsigned>(got - sent));
    }
    return got;
}

Rig::Turned Rig::pass_for(std::uint64_t cycles) noexcept {
    return turn_for(cycles, [this] { return pass(); });
}

Rig::Turned Rig::generate(std::uint64_t cycles) noexcept {
    std::array<rte_mbuf*, dataplane::kBurstMax> frames;
    if (rte_pktmbuf_alloc_bulk(pool_.get(), frames.data(), frames.size()) != 0) {
        return {};
    }
    const Turned turned = turn_for(cycles, [this, &frames] {
        generator_.fill(frames.data(), frames.size());
        return static_cast<unsigned>(frames.size());
    });
    rte_pktmbuf_free_bulk(frames.data(), frames.size());
    return turned;
}

Rig::Turned Rig::forward(std::uint64_t cycles) noexcept {
    return forward(whole_, generator_, cycles);
}

Rig::Turned Rig::forward_by_hash(std::uint64_t cycles) noexcept {
    return forward(by_hash_, generator_, cycles);
}

Rig::Turned Rig::forward_to_capabilities(std::uint64_t cycles, Naming naming) noexcept {
    const auto which = static_cast<std::size_t>(naming);
    const dataplane::Counter& sent = capability_counters(naming).port[kIngress].sent;
    const std::uint64_t before = sent.read();
    filling_ = capability_generators_[which].get();
    Turned turned = forward(to_capabilities_[which], *filling_, cycles);
    filling_ = &generator_;
    turned.frames = sent.read() - before;
    return turned;
}

// A turn counts a frame when it is received and when it is sent, so the generator says how many.
Rig::Turned Rig::forward(Subject& subject, Generator& generator, std::uint64_t cycles) noexcept {
    const std::uint64_t frames = generator.frames();
    const auto faulty = generator.faulty();
    Turned turned = turn_for(cycles, [&subject] { return subject.worker->run_once(rte_rdtsc()); });
    turned.frames = generator.frames() - frames;
    subject.frames += turned.frames;
    for (std::size_t i = 0; i < faulty.size(); ++i) {
        subject.faulty[i] += generator.faulty()[i] - faulty[i];
    }
    return turned;
}

Rig::Turned Rig::forward_bare(std::uint64_t cycles) noexcept {
    return turn_for(cycles, [this] { return bare_->run_once(rte_rdtsc()); });
}

bool Rig::conserved(const PortCounters& in) noexcept {
    return in.received.read() + in.copied.read() ==
           in.sent.read() + in.punted.read() + in.dropped.read();
}

tl::expected<void, std::string> Rig::check(const Subject& subject) {
    const PortCounters& in = subject.worker->counters().port[kIngress];
    if (in.received.read() != subject.frames) {
        return tl::unexpected("the router received " + std::to_string(in.received.read()) + " of " +
                              std::to_string(subject.frames) + " frames");
    }
    if (!conserved(in)) {
        return tl::unexpected(std::string("frames received are not those sent, punted or dropped"));
    }
    for (std::size_t i = 0; i < subject.faulty.size(); ++i) {
        if (in.drops[i].read() != subject.faulty[i]) {
            return tl::unexpected("dropped as " + std::string(routing::kDropNames[i]) + ": " +
                                  std::to_string(in.drops[i].read()) +
                                  " frames, sent so: " + std::to_string(subject.faulty[i]));
        }
    }
    const PortCounters& out = subject.worker->counters().port[kEgress];
    if (out.queued.read() != out.transmitted.read()) {
        return tl::unexpected(std::string("the egress port did not take every frame"));
    }
    return {};
}

tl::expected<void, std::string> Rig::close() {
    for (Subject* const subject : subjects()) {
        subject->worker->drain(rte_rdtsc());
    }
    if (options_.rings) {  // every frame written was for the worker
        whole_.frames = generator_.frames();
        whole_.faulty = generator_.faulty();
        // Lost, as a trial says, where nobody took frames from the egress.
        constexpr auto kFull = static_cast<std::size_t>(routing::Drop::tx_full);
        whole_.faulty[kFull] = counters().port[kIngress].drops[kFull].read();
    }
    if (whole_.frames == 0) {
        return tl::unexpected(std::string("the router received nothing"));
    }
    for (const Subject* const subject : subjects()) {
        if (auto checked = check(*subject); !checked.has_value()) {
            return checked;
        }
    }
    if (!conserved(bare_->counters().port[kIngress])) {
        return tl::unexpected(std::string("the bare pipeline lost frames"));
    }
    ports_.clear();
    rings_.clear();
    if (!dataplane::pool_full(pool_.get())) {
        return tl::unexpected(std::to_string(dataplane::pool_in_use(pool_.get())) +
                              " mbufs did not come back");
    }
    return {};
}

}  // namespace posthaste::tools
