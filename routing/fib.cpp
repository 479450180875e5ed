// SPDX-License-Identifier: BSD-3-Clause
#include "routing/fib.h"

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <numeric>

#include "routing/check.h"
#include "routing/thread_sanitizer.h"

namespace posthaste::routing {

namespace {

// rte_hash compares `hits == (1 << keys) - 1` to see that a bulk found everything; with 64 keys
// the shift wraps and a bulk that found nothing is taken for complete, without the check that no
// key moved meanwhile. So 64 are looked up as two bulks.
constexpr std::size_t kBulkMax = 32;

// Entries beyond the capacity: a sixteenth, at least this many. See Fib::set().
constexpr std::uint32_t kSlackMin = 1024;

// rte_hash rounds the buckets up to a power of two. In tables of 1 k to 1 M places the first
// refusal came at a load of .976 or later, and none in 18 M exchanges at this one; above it the
// buckets are doubled. Small tables have so much slack that they stay below half.
constexpr double kLoadMax = 0.85;

// Ids are 16 bytes; rte_hash would compute CRC where no hash is passed in, but each call here
// passes one. This refuses to be called.
std::uint32_t no_hash(const void*, std::uint32_t, std::uint32_t) {
    std::abort();
}

// What rte_hash 22.11 allocates: per key slot the key and its data pointer, aligned; per place a
// share of a bucket of eight; a ring of free slots and the defer queue (token and slot), both of
// a power of two; and its own structures with the headers of all of these.
constexpr std::size_t kKeySlotBytes = 32;
constexpr std::size_t kPlaceBytes = 8;
constexpr std::size_t kFreeSlotBytes = 4;
constexpr std::size_t kDeferredBytes = 16;
constexpr std::size_t kFixedBytes = 16 * 1024;

std::uint32_t slack_for(std::uint32_t capacity) {
    return std::max(kSlackMin, capacity / 16);
}

std::uint32_t hash_entries_for(std::uint32_t capacity) {
    const std::uint32_t keys = capacity + slack_for(capacity);
    const std::uint32_t places = std::bit_ceil(keys);
    return capacity > kLoadMax * places ? places + 1 : keys;
}

std::size_t heap_allocated() {
    std::size_t bytes = 0;
    for (int socket = 0; socket < RTE_MAX_NUMA_NODES; ++socket) {
        rte_malloc_socket_stats stats;
        if (rte_malloc_get_socket_stats(socket, &stats) == 0) {
            bytes += stats.heap_allocsz_bytes;
        }
    }
    return bytes;
}

std::string internal_name(const std::string& name) {
    static std::atomic<std::uint32_t> number = 0;  // rte_hash wants names nobody else has
    return name.substr(0, 8) + '.' + std::to_string(number.fetch_add(1) % 1'000'000);
}

// The entry was filled before rte_hash published its address, with release and acquire inside
// librte_hash. ThreadSanitizer does not see those, but it sees the pair of these two. Otherwise
// the second only fetches the entry, which is wanted next.
void release_entry(FibEntry& entry, std::uint32_t index) noexcept {
    std::atomic_ref<std::uint32_t>(entry.index).store(index, std::memory_order_release);
}

void acquire_entry(const FibEntry* entry) noexcept {
    if constexpr (kUnderThreadSanitizer) {
        std::atomic_ref<std::uint32_t> index(const_cast<FibEntry*>(entry)->index);
        static_cast<void>(index.load(std::memory_order_acquire));
    } else {
        rte_prefetch0(entry);
    }
}

}  // namespace

Fib::Fib(const FibOptions& options, Grace& grace)
    : grace_(grace),
      key_hash_(options.key),
      capacity_(options.capacity),
      entry_count_(options.capacity + slack_for(options.capacity)) {}

tl::expected<std::unique_ptr<Fib>, std::string> Fib::create(const FibOptions& options,
                                                            Grace& grace) {
    const std::string what = "table " + options.name + ": ";
    if (options.capacity == 0 || options.capacity > kCapacityMax) {
        return tl::unexpected(what + "capacity " + std::to_string(options.capacity) +
                              " is not in 1.." + std::to_string(kCapacityMax));
    }
    const std::size_t before = heap_allocated();
    std::unique_ptr<Fib> fib(new Fib(options, grace));
    if (!fib->allocate(options) || !fib->add_hash(options)) {
        return tl::unexpected(what + "no memory for " + std::to_string(options.capacity) +
                              " routes (" + rte_strerror(rte_errno) + ")");
    }
    fib->heap_bytes_ = heap_allocated() - before;
    return fib;
}

bool Fib::allocate(const FibOptions& options) {
    const std::string name = options.name;
    entries_ = static_cast<FibEntry*>(rte_zmalloc_socket(
        name.c_str(), sizeof(FibEntry) * entry_count_, alignof(FibEntry), options.socket));
    last_heard_ = static_cast<std::uint32_t*>(rte_zmalloc_socket(
        name.c_str(), sizeof(std::uint32_t) * entry_count_, RTE_CACHE_LINE_SIZE, options.socket));
    if (entries_ == nullptr || last_heard_ == nullptr) {
        rte_errno = ENOMEM;
        return false;
    }
    // Backwards, so that the first taken are the first in memory.
    free_entries_.resize(entry_count_);
    std::iota(free_entries_.rbegin(), free_entries_.rend(), 0U);
    free_cells_ = free_entries_;
    return true;
}

bool Fib::add_hash(const FibOptions& options) {
    const std::string name = internal_name(options.name);
    rte_hash_parameters parameters{};
    parameters.name = name.c_str();
    parameters.entries = hash_entries_for(capacity_);
    parameters.key_len = sizeof(AgentId);
    parameters.hash_func = no_hash;
    parameters.socket_id = options.socket;
    parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
    hash_ = rte_hash_create(&parameters);
    if (hash_ == nullptr) {
        return false;
    }
    // The defer queue holds as many as there are keys (size 0), so no removal finds it full.
    rte_hash_rcu_config reclaim{};
    reclaim.v = grace_.qsbr();
    reclaim.mode = RTE_HASH_QSBR_MODE_DQ;
    return rte_hash_rcu_qsbr_add(hash_, &reclaim) == 0;
}

Fib::~Fib() {
    rte_hash_free(hash_);
    rte_free(last_heard_);
    rte_free(entries_);
}

std::uint32_t Fib::signature(const AgentId& agent) const noexcept {
    return static_cast<std::uint32_t>(key_hash_.hash(agent));
}

bool Fib::set(const FibEntry& entry, std::uint32_t last_heard_ms) {
    const std::uint32_t hash = signature(entry.agent);
    const FibEntry* const old = find(entry.agent, hash);
    if (old == nullptr && count_ == capacity_) {
        return false;
    }
    if (free_entries_.empty() || (old == nullptr && free_cells_.empty())) {
        reclaim();
        if (free_entries_.empty() || (old == nullptr && free_cells_.empty())) {
            return false;
        }
    }
    const std::uint32_t index = free_entries_.back();
    const std::uint32_t cell = old != nullptr ? old->cell : free_cells_.back();
    FibEntry& slot = entries_[index];
    slot = entry;
    slot.cell = cell;
    release_entry(slot, index);

    const bool stays = old != nullptr && old->kind == RouteKind::local && old->kind == slot.kind;
    seed_cell(cell, last_heard_ms, stays);
    if (rte_hash_add_key_with_hash_data(hash_, &slot.agent, hash, &slot) != 0) {
        return false;  // neither list was popped; for a replacement this cannot happen
    }
    free_entries_.pop_back();
    if (old != nullptr) {
        retire(*old, kNoCell);
    } else {
        free_cells_.pop_back();
        ++count_;
    }
    return true;
}

// A local agent that stays local keeps what an lcore heard later than the writer knows.
void Fib::seed_cell(std::uint32_t cell, std::uint32_t last_heard_ms, bool keep_later) noexcept {
    std::atomic_ref<std::uint32_t> heard(last_heard_[cell]);
    std::uint32_t seen = heard.load(std::memory_order_relaxed);
    while ((!keep_later || static_cast<std::int32_t>(last_heard_ms - seen) > 0) &&
           !heard.compare_exchange_weak(seen, last_heard_ms, std::memory_order_relaxed)) {
    }
}

bool Fib::remove(const AgentId& agent) {
    const std::uint32_t hash = signature(agent);
    const FibEntry* const old = find(agent, hash);
    if (old == nullptr) {
        return false;
    }
    rte_hash_del_key_with_hash(hash_, &agent, hash);
    retire(*old, old->cell);
    --count_;
    return true;
}

void Fib::retire(const FibEntry& entry, std::uint32_t cell) {
    retired_.push_back({grace_.start(), entry.index, cell});
}

void Fib::reclaim() {
    while (!retired_.empty() && grace_.elapsed(retired_.front().token)) {
        free_entries_.push_back(retired_.front().index);
        if (retired_.front().cell != kNoCell) {
            free_cells_.push_back(retired_.front().cell);
        }
        retired_.pop_front();
    }
}

const FibEntry* Fib::find(const AgentId& agent) const noexcept {
    return find(agent, signature(agent));
}

const FibEntry* Fib::find(const AgentId& agent, std::uint32_t hash) const noexcept {
    void* data = nullptr;
    const int position = rte_hash_lookup_with_hash_data(hash_, &agent, hash, &data);
    return position >= 0 ? static_cast<const FibEntry*>(data) : nullptr;
}

std::size_t Fib::planned_heap_bytes(std::uint32_t capacity) noexcept {
    const std::size_t entries = std::size_t{capacity} + slack_for(capacity);
    const std::size_t keys = hash_entries_for(capacity);
    return entries * (sizeof(FibEntry) + sizeof(std::uint32_t)) + (keys + 1) * kKeySlotBytes +
           std::bit_ceil(keys) * kPlaceBytes + std::bit_ceil(keys + 1) * kFreeSlotBytes +
           std::bit_ceil(keys + 2) * kDeferredBytes + kFixedBytes;
}

std::size_t Fib::memory_bytes() const noexcept {
    const std::size_t lists = free_entries_.capacity() + free_cells_.capacity();
    return sizeof *this + heap_bytes_ + lists * sizeof(std::uint32_t) +
           retired_.size() * sizeof(Retired);
}

void Fib::lookup(std::span<const AgentId* const> agents, const FibEntry** found) const noexcept {
    DCHECK(agents.size() <= kLookupMax);
    std::array<std::uint64_t, kLookupMax> hashes;
    std::array<std::uint32_t, kLookupMax> signatures;
    key_hash_.hash_bulk(agents, hashes.data());
    for (std::size_t i = 0; i < agents.size(); ++i) {
        signatures[i] = static_cast<std::uint32_t>(hashes[i]);
        found[i] = nullptr;
    }
    for (std::size_t first = 0; first < agents.size(); first += kBulkMax) {
        const std::size_t count = std::min(kBulkMax, agents.size() - first);
        auto** const keys =
            const_cast<const void**>(reinterpret_cast<const void* const*>(agents.data() + first));
        auto** const data = reinterpret_cast<void**>(const_cast<FibEntry**>(found + first));
        std::uint64_t hits = 0;  // misses leave found[] as it is
        rte_hash_lookup_with_hash_bulk_data(
            hash_, keys, signatures.data() + first, static_cast<std::uint32_t>(count), &hits, data);
    }
    for (std::size_t i = 0; i < agents.size(); ++i) {
        if (found[i] != nullptr) {
            acquire_entry(found[i]);
        }
    }
}

void Fib::touch(const FibEntry& entry, std::uint32_t now_ms) noexcept {
    std::atomic_ref<std::uint32_t> heard(last_heard_[entry.cell]);
    if (heard.load(std::memory_order_relaxed) != now_ms) {
        heard.store(now_ms, std::memory_order_relaxed);
    }
}

std::uint32_t Fib::last_heard_ms(const FibEntry& entry) const noexcept {
    return std::atomic_ref<std::uint32_t>(last_heard_[entry.cell]).load(std::memory_order_relaxed);
}

}  // namespace posthaste::routing
