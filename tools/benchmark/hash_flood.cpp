// SPDX-License-Identifier: BSD-3-Clause
#include <rte_hash.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "routing/fib.h"
#include "routing/grace.h"
#include "tools/benchmark/crc_colliding_ids.h"
#include "tools/benchmark/hash_bench.h"
#include "tools/benchmark/time_turns.h"

namespace posthaste::tools {

namespace {

constexpr std::size_t kBatch = 64;

using routing::AgentId;
using routing::Fib;
using routing::FibEntry;

constexpr std::size_t kIds = 10'000;

// A table, and its ids in the order in which they are asked for.
struct Flooded {
    std::vector<AgentId> ids;
    std::unique_ptr<Fib> fib;
    std::vector<const AgentId*> order;
    std::size_t taken = 0;
};

std::vector<AgentId> random_ids() {
    std::mt19937_64 random(2);
    std::vector<AgentId> ids(kIds);
    for (AgentId& id : ids) {
        std::ranges::generate(id.bytes, [&random] { return static_cast<std::uint8_t>(random()); });
    }
    return ids;
}

Flooded table_of(std::vector<AgentId> ids,
                 const routing::KeyHash::Key& key,
                 routing::Grace& grace) {
    Flooded made{std::move(ids), nullptr, {}, 0};
    auto fib = Fib::create({.name = "flood", .capacity = kIds, .key = key}, grace);
    if (!fib.has_value()) {
        return made;
    }
    made.fib = std::move(*fib);
    for (const AgentId& id : made.ids) {
        FibEntry entry;
        entry.agent = id;
        made.taken += made.fib->set(entry, 0) ? 1 : 0;
        made.order.push_back(&id);
    }
    std::ranges::shuffle(made.order, std::mt19937_64(3));
    return made;
}

double time_lookups(const Flooded& table, double seconds) {
    constexpr std::size_t kWhole = kIds / kBatch * kBatch;
    return time_turns(seconds, [&table] {
        std::array<const FibEntry*, kBatch> found;
        for (std::size_t first = 0; first < kWhole; first += kBatch) {
            table.fib->lookup(std::span(table.order).subspan(first, kBatch), found.data());
            asm volatile("" : : "r"(found.data()) : "memory");
        }
        return kWhole;
    });
}

std::size_t taken_by_rte_hash(const std::vector<AgentId>& ids) {
    rte_hash_parameters parameters = {};
    parameters.name = "default hash";
    parameters.entries = 2 * kIds;
    parameters.key_len = sizeof(AgentId);
    parameters.socket_id = SOCKET_ID_ANY;
    const std::unique_ptr<rte_hash, decltype(&rte_hash_free)> table(rte_hash_create(&parameters),
                                                                    rte_hash_free);
    if (table == nullptr) {
        return 0;
    }
    return static_cast<std::size_t>(std::ranges::count_if(
        ids, [&table](const AgentId& id) { return rte_hash_add_key(table.get(), &id) >= 0; }));
}

}  // namespace

tl::expected<void, std::string> add_flood(const HashOptions& options, Report& report) {
    routing::Grace grace(1);
    const auto key = routing::KeyHash::random_key();
    const Flooded random = table_of(random_ids(), key, grace);
    const Flooded colliding = table_of(crc_colliding_ids(kIds, 1), key, grace);
    if (random.fib == nullptr || colliding.fib == nullptr) {
        return tl::unexpected(std::string("no memory for two tables of 10000 routes"));
    }
    Row random_row{"lookup_random", "lookup, 10000 random ids", {}};
    Row colliding_row{"lookup_colliding", "lookup, 10000 that collide by CRC", {}};
    for (unsigned turn = 0; turn <= options.repeat; ++turn) {
        const double random_ns = time_lookups(random, options.seconds);
        const double colliding_ns = time_lookups(colliding, options.seconds);
        if (turn > 0) {  // the first warms up
            random_row.ns.push_back(random_ns);
            colliding_row.ns.push_back(colliding_ns);
        }
    }
    report.ratios.push_back({"colliding_to_random",
                             "cost: lookup of colliding ids to random ids",
                             median_ratio(colliding_row, random_row),
                             1.1,
                             true});
    report.rows.push_back(std::move(random_row));
    report.rows.push_back(std::move(colliding_row));
    const std::size_t by_crc = taken_by_rte_hash(colliding.ids);
    report.notes.push_back("of the colliding ids the router's table took " +
                           std::to_string(colliding.taken) +
                           ", and rte_hash with its default hash " + std::to_string(by_crc));
    report.more["colliding_taken"] = {{"router", colliding.taken}, {"rte_hash", by_crc}};
    return {};
}

}  // namespace posthaste::tools
