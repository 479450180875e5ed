// SPDX-License-Identifier: BSD-3-Clause
// LiveOperations: what lookups came to, and what the tables take.
#include <rte_cycles.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <utility>

#include "controlplane/eal.h"
#include "controlplane/live_operations.h"
#include "controlplane/lookup_report.h"
#include "controlplane/process_memory.h"
#include "dataplane/pool.h"
#include "routing/memory_estimate.h"

namespace posthaste::controlplane {

namespace {

// Planned beside true; the error is of the plan, null where there is nothing to compare.
Json table_row(const char* name, const Json& planned, const Json& taken) {
    Json error = nullptr;
    if (planned.is_number() && taken.is_number() && taken.get<std::uint64_t>() > 0) {
        const auto truth = taken.get<double>();
        error = static_cast<double>(
                    static_cast<std::int64_t>((planned.get<double>() - truth) / truth * 1'000)) /
                10;
    }
    return {
        {"table", name}, {"planned_bytes", planned}, {"bytes", taken}, {"error_percent", error}};
}

Json with_use(Json row, std::uint64_t used, std::uint64_t capacity) {
    row["used"] = used;
    row["capacity"] = capacity;
    return row;
}

Json pool_row(const char* name,
              const rte_mempool* pool,
              std::uint64_t planned,
              std::uint64_t taken) {
    Json row = table_row(name, planned, taken);
    const std::uint32_t in_use = dataplane::pool_in_use(pool);
    return {{"pool", name},
            {"planned_bytes", planned},
            {"bytes", taken},
            {"error_percent", row["error_percent"]},
            {"size", pool->size},
            {"in_use", in_use},
            {"available", pool->size - in_use}};
}

// The rings of one kind, of all workers together.
template <typename Ring>
Json ring_row(const Box& box, const char* name, Ring ring) {
    std::uint64_t used = 0;
    std::uint64_t capacity = 0;
    for (const auto& worker : box.workers) {
        used += ring(*worker).size();
        capacity += ring(*worker).capacity();
    }
    return {{"ring", name}, {"used", used}, {"capacity", capacity}};
}

Json ring_rows(const Box& box) {
    using dataplane::PuntClass;
    using dataplane::Worker;
    Json rows = Json::array();
    constexpr std::array<std::pair<const char*, PuntClass>, 4> punts = {{
        {"punted to neighbours", PuntClass::neighbour},
        {"punted registrations", PuntClass::registration},
        {"punted to be held", PuntClass::hold},
        {"punted capabilities", PuntClass::capability},
    }};
    static_assert(punts.size() == dataplane::kPuntClassCount);
    for (const auto& [name, of] : punts) {
        rows.push_back(ring_row(
            box, name, [of = of](Worker & w) -> auto& { return w.punts(of); }));
    }
    rows.push_back(ring_row(
        box, "injected", [](Worker & w) -> auto& { return w.inject(); }));
    rows.push_back(ring_row(
        box, "wanted agents", [](Worker & w) -> auto& { return w.wanted(); }));
    rows.push_back(ring_row(
        box, "route uses", [](Worker & w) -> auto& { return w.uses(); }));
    rows.push_back(ring_row(
        box, "expected agents", [](Worker & w) -> auto& { return w.expected(); }));
    return rows;
}

// What agents bring along: what they offer on average, here and elsewhere, and the names of some.
routing::AgentShape shape_of(const routing::Rib& rib) {
    constexpr std::size_t kLookedAt = 1'000;
    const std::size_t records = std::max<std::size_t>(rib.agents().size() + rib.routes().size(), 1);
    std::size_t bytes = 0;
    std::size_t count = 0;
    for (auto at = rib.agents().begin(); at != rib.agents().end() && count < kLookedAt; ++at) {
        bytes += at->second.registration.name.size();
        ++count;
    }
    return {.name_bytes = bytes / std::max<std::size_t>(count, 1),
            .capabilities = (rib.offers_held() + records / 2) / records};
}

Json conversations_row(const Box& box) {
    std::uint64_t bytes = 0;
    std::uint64_t held = 0;
    std::uint64_t room = 0;
    for (const auto& worker : box.workers) {
        bytes += worker->conversation_bytes();
        held += worker->counters().capability.held.read();
        room += worker->conversations_max();
    }
    return with_use(table_row("conversations", box.plan.conversations, bytes), held, room);
}

Json table_rows(const Box& box, const gossip::claims::ClaimTable* claims) {
    const MemoryPlan& plan = box.plan;
    const auto local = static_cast<std::uint32_t>(box.rib.agents().size());
    const auto remote = static_cast<std::uint32_t>(box.rib.routes().size());
    std::uint64_t caches = 0;
    std::uint64_t caches_on = 0;
    for (const auto& worker : box.workers) {
        caches += worker->cache_bytes() != 0 ? 1 : 0;
        caches_on += worker->lookups().cache_on.read();
    }
    // Few agents are not seen beside everything else that is on the heap.
    constexpr std::uint64_t kSeen = 8 * 1024 * 1024;
    const std::uint64_t records = routing::estimate_rib(local, remote, shape_of(box.rib));
    const std::uint64_t heap = heap_memory().allocated;
    const std::uint64_t sets = box.capabilities->sets().memory_bytes();
    const std::uint64_t patterns = box.patterns->directory().table().bytes();
    const routing::PolicySet* const policies = box.policies.current().get();
    // One scanner a worker and one for operators.
    const std::uint64_t rules =
        policies == nullptr
            ? 0
            : policies->database_bytes() + (box.workers.size() + 1) * policies->scratch_bytes();
    const std::uint64_t claimed = claims == nullptr ? 0 : claims->bytes();
    const std::uint64_t before = box.taken.heap + box.capabilities->sets().allocated_bytes() +
                                 routing::malloc_bytes(box.next_hops->file_routes_bytes()) +
                                 patterns + rules + claimed;
    const std::uint64_t grown = heap > before ? heap - before : 0;
    Json rows = Json::array();
    rows.push_back(
        with_use(table_row("fib", plan.fib, box.taken.fib), box.fib->count(), box.fib->capacity()));
    rows.push_back(
        with_use(table_row("second index", plan.rekey, nullptr), box.fib->rekeying() ? 1 : 0, 1));
    rows.push_back(with_use(
        table_row("route caches", plan.route_caches, box.taken.route_caches), caches_on, caches));
    rows.push_back(
        with_use(table_row("records", records, records >= kSeen ? Json(grown) : Json(nullptr)),
                 box.rib.places(),
                 box.config.agents.agents_max));
    rows.push_back(with_use(table_row("providers",
                                      box.capabilities->sets().planned_bytes(),
                                      sets == 0 ? Json(nullptr) : Json(sets)),
                            box.rib.offers_held(),
                            box.config.capabilities.providers_max));
    rows.push_back(with_use(table_row("capability names", nullptr, nullptr),
                            box.rib.names_held(),
                            box.config.capabilities.names_max));
    rows.push_back(conversations_row(box));
    rows.push_back(with_use(table_row("patterns", nullptr, patterns),
                            box.rib.patterns_held(),
                            box.config.capabilities.patterns_max));
    rows.push_back(with_use(table_row("policy rules", nullptr, rules),
                            policies == nullptr ? 0 : policies->rule_count(),
                            routing::kPolicyRulesMax));
    rows.push_back(with_use(table_row("neighbours", nullptr, nullptr),
                            box.neighbours->count(),
                            box.config.neighbours.neighbours_max));
    rows.push_back(with_use(table_row("held frames", nullptr, nullptr),
                            box.neighbours->held_count(),
                            box.config.neighbours.held_max));
    if (claims != nullptr) {
        constexpr std::uint64_t kChunk = gossip::claims::Chunked<gossip::claims::Slot>::kChunk;
        const std::uint64_t chunks = (claims->used() + kChunk - 1) / kChunk;
        rows.push_back(with_use(table_row("claims", chunks * kChunk * kClaimBytes, claims->bytes()),
                                claims->used(),
                                claims->slots_max()));
    }
    return rows;
}

}  // namespace

Outcome LiveOperations::show_memory() {
    const EalMemory eal = eal_memory();
    const HeapMemory heap = heap_memory();
    Json pools = Json::array();
    pools.push_back(
        pool_row("frames", box_.frame_pool.get(), box_.plan.frame_pool, box_.taken.frame_pool));
    pools.push_back(pool_row(
        "control", box_.control_pool.get(), box_.plan.control_pool, box_.taken.control_pool));
    return Json{{"routes",
                 {{"used", box_.rib.places()},
                  {"capacity", box_.config.agents.agents_max},
                  {"full", box_.table_alarm.raised()},
                  {"times_full", box_.table_alarm.times()},
                  {"retired", box_.fib->retired_count()},
                  {"retired_max", box_.fib->slack_count()},
                  {"spilled", box_.fib->index().spilled_count()},
                  {"rekeying", box_.fib->rekeying()}}},
                {"tables", table_rows(box_, cluster_ ? &cluster_->commands().claims() : nullptr)},
                {"pools", pools},
                {"rings", ring_rows(box_)},
                {"process",
                 {{"resident_bytes", resident_bytes()},
                  {"eal_planned_bytes", box_.plan.total_bytes()},
                  {"eal_bytes", eal.taken},
                  {"eal_total_bytes", eal.total},
                  {"hugepages", box_.config.eal.hugepages},
                  {"heap_planned_bytes", box_.plan.heap},
                  {"heap_allocated_bytes", heap.allocated},
                  {"heap_resident_bytes", heap.resident},
                  {"capability_share_bytes", box_.plan.capability_share}}}};
}

Outcome LiveOperations::show_lookup() {
    const std::uint64_t hz = rte_get_tsc_hz();
    LookupSample all;
    Json rows = Json::array();
    for (const auto& worker : box_.workers) {
        const routing::LookupCounters& counters = worker->lookups();
        LookupSample sample;
        sample.add(counters);
        all.add(counters);
        const char* const cache = worker->cache_bytes() == 0      ? "none"
                                  : counters.cache_on.read() != 0 ? "on"
                                                                  : "off";
        Json row = {{"worker", worker->id()},
                    {"lcore", lcore_of_worker(worker->id())},
                    {"cache", cache},
                    {"cache_bytes", worker->cache_bytes()}};
        row.update(lookup_row(sample, hz));
        rows.push_back(std::move(row));
    }
    return Json{{"table", box_.config.lookup.table},
                {"stripes", box_.fib->index().stripes().count()},
                {"workers", std::move(rows)},
                {"all", lookup_row(all, hz)},
                {"outcomes", outcome_rows(all)},
                {"batches", batch_rows(all)}};
}

}  // namespace posthaste::controlplane
