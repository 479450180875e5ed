// SPDX-License-Identifier: BSD-3-Clause
#include "routing/fib.h"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

// Entries beyond the capacity: a sixteenth, at least this many. See Fib::set().
constexpr std::uint32_t kSlackMin = 1024;

// Ids of one lookup that are in hand at a time.
constexpr std::size_t kChunk = 128;

// One version for four routes; more would only cost memory, fewer would let caches forget more
// than what changed.
constexpr std::uint32_t kStripesMin = 1U << 10;
constexpr std::uint32_t kStripesMax = 1U << 20;
constexpr std::uint32_t kChangeStripesMax = 1U << 15;

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

// Beside each entry: when the agent was heard, whose cell it is, how busy the agent is.
constexpr std::size_t kCellArrays = 3;

// What DPDK's heap adds to a piece of it.
constexpr std::size_t kPieceBytes = 128;

// The entry was filled before the index published its place, with release and acquire, inside
// librte_hash for some. ThreadSanitizer does not see those, but it sees this and Fib::entry().
void release_entry(FibEntry& entry, std::uint32_t version) noexcept {
    std::atomic_ref<std::uint32_t>(entry.version).store(version, std::memory_order_release);
}

}  // namespace

std::uint32_t Fib::slack_for(std::uint32_t capacity) noexcept {
    return std::max(kSlackMin, capacity / 16);
}

std::uint32_t Fib::stripes_for(std::uint32_t capacity) noexcept {
    return std::clamp(std::bit_ceil(capacity / 4), kStripesMin, kStripesMax);
}

// So few that they stay in the cache; a change of one entry is taken for one of 64, or of more.
std::uint32_t Fib::change_stripes_for(std::uint32_t entries) noexcept {
    constexpr std::uint32_t kShare = 64;
    return std::clamp(std::bit_floor(entries / kShare), kStripesMin, kChangeStripesMax);
}

Fib::Fib(const FibOptions& options, Grace& grace)
    : options_(options),
      grace_(grace),
      capacity_(options.capacity),
      entry_count_(options.capacity + slack_for(options.capacity)) {
    if (options_.stripes == 0) {
        options_.stripes = stripes_for(capacity_);
    }
}

tl::expected<std::unique_ptr<Fib>, std::string> Fib::create(const FibOptions& options,
                                                            Grace& grace) {
    const std::string what = "table " + options.name + ": ";
    if (options.capacity == 0 || options.capacity > kCapacityMax) {
        return tl::unexpected(what + "capacity " + std::to_string(options.capacity) +
                              " is not in 1.." + std::to_string(kCapacityMax));
    }
    const std::size_t before = heap_allocated();
    std::unique_ptr<Fib> fib(new Fib(options, grace));
    if (fib->allocate()) {
        fib->owned_index_ = fib->make_index(options.key);
    }
    if (fib->owned_index_ == nullptr) {
        return tl::unexpected(what + "no memory for " + std::to_string(options.capacity) +
                              " routes (" + rte_strerror(rte_errno) + ")");
    }
    fib->index_.store(fib->owned_index_.get(), std::memory_order_release);
    fib->heap_bytes_ = heap_allocated() - before;
    return fib;
}

bool Fib::allocate() {
    const char* const name = options_.name.c_str();
    entries_ = static_cast<FibEntry*>(rte_zmalloc_socket(
        name, sizeof(FibEntry) * entry_count_, alignof(FibEntry), options_.socket));
    last_heard_ = allocate_cells();
    cell_entry_ = allocate_cells();
    load_cells_ = allocate_cells();
    const std::uint32_t stripes = change_stripes_for(entry_count_);
    change_counts_ = static_cast<std::atomic<std::uint32_t>*>(
        rte_zmalloc_socket(name,
                           sizeof(std::uint32_t) * (stripes + kCapabilityStripes),
                           RTE_CACHE_LINE_SIZE,
                           options_.socket));
    if (entries_ == nullptr || last_heard_ == nullptr || cell_entry_ == nullptr ||
        load_cells_ == nullptr || change_counts_ == nullptr) {
        rte_errno = ENOMEM;
        return false;
    }
    changes_ = std::make_unique<VersionStripes>(std::span(change_counts_, stripes));
    capability_changes_ =
        std::make_unique<VersionStripes>(std::span(change_counts_ + stripes, kCapabilityStripes));
    // Backwards, so that the first taken are the first in memory.
    free_entries_.resize(entry_count_);
    std::iota(free_entries_.rbegin(), free_entries_.rend(), 0U);
    free_cells_ = free_entries_;
    current_.resize(entry_count_);
    loads_ = LoadCells(load_cells_, entry_count_);
    return true;
}

std::uint32_t* Fib::allocate_cells() {
    return static_cast<std::uint32_t*>(rte_zmalloc_socket(options_.name.c_str(),
                                                          sizeof(std::uint32_t) * entry_count_,
                                                          RTE_CACHE_LINE_SIZE,
                                                          options_.socket));
}

std::unique_ptr<FibIndex> Fib::make_index(const KeyHash::Key& key) {
    FibIndexOptions options;
    options.name = options_.name;
    options.capacity = capacity_;
    options.stripes = options_.stripes;
    options.table = options_.table;
    options.socket = options_.socket;
    options.generation = ++indexes_made_;
    options.key = key;
    return FibIndex::create(options, entries_, grace_);
}

Fib::~Fib() {
    old_index_.reset();
    next_.reset();
    owned_index_.reset();
    rte_free(change_counts_);
    rte_free(load_cells_);
    rte_free(cell_entry_);
    rte_free(last_heard_);
    rte_free(entries_);
}

bool Fib::set(const FibEntry& entry, std::uint32_t last_heard_ms) {
    const std::uint64_t hash = owned_index_->key_hash().hash(entry.agent);
    const FibEntry* const old = owned_index_->find(entry.agent, hash);
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
    release_entry(slot, entry.version);

    const bool stays = old != nullptr && old->kind == RouteKind::local && old->kind == slot.kind;
    seed_cell(cell, last_heard_ms, stays);
    if (!owned_index_->put(slot, hash, old != nullptr)) {
        return false;  // neither list was popped; for a replacement this cannot happen
    }
    put_in_next(slot);
    free_entries_.pop_back();
    current_[index] = true;
    std::atomic_ref<std::uint32_t>(cell_entry_[cell]).store(index + 1, std::memory_order_release);
    if (old != nullptr) {
        retire(*old, kNoCell);
    } else {
        loads_.set(cell, {});
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
    const FibEntry* const old = owned_index_->find(agent);
    if (old == nullptr) {
        return false;
    }
    const AgentId id = agent;  // the caller's may lie in the entry
    owned_index_->remove(id);
    if (next_ != nullptr && next_->find(id) != nullptr) {
        next_->remove(id);
    }
    std::atomic_ref<std::uint32_t>(cell_entry_[old->cell]).store(0, std::memory_order_release);
    retire(*old, old->cell);
    --count_;
    return true;
}

// After the index and its cell forgot it.
void Fib::retire(const FibEntry& entry, std::uint32_t cell) {
    const std::uint32_t index = number_of(entry) - 1;
    changes_->bump(stripe_key(index + 1));
    if (entry.kind == RouteKind::capability) {
        capability_changes_->bump(stripe_key(entry.agent));
    }
    current_[index] = false;
    retired_.push_back({grace_.start(), index, cell});
}

void Fib::reclaim() {
    while (!retired_.empty() && grace_.elapsed(retired_.front().token)) {
        free_entries_.push_back(retired_.front().index);
        if (retired_.front().cell != kNoCell) {
            free_cells_.push_back(retired_.front().cell);
        }
        retired_.pop_front();
    }
    owned_index_->reclaim();
    if (next_ != nullptr) {
        next_->reclaim();
    }
    if (old_index_ != nullptr && grace_.elapsed(old_token_)) {
        old_index_.reset();
    }
}

bool Fib::rekey_start(const KeyHash::Key& key) {
    if (next_ != nullptr || old_index_ != nullptr) {
        return false;
    }
    next_ = make_index(key);
    next_done_ = 0;
    return next_ != nullptr;
}

// What changes while the index is built goes into both; what was copied before is replaced. One
// that is given up goes the way of an old one: rte_hash leaks what still awaits a grace period.
void Fib::put_in_next(const FibEntry& entry) {
    if (next_ == nullptr) {
        return;
    }
    const std::uint64_t hash = next_->key_hash().hash(entry.agent);
    if (!next_->put(entry, hash, next_->find(entry.agent, hash) != nullptr)) {
        old_index_ = std::move(next_);
        old_token_ = grace_.start();
    }
}

bool Fib::rekey_step(std::uint32_t budget) {
    for (; next_ != nullptr && budget > 0 && next_done_ < entry_count_; --budget, ++next_done_) {
        if (current_[next_done_]) {
            put_in_next(entries_[next_done_]);
        }
    }
    if (next_ != nullptr && next_done_ == entry_count_) {
        take_over();
    }
    return next_ == nullptr;
}

// Readers that still use the old index find the same entries by it until their quiescent state.
void Fib::take_over() {
    old_index_ = std::exchange(owned_index_, std::move(next_));
    index_.store(owned_index_.get(), std::memory_order_release);
    old_token_ = grace_.start();
    ++rekeyed_;
}

const FibEntry* Fib::find(const AgentId& agent) const noexcept {
    return owned_index_->find(agent);
}

std::size_t Fib::planned_heap_bytes(std::uint32_t capacity,
                                    std::uint32_t stripes,
                                    bool table) noexcept {
    const std::size_t entries = std::size_t{capacity} + slack_for(capacity);
    return entries * (sizeof(FibEntry) + kCellArrays * sizeof(std::uint32_t)) +
           (change_stripes_for(capacity + slack_for(capacity)) + kCapabilityStripes) *
               sizeof(std::uint32_t) +
           kPieceBytes + rekey_heap_bytes(capacity, stripes, table);
}

std::size_t Fib::rekey_heap_bytes(std::uint32_t capacity,
                                  std::uint32_t stripes,
                                  bool table) noexcept {
    const std::uint32_t count = stripes == 0 ? stripes_for(capacity) : stripes;
    return FibIndex::planned_heap_bytes(capacity, count, table);
}

std::size_t Fib::memory_bytes() const noexcept {
    const std::size_t lists = free_entries_.capacity() + free_cells_.capacity();
    return sizeof *this + heap_bytes_ + lists * sizeof(std::uint32_t) +
           retired_.size() * sizeof(Retired) + current_.capacity() / 8;
}

// As entry(), in integers and without a branch: so the compiler takes several at once.
void Fib::entries(std::span<const std::uint32_t> numbers, const FibEntry** found) const noexcept {
    const std::uint32_t* __restrict const number = numbers.data();
    const FibEntry** __restrict const out = found;
    const std::uintptr_t before = reinterpret_cast<std::uintptr_t>(entries_) - sizeof(FibEntry);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::uintptr_t wide = number[i];
        const std::uintptr_t keep = std::uintptr_t{0} - std::uintptr_t{wide != 0};
        out[i] = reinterpret_cast<const FibEntry*>((before + wide * sizeof(FibEntry)) & keep);
        if constexpr (kUnderThreadSanitizer) {
            static_cast<void>(entry(number[i]));
        }
    }
}

void Fib::lookup(std::span<const AgentId* const> agents, const FibEntry** found) const noexcept {
    const FibIndex& now = index();
    std::array<std::uint64_t, kChunk> hashes;
    std::array<std::uint32_t, kChunk> numbers;
    for (std::size_t first = 0; first < agents.size(); first += kChunk) {
        const std::size_t count = std::min(kChunk, agents.size() - first);
        now.lookup(agents.subspan(first, count),
                   hashes.data(),
                   RouteTable::Hashes::wanted,
                   RouteTable::Mostly::known,
                   numbers.data(),
                   nullptr);
        entries({numbers.data(), count}, found + first);
        for (std::size_t i = 0; i < count; ++i) {
            if (numbers[i] != 0) {
                rte_prefetch0(found[first + i]);
            }
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
