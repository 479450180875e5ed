// SPDX-License-Identifier: BSD-3-Clause
#include "routing/resolver.h"

#include <rte_malloc.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

// A cache's lines are asked for this many ids ahead.
constexpr std::size_t kCacheAhead = 32;

// Lookups of a trial for each line of the cache: its first half can fill both places of most.
constexpr std::uint64_t kTrialPerLine = 4;

}  // namespace

// What is known of the ids of one chunk.
struct Resolver::Batch {
    std::span<const AgentId* const> agents;
    std::size_t first = 0;  // position of the chunk in the call
    std::uint64_t* hash;
    RouteTable::Hashes are;
    std::array<std::uint32_t, kChunk> number;
    NextHop* hops = nullptr;  // null: not wanted

    // Those the cache could not answer, in order.
    std::array<std::uint16_t, kChunk> missed;
    std::size_t missed_count = 0;
    std::array<std::uint32_t, kChunk> version;  // by position in `missed`
};

std::unique_ptr<Resolver> Resolver::create(const Fib& fib, const ResolverOptions& options) {
    std::span<RouteCache::Line> lines;
    if (options.cache_lines != 0) {
        auto* const memory = static_cast<RouteCache::Line*>(
            rte_zmalloc_socket("route_cache",
                               sizeof(RouteCache::Line) * options.cache_lines,
                               alignof(RouteCache::Line),
                               options.socket));
        if (memory == nullptr) {
            return nullptr;
        }
        lines = {memory, options.cache_lines};
    }
    return std::unique_ptr<Resolver>(new Resolver(fib, options, lines));
}

Resolver::Resolver(const Fib& fib,
                   const ResolverOptions& options,
                   std::span<RouteCache::Line> lines)
    : fib_(fib),
      options_(options),
      local_ttl_ms_(options.local_ttl_ms),
      remote_ttl_ms_(options.remote_ttl_ms),
      negative_ttl_ms_(options.negative_ttl_ms),
      lines_(lines),
      cache_(lines),
      switch_(kTrialPerLine * lines.size()) {
    CHECK(lines.empty() || fib.index().stripes().count() <= lines.size());
}

std::uint64_t Resolver::lookups_to_decide(std::uint32_t cache_lines) noexcept {
    return CacheSwitch::lookups_to_decide(kTrialPerLine * cache_lines);
}

Resolver::~Resolver() {
    rte_free(lines_.data());
}

void Resolver::set_ttls(std::uint32_t local_ms,
                        std::uint32_t remote_ms,
                        std::uint32_t negative_ms) noexcept {
    local_ttl_ms_.store(local_ms, std::memory_order_relaxed);
    remote_ttl_ms_.store(remote_ms, std::memory_order_relaxed);
    negative_ttl_ms_.store(negative_ms, std::memory_order_relaxed);
}

bool Resolver::admit() noexcept {
    return options_.cache_always || switch_.filling() || (++admissions_ & (kAdmitOne - 1)) == 0;
}

std::uint32_t Resolver::ttl_of(const FibEntry& entry, std::uint32_t now_ms) const noexcept {
    const bool local = entry.kind == RouteKind::local;
    std::uint32_t ttl = (local ? local_ttl_ms_ : remote_ttl_ms_).load(std::memory_order_relaxed);
    switch (entry.stability) {
        case Stability::normal:
            break;
        case Stability::stable:
            ttl = std::min(ttl, RouteCache::kTtlMaxMs) * 2;
            break;
        case Stability::unstable:
            ttl /= 2;
            break;
    }
    if (entry.fresh_until_ms != 0) {
        ttl = entry.fresh(now_ms) ? std::min(ttl, entry.fresh_until_ms - now_ms) : 0;
    }
    return ttl;
}

void Resolver::keep(const AgentId& agent,
                    std::uint64_t hash,
                    std::uint32_t number,
                    std::uint32_t version,
                    std::uint32_t now_ms) noexcept {
    if (number == 0) {
        const std::uint32_t ttl_ms = negative_ttl_ms_.load(std::memory_order_relaxed);
        cache_.insert_negative(agent, hash, version, now_ms, ttl_ms);
        return;
    }
    cache_.insert(agent, hash, number, version, now_ms, ttl_of(*fib_.entry(number), now_ms));
}

std::size_t Resolver::ask_index(const FibIndex& index,
                                std::span<const AgentId* const> agents,
                                std::uint64_t* hashes,
                                RouteTable::Hashes are,
                                std::uint32_t* numbers,
                                NextHop* hops) noexcept {
    if (options_.authority_only) {
        index.lookup_authority(agents, hashes, are, numbers);
        if (hops != nullptr) {
            std::fill_n(hops, agents.size(), NextHop::elsewhere());
        }
    } else {
        index.lookup(agents, hashes, are, mostly(), numbers, hops);
    }
    std::uint32_t found = 0;  // as wide as the numbers: several are counted at once
    for (std::size_t i = 0; i < agents.size(); ++i) {
        found += numbers[i] != 0 ? 1 : 0;
    }
    strange_.observe(agents.size() - found, agents.size());
    return found;
}

void Resolver::by_fib(const FibIndex& index, Batch& batch) noexcept {
    const std::size_t found =
        ask_index(index, batch.agents, batch.hash, batch.are, batch.number.data(), batch.hops);
    counters_.found.add(found);
    if (found == batch.agents.size()) [[likely]] {
        return;
    }
    counters_.unknown.add(batch.agents.size() - found);
    // As note(), with the count in a register: in a flood of strange ids it is most of the work.
    std::size_t count = news_count_;
    const std::size_t most = strange_.most() ? kNewsOfFlood : kNewsMax;
    for (std::size_t i = 0; i < batch.agents.size() && count < most; ++i) {
        news_[count] = static_cast<std::uint32_t>(batch.first + i);
        count += batch.number[i] == 0 ? 1 : 0;
    }
    news_count_ = count;
}

// Without a branch on `unknown`: in a flood of strange ids it would be guessed wrong.
void Resolver::note(std::size_t position, bool unknown) noexcept {
    if (news_count_ < kNewsMax) {
        news_[news_count_] = static_cast<std::uint32_t>(position);
        news_count_ += unknown ? 1 : 0;
    }
}

// Answers what the cache knows; the others are in `missed`, with the version of their stripe, read
// before the Fib is.
void Resolver::probe(const FibIndex& index, Batch& batch, std::uint32_t now_ms) noexcept {
    const VersionStripes& stripes = index.stripes();
    const std::size_t count = batch.agents.size();
    if (batch.are == RouteTable::Hashes::wanted) {
        index.key_hash().hash_bulk(batch.agents, batch.hash);
    }
    for (std::size_t i = 0; i < count + kCacheAhead; ++i) {
        if (i < count) {
            cache_.prefetch(batch.hash[i]);
            rte_prefetch0(stripes.address(batch.hash[i]));
        }
        if (i < kCacheAhead) {
            continue;
        }
        const std::size_t at = i - kCacheAhead;
        const std::uint32_t version = stripes.read(batch.hash[at]);
        batch.number[at] = cache_.find(*batch.agents[at], batch.hash[at], version, now_ms);
        batch.missed[batch.missed_count] = static_cast<std::uint16_t>(at);
        batch.version[batch.missed_count] = version;
        batch.missed_count += batch.number[at] == RouteCache::kMiss ? 1 : 0;
    }
}

// Copies have no next hops: a cache that had them would not pay either, where there is the table
// (README.md). What the table answers has its own.
void Resolver::by_cache(const FibIndex& index, Batch& batch, std::uint32_t now_ms) noexcept {
    probe(index, batch, now_ms);
    if (batch.hops != nullptr) {
        std::fill_n(batch.hops, batch.agents.size(), NextHop::elsewhere());
    }
    std::size_t negative = 0;
    for (std::size_t i = 0; i < batch.agents.size(); ++i) {
        const bool is_negative = batch.number[i] == RouteCache::kNegative;
        negative += is_negative ? 1 : 0;
        batch.number[i] = is_negative ? 0 : batch.number[i];
    }
    counters_.hit_negative.add(negative);
    counters_.hit_positive.add(batch.agents.size() - batch.missed_count - negative);
    if (batch.missed_count == 0) {
        return;
    }
    std::array<const AgentId*, kChunk> agents;
    std::array<std::uint64_t, kChunk> hashes;
    std::array<std::uint32_t, kChunk> numbers;
    std::array<NextHop, kChunk> hops;
    for (std::size_t i = 0; i < batch.missed_count; ++i) {
        agents[i] = batch.agents[batch.missed[i]];
        hashes[i] = batch.hash[batch.missed[i]];
    }
    const std::span wanted(agents.data(), batch.missed_count);
    const std::size_t found = ask_index(index,
                                        wanted,
                                        hashes.data(),
                                        RouteTable::Hashes::given,
                                        numbers.data(),
                                        batch.hops != nullptr ? hops.data() : nullptr);
    for (std::size_t i = 0; i < batch.missed_count; ++i) {
        batch.number[batch.missed[i]] = numbers[i];
        if (batch.hops != nullptr) {
            batch.hops[batch.missed[i]] = hops[i];
        }
        note(batch.first + batch.missed[i], numbers[i] == 0);
        if (admit()) {
            keep(*agents[i], hashes[i], numbers[i], batch.version[i], now_ms);
        }
    }
    counters_.found.add(found);
    counters_.unknown.add(batch.missed_count - found);
}

const FibIndex& Resolver::current_index() noexcept {
    const FibIndex& index = fib_.index();
    if (index.generation() != generation_) [[unlikely]] {
        cache_.clear();  // its lines lie by the hashes of another key
        generation_ = index.generation();
    }
    return index;
}

void Resolver::announce(std::span<const AgentId* const> agents, std::uint64_t* hashes) noexcept {
    if (announced_ == nullptr) {
        announced_ = &current_index();
    }
    announced_->key_hash().hash_bulk(agents, hashes);
    if (cached()) {
        for (std::size_t i = 0; i < agents.size(); ++i) {
            cache_.prefetch(hashes[i]);
            rte_prefetch0(announced_->stripes().address(hashes[i]));
        }
    } else if (!options_.authority_only) {
        for (std::size_t i = 0; i < agents.size(); ++i) {
            announced_->prefetch(hashes[i], mostly());
        }
    }
}

void Resolver::resolve_announced(std::span<const AgentId* const> agents,
                                 std::uint64_t* hashes,
                                 const FibEntry** found,
                                 NextHop* hops,
                                 std::uint32_t now_ms) noexcept {
    if (announced_ == nullptr) {
        news_count_ = 0;  // those of the call before are positions of other agents
        return;
    }
    announced_generation_ = announced_->generation();
    resolve_by(*announced_, {agents, hashes, found, hops}, now_ms);
    announced_ = nullptr;
}

void Resolver::resolve(std::span<const AgentId* const> agents,
                       const FibEntry** found,
                       std::uint32_t now_ms) noexcept {
    resolve_by(current_index(), {agents, nullptr, found, nullptr}, now_ms);
}

void Resolver::ask_entries(const Batch& batch, const Call& call) noexcept {
    for (std::size_t i = 0; i < batch.agents.size(); ++i) {
        if (batch.hops[i].is_elsewhere()) [[unlikely]] {
            rte_prefetch0(call.found[batch.first + i]);
        }
    }
}

void Resolver::resolve_by(const FibIndex& index, const Call& call, std::uint32_t now_ms) noexcept {
    const std::span<const AgentId* const> agents = call.agents;
    const bool by_copies = cached();
    const bool sampled = batches_ % kLatencySampling == 0;
    const bool trial = cache_.enabled() && switch_.timing();
    const bool timed = options_.cycles != nullptr && (trial || sampled) && !agents.empty();
    const std::uint64_t start = timed ? options_.cycles() : 0;
    news_count_ = 0;
    std::array<std::uint64_t, kChunk> own_hashes;
    for (std::size_t first = 0; first < agents.size(); first += kChunk) {
        Batch batch;
        batch.agents = agents.subspan(first, std::min(kChunk, agents.size() - first));
        batch.first = first;
        const bool announced = call.hashes != nullptr;
        batch.hash = announced ? call.hashes + first : own_hashes.data();
        batch.are = announced ? RouteTable::Hashes::announced : RouteTable::Hashes::wanted;
        batch.hops = call.hops != nullptr ? call.hops + first : nullptr;
        if (by_copies) {
            by_cache(index, batch, now_ms);
        } else {
            by_fib(index, batch);
        }
        fib_.entries({batch.number.data(), batch.agents.size()}, call.found + first);
        if (call.hops != nullptr) {
            ask_entries(batch, call);
        }
    }
    counters_.lookups.add(agents.size());
    counters_.batches.add(1);
    counters_.batch_sizes.add(agents.size());
    if (timed) {
        const std::uint64_t cycles = options_.cycles() - start;
        switch_.observe(agents.size(), cycles);
        if (sampled) {
            counters_.batch_cycles.add(cycles * 16 / agents.size());
        }
    } else {
        switch_.pass(agents.size());
    }
    if (sampled) {
        publish_cache_stats();
    }
    ++batches_;
}

const FibEntry* Resolver::resolve(const AgentId& agent,
                                  std::uint32_t now_ms,
                                  Outcome& outcome) noexcept {
    const FibIndex& index = current_index();
    const std::uint32_t number = resolve_one(index, agent, now_ms, cached(), outcome);
    news_count_ = 0;
    switch (outcome) {
        case Outcome::hit_positive:
            counters_.hit_positive.add(1);
            break;
        case Outcome::hit_negative:
            counters_.hit_negative.add(1);
            break;
        case Outcome::found:
            counters_.found.add(1);
            break;
        case Outcome::unknown:
            counters_.unknown.add(1);
            note(0, true);
            break;
    }
    counters_.lookups.add(1);
    switch_.pass(1);
    return fib_.entry(number);
}

std::uint32_t Resolver::ask_one(const FibIndex& index,
                                const AgentId& agent,
                                std::uint64_t hash) const noexcept {
    if (!options_.authority_only) [[likely]] {
        return index.lookup_one(agent, hash);
    }
    const AgentId* const one = &agent;
    std::uint32_t number = 0;
    index.lookup_authority(std::span(&one, 1), &hash, RouteTable::Hashes::given, &number);
    return number;
}

std::uint32_t Resolver::resolve_one(const FibIndex& index,
                                    const AgentId& agent,
                                    std::uint32_t now_ms,
                                    bool cached,
                                    Outcome& outcome) noexcept {
    const std::uint64_t hash = index.key_hash().hash(agent);
    std::uint32_t version = 0;
    if (cached) {
        version = index.stripes().read(hash);
        const std::uint32_t copy = cache_.find(agent, hash, version, now_ms);
        if (copy != RouteCache::kMiss) {
            const bool negative = copy == RouteCache::kNegative;
            outcome = negative ? Outcome::hit_negative : Outcome::hit_positive;
            return negative ? 0 : copy;
        }
    }
    const std::uint32_t number = ask_one(index, agent, hash);
    outcome = number != 0 ? Outcome::found : Outcome::unknown;
    if (cached && admit()) {
        keep(agent, hash, number, version, now_ms);
    }
    return number;
}

void Resolver::warm(std::span<const AgentId> agents, std::uint32_t now_ms) noexcept {
    if (!cache_.enabled()) {
        return;
    }
    const FibIndex& index = current_index();
    for (const AgentId& agent : agents) {
        const std::uint64_t hash = index.key_hash().hash(agent);
        const std::uint32_t version = index.stripes().read(hash);
        const std::uint32_t number = ask_one(index, agent, hash);
        if (number != 0) {
            keep(agent, hash, number, version, now_ms);
            counters_.cache_warmed.add(1);
        }
    }
}

void Resolver::publish_cache_stats() noexcept {
    const RouteCacheStats& stats = cache_.stats();
    counters_.cache_inserted_positive.set(stats.inserted_positive);
    counters_.cache_inserted_negative.set(stats.inserted_negative);
    counters_.cache_replaced.set(stats.replaced);
    counters_.cache_invalidated.set(stats.invalidated);
    counters_.cache_expired.set(stats.expired);
    counters_.cache_cleared.set(stats.cleared);
    counters_.cache_on.set(cache_.enabled() && (always() || switch_.on()) ? 1 : 0);
    counters_.cache_turns.set(switch_.turns());
}

}  // namespace posthaste::routing
