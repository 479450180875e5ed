// SPDX-License-Identifier: BSD-3-Clause
// Rig: one router without its control thread, in this process: two ports, a table, a worker, and
// a generator of what comes in. The forwarding benchmarks turn it.
//
// The ports are net_null, filled by the generator; then all is for the thread that opened it. Or
// they are rings: then the worker may run on another lcore than whoever fills and empties them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/pool.h"
#include "dataplane/port.h"
#include "dataplane/worker.h"
#include "dataplane/world.h"
#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/published.h"
#include "tools/benchmark/bare_pipeline.h"
#include "tools/benchmark/generator.h"
#include "tools/benchmark/ring_port.h"

namespace posthaste::tools {

struct RigOptions {
    std::uint32_t agents = 1'000'000;
    Stream stream = Stream::uniform;
    unsigned payload = 0;
    bool edge = true;  // what comes in; else from another router
    bool checksum = true;
    double malformed = 0;  // percent
    double unknown = 0;    // percent
    bool rings = false;    // else net_null
    // Not agent: there are frames to capabilities as well, each with so many of the agents.
    routing::Addressing addressing = routing::Addressing::agent;
    routing::Strategy strategy = routing::Strategy::sticky;
    std::uint32_t capabilities = 1'000;
    std::uint32_t providers = 1'000;
    std::uint32_t conversations = 30'000;  // that go on, with any of them
    std::uint32_t remembered = 131'072;    // by the worker
    std::uint32_t cache = 0;  // there is a worker with a cache with room for so many agents; 0: not
    // Frames to names that only patterns match as well: as many, with as many providers.
    bool matched_names = false;

    // Entries in the table that are no agents'.
    [[nodiscard]] std::uint32_t capability_entries() const noexcept {
        return matched_names ? 2 * capabilities : capabilities;
    }
};

// Frames to capabilities: how these are offered; whether the frames say the names, as those must
// that a pattern is to match; and whether each begins a conversation.
enum class Naming : std::uint8_t { offered, offered_anew, matched, offered_said, matched_said };
inline constexpr std::array kNamingNames = {
    "offered", "offered_anew", "matched", "offered_said", "matched_said"};
inline constexpr std::size_t kNamings = kNamingNames.size();

// Of that cache: a power of two, and not fewer than there are agents.
[[nodiscard]] std::uint32_t cache_lines_for(std::uint32_t agents) noexcept;

// Starts EAL for rigs of so many agents, its main thread on `core`.
struct EalOptions {
    std::uint32_t agents = 0;
    unsigned core = 0;
    bool hugepages = false;
    std::uint32_t capabilities = 0;
    std::optional<unsigned> second_core = std::nullopt;  // of lcore 1; not set: there is none
    std::uint32_t cache = 0;                             // as in RigOptions
};

[[nodiscard]] tl::expected<void, std::string> start_eal(const EalOptions& options);

class Rig {
  public:
    static constexpr std::uint16_t kIngress = 0;
    static constexpr std::uint16_t kEgress = 1;
    static constexpr std::uint32_t kMbufs = 8'191;

    [[nodiscard]] static tl::expected<std::unique_ptr<Rig>, std::string> open(
        const RigOptions& options);
    ~Rig();
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    // Receive (the header is written on the way) and send, nothing in between. Gives frames.
    unsigned pass() noexcept;

    // The whole worker, for `cycles` of the TSC.
    struct Turned {
        std::uint64_t frames = 0;
        std::uint64_t cycles = 0;
    };

    [[nodiscard]] Turned forward(std::uint64_t cycles) noexcept;
    // The same of frames to capabilities; the frames are those sent.
    [[nodiscard]] Turned forward_to_capabilities(std::uint64_t cycles,
                                                 Naming naming = Naming::offered) noexcept;
    // The same with rte_hash alone to look agents up.
    [[nodiscard]] Turned forward_by_hash(std::uint64_t cycles) noexcept;
    // Both with a route cache. settle_cached(): until it is known whether that pays.
    [[nodiscard]] Turned forward_cached(std::uint64_t cycles) noexcept;
    [[nodiscard]] Turned forward_cached_by_hash(std::uint64_t cycles) noexcept;
    void settle_cached() noexcept;
    // The same without lookups: constant answers.
    [[nodiscard]] Turned forward_bare(std::uint64_t cycles) noexcept;
    [[nodiscard]] Turned pass_for(std::uint64_t cycles) noexcept;
    // The generator alone, into the same few mbufs.
    [[nodiscard]] Turned generate(std::uint64_t cycles) noexcept;

    // Every frame the worker received was sent, punted or dropped, and dropped for what the
    // generator did to it; every mbuf is back. Ends the rig: only its destructor may follow.
    [[nodiscard]] tl::expected<void, std::string> close();

    [[nodiscard]] const dataplane::WorkerCounters& counters() const noexcept {
        return whole_.worker->counters();
    }

    [[nodiscard]] const dataplane::WorkerCounters& capability_counters(
        Naming naming = Naming::offered) const noexcept {
        return to_capabilities_[static_cast<std::size_t>(naming)].worker->counters();
    }

    [[nodiscard]] const dataplane::Worker& cached() const noexcept { return *cached_.worker; }

    [[nodiscard]] const dataplane::Worker& cached_by_hash() const noexcept {
        return *cached_by_hash_.worker;
    }

    // With rings.
    [[nodiscard]] Generator& generator() noexcept { return generator_; }

    [[nodiscard]] dataplane::Worker& worker() noexcept { return *whole_.worker; }

    [[nodiscard]] rte_mempool* pool() noexcept { return pool_.get(); }

    [[nodiscard]] rte_ring* towards() const noexcept { return rings_[kIngress]->towards(); }

    [[nodiscard]] rte_ring* away() const noexcept { return rings_[kEgress]->away(); }

    [[nodiscard]] routing::Fib& fib() noexcept { return *fib_; }

    [[nodiscard]] unsigned frame_bytes() const noexcept { return generator_.frame_bytes(); }

    // The route the table has for agent `number`.
    [[nodiscard]] routing::FibEntry route(std::uint32_t number) const noexcept;

  private:
    // A worker, and what it was given.
    struct Subject {
        std::unique_ptr<dataplane::Worker> worker;
        std::uint64_t frames = 0;
        std::array<std::uint64_t, routing::kDropCount> faulty{};
    };

    explicit Rig(const RigOptions& options);
    tl::expected<void, std::string> open_ports();
    tl::expected<void, std::string> open_rings();
    tl::expected<void, std::string> fill_table();
    tl::expected<void, std::string> fill_capabilities();
    tl::expected<void, std::string> start();
    [[nodiscard]] std::vector<Subject*> subjects();
    [[nodiscard]] static bool conserved(const dataplane::PortCounters& in) noexcept;
    [[nodiscard]] Turned forward(Subject& subject,
                                 Generator& generator,
                                 std::uint64_t cycles) noexcept;
    [[nodiscard]] static tl::expected<void, std::string> check(const Subject& subject);

    RigOptions options_;
    Generator generator_;
    std::array<std::unique_ptr<Generator>, kNamings> capability_generators_;  // by Naming
    Generator* filling_ = nullptr;  // the one of them whose frames come in
    routing::Grace grace_;
    dataplane::Mempool pool_;
    std::vector<std::unique_ptr<dataplane::Port>> ports_;
    std::vector<std::unique_ptr<RingPort>> rings_;
    std::unique_ptr<routing::Fib> fib_;
    std::unique_ptr<routing::ProviderSets> sets_;
    std::unique_ptr<routing::Published<dataplane::World>> world_;
    Subject whole_;
    Subject by_hash_;                                // resolves by rte_hash alone
    std::array<Subject, kNamings> to_capabilities_;  // by Naming; those that have a generator
    Subject cached_;                                 // these two if there is a cache
    Subject cached_by_hash_;
    std::unique_ptr<BarePipeline> bare_;
};

}  // namespace posthaste::tools
