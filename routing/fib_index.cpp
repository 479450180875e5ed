// SPDX-License-Identifier: BSD-3-Clause
#include "routing/fib_index.h"

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>

#include "routing/check.h"
#include "routing/fib.h"

namespace posthaste::routing {

namespace {

// rte_hash compares `hits == (1 << keys) - 1` to see that a bulk found everything; with 64 keys
// the shift wraps and a bulk that found nothing is taken for complete, without the check that no
// key moved meanwhile. So 64 are looked up as two bulks.
constexpr std::size_t kBulkMax = 32;

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
constexpr std::size_t kFixedBytes = 4 * 1024;

std::uint32_t hash_entries_for(std::uint32_t capacity) {
    const std::uint32_t keys = capacity + Fib::slack_for(capacity);
    const std::uint32_t places = std::bit_ceil(keys);
    return capacity > kLoadMax * places ? places + 1 : keys;
}

std::string internal_name(const std::string& name) {
    static std::atomic<std::uint32_t> number = 0;  // rte_hash wants names nobody else has
    return name.substr(0, 8) + '.' + std::to_string(number.fetch_add(1) % 1'000'000);
}

std::uint32_t signature(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash);
}

}  // namespace

FibIndex::FibIndex(const FibIndexOptions& options, const FibEntry* entries)
    : key_hash_(options.key), entries_(entries), generation_(options.generation) {}

std::unique_ptr<FibIndex> FibIndex::create(const FibIndexOptions& options,
                                           const FibEntry* entries,
                                           Grace& grace) {
    std::unique_ptr<FibIndex> index(new FibIndex(options, entries));
    using Version = std::atomic<std::uint32_t>;
    static_assert(sizeof(Version) == sizeof(std::uint32_t));
    index->versions_ = static_cast<Version*>(rte_zmalloc_socket(
        "stripes", sizeof(Version) * options.stripes, RTE_CACHE_LINE_SIZE, options.socket));
    if (index->versions_ == nullptr) {
        rte_errno = ENOMEM;
        return nullptr;
    }
    index->stripes_ =
        std::make_unique<VersionStripes>(std::span(index->versions_, options.stripes));
    if (!index->add_hash(options, grace)) {
        return nullptr;
    }
    if (options.table) {
        index->table_ =
            RouteTable::create(options.capacity, index->key_hash_, grace, options.socket);
        if (index->table_ == nullptr) {
            rte_errno = ENOMEM;
            return nullptr;
        }
    }
    return index;
}

bool FibIndex::add_hash(const FibIndexOptions& options, Grace& grace) {
    const std::string name = internal_name(options.name);
    rte_hash_parameters parameters{};
    parameters.name = name.c_str();
    parameters.entries = hash_entries_for(options.capacity);
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
    reclaim.v = grace.qsbr();
    reclaim.mode = RTE_HASH_QSBR_MODE_DQ;
    return rte_hash_rcu_qsbr_add(hash_, &reclaim) == 0;
}

FibIndex::~FibIndex() {
    rte_hash_free(hash_);
    rte_free(versions_);
}

std::size_t FibIndex::planned_heap_bytes(std::uint32_t capacity,
                                         std::uint32_t stripes,
                                         bool table) noexcept {
    const std::size_t keys = hash_entries_for(capacity);
    return (keys + 1) * kKeySlotBytes + std::bit_ceil(keys) * kPlaceBytes +
           std::bit_ceil(keys + 1) * kFreeSlotBytes + std::bit_ceil(keys + 2) * kDeferredBytes +
           stripes * sizeof(std::uint32_t) +
           (table ? RouteTable::planned_heap_bytes(capacity) : 0) + kFixedBytes;
}

bool FibIndex::put(const FibEntry& entry, std::uint64_t hash, bool known) {
    // rte_hash wants the data without const; it only keeps the pointer.
    auto* const data = const_cast<FibEntry*>(&entry);
    if (rte_hash_add_key_with_hash_data(hash_, &entry.agent, signature(hash), data) != 0) {
        return false;
    }
    if (table_ != nullptr) {
        const auto number = static_cast<std::uint32_t>(&entry - entries_) + 1;
        static_cast<void>(table_->put(entry.agent, hash, number, NextHop::of(entry), known));
    }
    stripes_->bump(hash);
    return true;
}

// rte_hash tells nobody where a key's bucket lies, but looks many of them up at a time.
void FibIndex::prefetch_puts(std::span<const AgentId* const> agents) const noexcept {
    std::array<std::uint64_t, kBulkMax> hashes;
    std::array<std::uint32_t, kBulkMax> numbers;
    for (std::size_t first = 0; first < agents.size(); first += kBulkMax) {
        const auto some = agents.subspan(first, std::min(kBulkMax, agents.size() - first));
        key_hash_.hash_bulk(some, hashes.data());
        for (std::size_t i = 0; i < some.size(); ++i) {
            if (table_ != nullptr) {
                table_->prefetch_put(hashes[i]);
            }
            stripes_->prefetch(hashes[i]);
        }
        lookup_authority(some, hashes.data(), RouteTable::Hashes::given, numbers.data());
    }
}

void FibIndex::remove(const AgentId& agent) {
    const std::uint64_t hash = key_hash_.hash(agent);
    if (table_ != nullptr) {
        table_->remove(agent, hash);
    }
    rte_hash_del_key_with_hash(hash_, &agent, signature(hash));
    stripes_->bump(hash);
}

void FibIndex::reclaim() {
    if (table_ != nullptr) {
        table_->reclaim();
    }
}

std::uint32_t FibIndex::spilled_count() const noexcept {
    return table_ != nullptr ? table_->spilled_count() : 0;
}

double FibIndex::spilled_by_chance() const noexcept {
    return table_ != nullptr ? table_->spilled_by_chance() : 0;
}

const FibEntry* FibIndex::find(const AgentId& agent) const noexcept {
    return find(agent, key_hash_.hash(agent));
}

const FibEntry* FibIndex::find(const AgentId& agent, std::uint64_t hash) const noexcept {
    void* data = nullptr;
    const int position = rte_hash_lookup_with_hash_data(hash_, &agent, signature(hash), &data);
    return position >= 0 ? static_cast<const FibEntry*>(data) : nullptr;
}

void FibIndex::lookup(std::span<const AgentId* const> agents,
                      std::uint64_t* hashes,
                      RouteTable::Hashes are,
                      RouteTable::Mostly mostly,
                      std::uint32_t* numbers,
                      NextHop* hops) const noexcept {
    if (table_ == nullptr) {
        lookup_authority(agents, hashes, are, numbers);
        if (hops != nullptr) {
            std::fill_n(hops, agents.size(), NextHop::elsewhere());
        }
        return;
    }
    if (table_->lookup(agents, hashes, are, mostly, numbers, hops) == 0) [[likely]] {
        return;
    }
    for (std::size_t i = 0; i < agents.size(); ++i) {
        if (numbers[i] == RouteTable::kAskAuthority) {
            numbers[i] = number_of(find(*agents[i], hashes[i]));
        }
    }
}

std::uint32_t FibIndex::lookup_one(const AgentId& agent, std::uint64_t hash) const noexcept {
    if (table_ != nullptr) {
        const std::uint32_t number = table_->lookup_one(agent, hash);
        if (number != RouteTable::kAskAuthority) [[likely]] {
            return number;
        }
    }
    return number_of(find(agent, hash));
}

std::uint32_t FibIndex::number_of(const FibEntry* entry) const noexcept {
    return entry == nullptr ? 0 : static_cast<std::uint32_t>(entry - entries_) + 1;
}

void FibIndex::lookup_authority(std::span<const AgentId* const> agents,
                                std::uint64_t* hashes,
                                RouteTable::Hashes are,
                                std::uint32_t* numbers) const noexcept {
    if (are == RouteTable::Hashes::wanted) {
        key_hash_.hash_bulk(agents, hashes);
    }
    for (std::size_t first = 0; first < agents.size(); first += kBulkMax) {
        const std::size_t count = std::min(kBulkMax, agents.size() - first);
        std::array<std::uint32_t, kBulkMax> signatures;
        std::array<void*, kBulkMax> data;
        for (std::size_t i = 0; i < count; ++i) {
            signatures[i] = signature(hashes[first + i]);
        }
        auto** const keys =
            const_cast<const void**>(reinterpret_cast<const void* const*>(agents.data() + first));
        std::uint64_t hits = 0;
        rte_hash_lookup_with_hash_bulk_data(
            hash_, keys, signatures.data(), static_cast<std::uint32_t>(count), &hits, data.data());
        for (std::size_t i = 0; i < count; ++i) {
            const auto* const entry = static_cast<const FibEntry*>(data[i]);
            numbers[first + i] =
                (hits >> i & 1) != 0 ? static_cast<std::uint32_t>(entry - entries_) + 1 : 0;
        }
    }
}

}  // namespace posthaste::routing
