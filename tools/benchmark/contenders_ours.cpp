// SPDX-License-Identifier: BSD-3-Clause
// The router's own tables, kept by one writer as the control thread keeps them.
#include <rte_cycles.h>
#include <rte_malloc.h>

#include <array>
#include <cstring>

#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/mix.h"
#include "routing/prefetch.h"
#include "routing/resolver.h"
#include "tools/benchmark/contender.h"

namespace posthaste::tools {

namespace {

using routing::AgentId;
using routing::FibEntry;

// The value travels in fields that mean nothing to the table: the number as IP address, how often
// the route was changed as MAC address.
FibEntry entry_for(const AgentId& id, std::uint64_t value) {
    FibEntry entry;
    entry.agent = id;
    entry.endpoint.ip.family = routing::Family::ipv4;
    const auto number = static_cast<std::uint32_t>(value);
    std::memcpy(entry.endpoint.ip.bytes.data(), &number, sizeof number);
    entry.endpoint.udp_port = 4'747;
    const auto changes = static_cast<std::uint32_t>(value >> 32);
    std::memcpy(entry.endpoint.mac.bytes.data(), &changes, sizeof changes);
    return entry;
}

std::uint64_t value_of(const FibEntry& entry) {
    std::uint32_t number = 0;
    std::uint32_t changes = 0;
    std::memcpy(&number, entry.endpoint.ip.bytes.data(), sizeof number);
    std::memcpy(&changes, entry.endpoint.mac.bytes.data(), sizeof changes);
    return std::uint64_t{changes} << 32 | number;
}

// A Fib whose agent `number` is, until the first change, entry `number` from the first: so a
// found entry's number is known from its address, and none is read that the router would not.
struct FilledFib {
    [[nodiscard]] tl::expected<void, std::string> fill(std::uint32_t count) {
        routing::FibOptions options;
        options.name = "bench";
        options.capacity = count;
        options.key = routing::KeyHash::random_key();
        auto made = routing::Fib::create(options, grace);
        if (!made.has_value()) {
            return tl::unexpected(made.error());
        }
        fib = std::move(*made);
        agents = count;
        for (std::uint32_t number = 0; number < count; ++number) {
            const AgentId id = member_id(number);
            if (!fib->set(entry_for(id, number), 0)) {
                return tl::unexpected("the Fib refuses agent " + std::to_string(number));
            }
            const FibEntry* const entry = fib->find(id);
            first = number == 0 ? entry : first;
            if (entry != first + number) {
                return tl::unexpected(std::string("the Fib's entries are not in order"));
            }
        }
        return {};
    }

    routing::Grace grace = routing::Grace(1);
    std::unique_ptr<routing::Fib> fib;
    const FibEntry* first = nullptr;
    std::uint32_t agents = 0;
};

// One for all contenders that are in memory together, unless one of them will change it.
tl::expected<std::shared_ptr<FilledFib>, std::string> filled_fib(const Build& build) {
    static std::weak_ptr<FilledFib> last;
    if (auto held = last.lock(); held && held->agents == build.agents && !build.changing) {
        return held;
    }
    auto made = std::make_shared<FilledFib>();
    if (auto filled = made->fill(build.agents); !filled.has_value()) {
        return tl::unexpected(filled.error());
    }
    last = made;
    return made;
}

std::uint64_t cycles() noexcept {
    return rte_rdtsc();
}

// What each lcore does: a Resolver of its own before the Fib. Batches go to it whole.
class ResolverLookup : public Contender {
  public:
    [[nodiscard]] tl::expected<void, std::string> open(const Build& build,
                                                       routing::ResolverOptions options) {
        auto fib = filled_fib(build);
        if (!fib.has_value()) {
            return tl::unexpected(fib.error());
        }
        fib_ = std::move(*fib);
        if (options.cache_lines > 0) {
            options.cache_lines =
                std::max(options.cache_lines, fib_->fib->index().stripes().count());
        }
        resolver_ = routing::Resolver::create(*fib_->fib, options);
        if (resolver_ == nullptr) {
            return tl::unexpected(std::string("no memory for the resolver"));
        }
        return {};
    }

    Answers lookup(std::span<const AgentId> ids, unsigned batch) override {
        const std::uint32_t now_ms = now();
        return in_bulks<kBatchMax>(ids, batch, [&](std::span<const AgentId* const> keys) {
            resolver_->resolve(keys, found_.data(), now_ms);
            Answers answers;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                answers += answer(found_[i]);
            }
            resolver_->turn(now_ms);
            fib_->grace.quiescent(0);
            return answers;
        });
    }

    std::optional<std::uint64_t> find(const AgentId& id) override {
        routing::Outcome outcome;
        const FibEntry* const entry = resolver_->resolve(id, now(), outcome);
        const auto value = entry == nullptr ? std::nullopt : std::optional(value_of(*entry));
        fib_->grace.quiescent(0);
        return value;
    }

    bool set(const AgentId& id, std::uint64_t value) override {
        return fib_->fib->set(entry_for(id, value), 0);
    }

    bool remove(const AgentId& id) override { return fib_->fib->remove(id); }

    void start_reading() override { fib_->grace.online(0); }

    void stop_reading() override { fib_->grace.offline(0); }

  protected:
    [[nodiscard]] Answers answer(const FibEntry* entry) const noexcept {
        if (entry == nullptr) {
            return {};
        }
        return {1, static_cast<std::uint64_t>(entry - fib_->first)};
    }

    [[nodiscard]] std::uint32_t now() const noexcept {
        return static_cast<std::uint32_t>(rte_rdtsc() / cycles_per_ms_);
    }

    std::shared_ptr<FilledFib> fib_;
    std::unique_ptr<routing::Resolver> resolver_;

  private:
    std::uint64_t cycles_per_ms_ = rte_get_tsc_hz() / 1'000;
    std::vector<const FibEntry*> found_ = std::vector<const FibEntry*>(kBatchMax);
};

class ResolverSingle final : public ResolverLookup {
  public:
    Answers lookup(std::span<const AgentId> ids, unsigned /*batch*/) override {
        const std::uint32_t now_ms = now();
        const Answers answers = one_by_one(ids, [&](const AgentId& id) {
            routing::Outcome outcome;
            return answer(resolver_->resolve(id, now_ms, outcome));
        });
        resolver_->turn(now_ms);
        fib_->grace.quiescent(0);
        return answers;
    }
};

// `kCacheLines` of 64 bytes, 0: the Fib alone; `kAuthority`: only the rte_hash in it.
template <typename Table, std::uint32_t kCacheLines, bool kAuthority = false>
tl::expected<std::unique_ptr<Contender>, std::string> make(const Build& build) {
    auto table = std::make_unique<Table>();
    routing::ResolverOptions options;
    options.cache_lines = kCacheLines;
    options.authority_only = kAuthority;
    options.cycles = cycles;
    if (auto opened = table->open(build, options); !opened.has_value()) {
        return tl::unexpected(opened.error());
    }
    return table;
}

// What the memory itself takes: for each id a line, at a place that its bits give, among as many
// as the RouteTable has; all of a call asked for, then all read. Nothing that looks ids up in a
// table of this size, and has to see where they are, can be faster than this by much.
class OneLine final : public Contender {
  public:
    [[nodiscard]] bool open(std::uint32_t agents) {
        count_ = static_cast<std::uint32_t>(
            std::max<std::uint64_t>(1, std::uint64_t{agents} * kBytesPerAgent / sizeof(Line)));
        lines_.reset(
            static_cast<Line*>(rte_zmalloc("bench_lines", count_ * sizeof(Line), alignof(Line))));
        return lines_ != nullptr;
    }

    Answers lookup(std::span<const AgentId> ids, unsigned batch) override {
        return in_bulks<kBulk>(ids, batch, [this](std::span<const AgentId* const> keys) {
            std::array<const Line*, kBulk> at;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                std::uint32_t bits = 0;
                std::memcpy(&bits, keys[i]->bytes.data(), sizeof bits);
                at[i] = lines_.get() + routing::scaled(bits, count_);
                routing::prefetch_line(at[i]);
            }
            Answers answers;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                answers += {1, at[i]->words[0]};
            }
            return answers;
        });
    }

    std::optional<std::uint64_t> find(const AgentId& /*id*/) override { return {}; }

    bool set(const AgentId& /*id*/, std::uint64_t /*value*/) override { return true; }

    bool remove(const AgentId& /*id*/) override { return true; }

  private:
    static constexpr std::uint64_t kBytesPerAgent = 130;

    struct alignas(64) Line {
        std::array<std::uint64_t, 8> words;
    };

    struct Free {
        void operator()(Line* lines) const noexcept { rte_free(lines); }
    };

    std::unique_ptr<Line[], Free> lines_;
    std::uint32_t count_ = 0;
};

tl::expected<std::unique_ptr<Contender>, std::string> make_one_line(const Build& build) {
    auto made = std::make_unique<OneLine>();
    if (!made->open(build.agents)) {
        return tl::unexpected(std::string("no memory"));
    }
    return made;
}

constexpr std::uint32_t kCacheLines = 1 << 15;  // 2 MiB, or as the Fib's stripes want it

ContenderKind kind(std::string_view name, std::string_view what, MakeContender* maker) {
    return {.name = name,
            .what = what,
            .family = "fib",
            .concurrent = true,
            .heap_bytes_per_agent = 16,
            .dpdk_bytes_per_agent = 288,
            .make = maker};
}

}  // namespace

void add_ours(std::vector<ContenderKind>& kinds) {
    kinds.push_back(
        kind("resolver",
             "routing::Resolver, whole batches: keyed hash, route cache of 2 MiB or more while "
             "it pays, table of inline ids, rte_hash behind it",
             make<ResolverLookup, kCacheLines>));
    kinds.push_back(
        kind("resolver-uncached", "the same without a route cache", make<ResolverLookup, 0>));
    kinds.push_back(kind("resolver-single",
                         "routing::Resolver, one id a call, with the cache",
                         make<ResolverSingle, kCacheLines>));
    kinds.push_back(kind("fib-rte-hash",
                         "the same by the keyed hash and rte_hash alone, without cache and table",
                         make<ResolverLookup, 0, true>));
    kinds.push_back({.name = "one-line",
                     .what = "for each id a line of memory of the table's size asked for and read, "
                             "nothing else: what no table could beat",
                     .answers = false,
                     .dpdk_bytes_per_agent = 130,
                     .make = make_one_line});
}

}  // namespace posthaste::tools
