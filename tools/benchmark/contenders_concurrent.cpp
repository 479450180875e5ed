// SPDX-License-Identifier: BSD-3-Clause
// Maps that may be read while they are changed: by a lock per shard, and TBB's.
#include <absl/container/flat_hash_map.h>
#include <emmintrin.h>
#include <tbb/concurrent_hash_map.h>

#include <atomic>
#include <unordered_map>

#include "tools/benchmark/contender.h"
#include "tools/benchmark/map_hash.h"

namespace posthaste::tools {

namespace {

using routing::AgentId;

// One word, as in DashMap: its top bit is the writer's, the rest counts readers. Spins: no shard
// is held for longer than a lookup or a change takes.
class ReadWriteLock {
  public:
    void lock_shared() noexcept {
        while (true) {
            std::uint32_t seen = word_.load(std::memory_order_relaxed);
            if ((seen & kWriter) == 0 &&
                word_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire)) {
                return;
            }
            _mm_pause();
        }
    }

    void unlock_shared() noexcept { word_.fetch_sub(1, std::memory_order_release); }

    void lock() noexcept {
        std::uint32_t free = 0;
        while (!word_.compare_exchange_weak(free, kWriter, std::memory_order_acquire)) {
            free = 0;
            _mm_pause();
        }
    }

    void unlock() noexcept { word_.store(0, std::memory_order_release); }

  private:
    static constexpr std::uint32_t kWriter = 1U << 31;
    std::atomic<std::uint32_t> word_ = 0;
};

// The top bits of the hash choose one of 64 shards, the map in it uses the hash once more.
template <typename Map>
class Sharded final : public Contender {
  public:
    explicit Sharded(std::uint32_t agents) : shards_(kShards) {
        for (Shard& shard : shards_) {
            shard.map.reserve(agents / kShards + agents / kShards / 8);
        }
    }

    Answers lookup(std::span<const AgentId> ids, unsigned /*batch*/) override {
        return one_by_one(ids, [this](const AgentId& id) -> Answers {
            const auto found = find_value(id);
            if (!found.has_value()) {
                return {};
            }
            return {1, static_cast<std::uint32_t>(*found)};
        });
    }

    std::optional<std::uint64_t> find(const AgentId& id) override { return find_value(id); }

    bool set(const AgentId& id, std::uint64_t value) override {
        Shard& shard = shard_of(SipIdHash{}(id));
        shard.lock.lock();
        shard.map[id] = value;
        shard.lock.unlock();
        return true;
    }

    bool remove(const AgentId& id) override {
        Shard& shard = shard_of(SipIdHash{}(id));
        shard.lock.lock();
        const bool was_there = shard.map.erase(id) == 1;
        shard.lock.unlock();
        return was_there;
    }

  private:
    static constexpr std::size_t kShards = 64;

    struct alignas(128) Shard {
        ReadWriteLock lock;
        Map map;
    };

    Shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> 58]; }

    std::optional<std::uint64_t> find_value(const AgentId& id) {
        const HashedId key{SipIdHash{}(id), id};
        Shard& shard = shard_of(key.hash);
        shard.lock.lock_shared();
        const auto found = shard.map.find(key);
        const bool there = found != shard.map.end();
        const std::uint64_t value = there ? found->second : 0;
        shard.lock.unlock_shared();
        return there ? std::optional(value) : std::nullopt;
    }

    std::vector<Shard> shards_;
};

// A lookup holds the element's own lock, as every user of this map has to.
class TbbMap final : public Contender {
  public:
    explicit TbbMap(std::uint32_t agents) : map_(agents) {}

    Answers lookup(std::span<const AgentId> ids, unsigned /*batch*/) override {
        return one_by_one(ids, [this](const AgentId& id) -> Answers {
            Map::const_accessor found;
            if (!map_.find(found, id)) {
                return {};
            }
            return {1, static_cast<std::uint32_t>(found->second)};
        });
    }

    std::optional<std::uint64_t> find(const AgentId& id) override {
        Map::const_accessor found;
        return map_.find(found, id) ? std::optional(found->second) : std::nullopt;
    }

    bool set(const AgentId& id, std::uint64_t value) override {
        Map::accessor slot;
        map_.insert(slot, id);
        slot->second = value;
        return true;
    }

    bool remove(const AgentId& id) override { return map_.erase(id); }

  private:
    struct Compare {
        [[nodiscard]] std::size_t hash(const AgentId& id) const { return MixHash{}(id); }

        [[nodiscard]] bool equal(const AgentId& a, const AgentId& b) const { return a == b; }
    };

    // The heap of all other maps, not TBB's own.
    using Heap = std::allocator<std::pair<const AgentId, std::uint64_t>>;
    using Map = tbb::concurrent_hash_map<AgentId, std::uint64_t, Compare, Heap>;

    Map map_;
};

template <typename Table>
tl::expected<std::unique_ptr<Contender>, std::string> make(const Build& build) {
    auto table = std::make_unique<Table>(build.agents);
    for (std::uint32_t number = 0; number < build.agents; ++number) {
        table->set(member_id(number), number);
    }
    return table;
}

using ChainedShard = std::unordered_map<AgentId, std::uint64_t, SipIdHash, IdEqual>;
using FlatShard = absl::flat_hash_map<AgentId, std::uint64_t, SipIdHash, IdEqual>;

}  // namespace

void add_concurrent_maps(std::vector<ContenderKind>& kinds) {
    kinds.push_back({.name = "sharded-lock",
                     .what = "64 shards, each a std::unordered_map behind a reader-writer spin "
                             "lock, SipHash-1-3",
                     .concurrent = true,
                     .heap_bytes_per_agent = 72,
                     .make = make<Sharded<ChainedShard>>});
    kinds.push_back({.name = "sharded-lock-flat",
                     .what = "the same with an absl::flat_hash_map in each shard, as close to "
                             "DashMap as C++ comes",
                     .concurrent = true,
                     .heap_bytes_per_agent = 60,
                     .make = make<Sharded<FlatShard>>});
    kinds.push_back({.name = "tbb",
                     .what = "tbb::concurrent_hash_map, hash by one 64x64 bit multiplication",
                     .concurrent = true,
                     .heap_bytes_per_agent = 96,
                     .make = make<TbbMap>});
}

}  // namespace posthaste::tools
