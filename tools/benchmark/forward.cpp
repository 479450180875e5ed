// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/forward.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include "dataplane/pool.h"
#include "dataplane/port.h"
#include "dataplane/worker.h"
#include "dataplane/world.h"
#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/published.h"
#include "tools/benchmark/generator.h"

namespace posthaste::tools {

namespace {

using dataplane::Worker;
using dataplane::World;

constexpr std::uint32_t kMbufs = 8'191;
constexpr unsigned kPorts = 2;
constexpr std::uint16_t kIngress = 0;
constexpr std::uint16_t kEgress = 1;
constexpr unsigned kTurnsPerClockRead = 64;

routing::Mac mac(std::uint8_t last) {
    return {{2, 0, 0, 0, 0, last}};
}

routing::IpAddress ipv4(std::uint8_t third, std::uint8_t last) {
    return {{10, 0, third, last}, routing::Family::ipv4};
}

tl::expected<void, std::string> start_eal(const ForwardOptions& options) {
    const std::uint64_t table_mb = std::uint64_t{options.agents} * 160 >> 20;
    std::vector<std::string> words = {"posthaste-bench",
                                      "--lcores",
                                      "0@" + std::to_string(options.core),
                                      "--file-prefix",
                                      "posthaste-bench-" + std::to_string(getpid()),
                                      "--no-pci",
                                      "--no-telemetry",
                                      "--no-shconf",
                                      "--log-level",
                                      "error"};
    if (options.hugepages) {
        words.insert(words.end(), {"--huge-unlink"});
    } else {
        words.insert(words.end(), {"--no-huge", "-m", std::to_string(table_mb + 128)});
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

std::uint16_t fill_frames(std::uint16_t /*port*/,
                          std::uint16_t /*queue*/,
                          rte_mbuf** frames,
                          std::uint16_t count,
                          std::uint16_t /*room*/,
                          void* generator) {
    static_cast<Generator*>(generator)->fill(frames, count);
    return count;
}

// Everything one worker needs, without a control thread.
class Rig {
  public:
    [[nodiscard]] static tl::expected<std::unique_ptr<Rig>, std::string> open(
        const ForwardOptions& options) {
        std::unique_ptr<Rig> rig(new Rig(options));
        for (const auto step : {&Rig::open_ports, &Rig::fill_table, &Rig::start}) {
            if (auto done = ((*rig).*step)(); !done.has_value()) {
                return tl::unexpected(done.error());
            }
        }
        return rig;
    }

    ~Rig() {
        if (worker_ != nullptr) {
            worker_->drain(rte_rdtsc());
            grace_.offline(0);
        }
        worker_.reset();
        world_.reset();
    }

    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    // The whole worker loop.
    unsigned forward() noexcept { return worker_->run_once(rte_rdtsc()); }

    // Receive (the header is written on the way) and send, nothing in between.
    unsigned pass() noexcept {
        std::array<rte_mbuf*, dataplane::kBurstMax> frames;
        const std::uint16_t got =
            rte_eth_rx_burst(ports_[kIngress]->ethdev(), 0, frames.data(), dataplane::kBurstMax);
        const std::uint16_t sent =
            rte_eth_tx_burst(ports_[kEgress]->ethdev(), 0, frames.data(), got);
        if (sent < got) {
            rte_pktmbuf_free_bulk(frames.data() + sent, static_cast<unsigned>(got - sent));
        }
        return got;
    }

    // Every frame received was forwarded.
    [[nodiscard]] bool sound() const noexcept {
        const dataplane::PortCounters& in = worker_->counters().port[kIngress];
        return in.received.read() > 0 && in.received.read() == in.sent.read();
    }

    [[nodiscard]] std::size_t table_bytes() const noexcept { return fib_->memory_bytes(); }

  private:
    explicit Rig(const ForwardOptions& options)
        : options_(options),
          generator_({mac(9), mac(1), ipv4(0, 9), ipv4(0, 1), agent_id(options.agents)},
                     options.agents,
                     options.payload,
                     options.ingress == "fabric"),
          grace_(1) {}

    tl::expected<void, std::string> open_ports() {
        dataplane::PoolOptions pool;
        pool.name = "bench";
        pool.mbufs = kMbufs;
        auto made = dataplane::create_pool(pool);
        if (!made.has_value()) {
            return tl::unexpected(made.error());
        }
        pool_ = std::move(*made);
        for (unsigned i = 0; i < kPorts; ++i) {
            dataplane::PortOptions port;
            port.name = "bench" + std::to_string(i);
            port.device = "net_null" + std::to_string(i) +
                          ",size=" + std::to_string(generator_.frame_bytes());
            port.pool = pool_.get();
            auto opened = dataplane::Port::open(port);
            if (!opened.has_value()) {
                return tl::unexpected(opened.error());
            }
            ports_.push_back(std::move(*opened));
        }
        if (rte_eth_add_rx_callback(ports_[kIngress]->ethdev(), 0, fill_frames, &generator_) ==
            nullptr) {
            return tl::unexpected(std::string("this DPDK has no rx callbacks"));
        }
        return {};
    }

    tl::expected<void, std::string> fill_table() {
        routing::FibOptions table;
        table.name = "bench";
        table.capacity = options_.agents + 1;
        table.key = routing::KeyHash::random_key();
        auto made = routing::Fib::create(table, grace_);
        if (!made.has_value()) {
            return tl::unexpected(made.error());
        }
        fib_ = std::move(*made);
        for (std::uint32_t i = 0; i <= options_.agents; ++i) {
            routing::FibEntry entry;
            entry.agent = agent_id(i);
            entry.endpoint.port = i == options_.agents ? kIngress : kEgress;
            entry.endpoint.ip = i == options_.agents ? ipv4(0, 9) : ipv4(1, 9);
            entry.endpoint.mac = mac(9);
            entry.endpoint.udp_port = 5'000;
            if (!fib_->set(entry, 0)) {
                return tl::unexpected("the table refused agent " + std::to_string(i));
            }
        }
        return {};
    }

    tl::expected<void, std::string> start() {
        auto world = std::make_unique<World>();
        for (std::uint8_t i = 0; i < kPorts; ++i) {
            dataplane::PortView view;
            view.ethdev = ports_[i]->ethdev();
            view.up = true;
            view.rules.mac = mac(1);
            view.rules.edge = i == kEgress || options_.ingress == "edge";
            view.role = view.rules.edge ? dataplane::Role::edge : dataplane::Role::fabric;
            view.rules.ipv4_count = 1;
            view.rules.ipv4[0] = ipv4(i, 1);
            world->ports.push_back(view);
        }
        world_ = std::make_unique<routing::Published<World>>(
            grace_, std::unique_ptr<const World>(std::move(world)));
        dataplane::WorkerOptions worker;
        worker.clock = {rte_rdtsc(), rte_get_tsc_hz() / 1'000};
        worker.rx = {{kIngress, 0}};
        worker.tx = {{0, nullptr, true}, {0, nullptr, true}};
        worker.shed = false;
        worker_ = std::make_unique<Worker>(worker, *world_, *fib_, grace_);
        grace_.online(0);
        return {};
    }

    ForwardOptions options_;
    Generator generator_;
    routing::Grace grace_;
    dataplane::Mempool pool_;
    std::vector<std::unique_ptr<dataplane::Port>> ports_;
    std::unique_ptr<routing::Fib> fib_;
    std::unique_ptr<routing::Published<World>> world_;
    std::unique_ptr<Worker> worker_;
};

// Nanoseconds per frame of one repetition.
double repetition(double seconds, const std::function<unsigned()>& turn) {
    const std::uint64_t hz = rte_get_tsc_hz();
    const auto length = static_cast<std::uint64_t>(seconds * static_cast<double>(hz));
    const std::uint64_t start = rte_rdtsc();
    std::uint64_t frames = 0;
    std::uint64_t now = start;
    while (now - start < length) {
        for (unsigned i = 0; i < kTurnsPerClockRead; ++i) {
            frames += turn();
        }
        now = rte_rdtsc();
    }
    return static_cast<double>(now - start) * 1e9 / static_cast<double>(hz) /
           static_cast<double>(frames);
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

std::string table_of(const ForwardOptions& options, double whole, double io) {
    std::array<char, 512> text;
    std::snprintf(text.data(),
                  text.size(),
                  "forward: %u agents, %s ingress, %u byte payload, medians of %u x %.2f s%s\n"
                  "  whole router            %7.1f ns/frame  %7.2f Mframes/s\n"
                  "  receive, write, send    %7.1f ns/frame  %7.2f Mframes/s\n"
                  "  router's own share      %7.1f ns/frame\n",
                  options.agents,
                  options.ingress.c_str(),
                  options.payload,
                  options.repeat,
                  options.seconds,
                  options.hugepages ? ", hugepages" : "",
                  whole,
                  1e3 / whole,
                  io,
                  1e3 / io,
                  whole - io);
    return text.data();
}

std::string json_of(const ForwardOptions& options, double whole, double io) {
    std::array<char, 512> text;
    std::snprintf(text.data(),
                  text.size(),
                  "{\"agents\":%u,\"ingress\":\"%s\",\"payload_bytes\":%u,\"repeat\":%u,"
                  "\"hugepages\":%s,\"router_ns_per_frame\":%.2f,\"io_ns_per_frame\":%.2f,"
                  "\"router_mframes_per_s\":%.3f,\"io_mframes_per_s\":%.3f}\n",
                  options.agents,
                  options.ingress.c_str(),
                  options.payload,
                  options.repeat,
                  options.hugepages ? "true" : "false",
                  whole,
                  io,
                  1e3 / whole,
                  1e3 / io);
    return text.data();
}

}  // namespace

tl::expected<std::string, std::string> run_forward(const ForwardOptions& options) {
    if (auto started = start_eal(options); !started.has_value()) {
        return tl::unexpected(started.error());
    }
    auto rig = Rig::open(options);
    if (!rig.has_value()) {
        return tl::unexpected(rig.error());
    }
    std::vector<double> whole;
    std::vector<double> io;
    for (unsigned i = 0; i < options.repeat; ++i) {  // in turn, so that both meet the same noise
        whole.push_back(repetition(options.seconds, [&rig] { return (*rig)->forward(); }));
        io.push_back(repetition(options.seconds, [&rig] { return (*rig)->pass(); }));
        std::fprintf(stderr, "forward: repetition %u of %u\n", i + 1, options.repeat);
    }
    if (!(*rig)->sound()) {
        return tl::unexpected(std::string("the router did not forward every frame"));
    }
    rig->reset();
    rte_eal_cleanup();
    return options.json ? json_of(options, median(whole), median(io))
                        : table_of(options, median(whole), median(io));
}

}  // namespace posthaste::tools
