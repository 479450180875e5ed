// SPDX-License-Identifier: BSD-3-Clause
// The router's own tables, kept by one writer as the control thread keeps them.
#include "routing/fib.h"
#include "routing/grace.h"
#include "tools/benchmark/contender.h"

namespace posthaste::tools {

namespace {

using routing::AgentId;
using routing::FibEntry;

// The value travels in fields that mean nothing to the table: the number as address, how often
// the route was changed as version.
FibEntry entry_for(const AgentId& id, std::uint64_t value) {
    FibEntry entry;
    entry.agent = id;
    entry.endpoint.ip.family = routing::Family::ipv4;
    const auto number = static_cast<std::uint32_t>(value);
    std::memcpy(entry.endpoint.ip.bytes.data(), &number, sizeof number);
    entry.endpoint.udp_port = 4'747;
    entry.version = static_cast<std::uint32_t>(value >> 32);
    return entry;
}

std::uint64_t value_of(const FibEntry& entry) {
    std::uint32_t number = 0;
    std::memcpy(&number, entry.endpoint.ip.bytes.data(), sizeof number);
    return std::uint64_t{entry.version} << 32 | number;
}

// A Fib whose agent `number` is, until the first change, entry `number` from the first: so a
// found entry's number is known from its address, and none is read that the router would not.
class FibLookup : public Contender {
  public:
    explicit FibLookup(const Build& /*build*/) : grace_(1) {}

    [[nodiscard]] tl::expected<void, std::string> open(const Build& build) {
        routing::FibOptions options;
        options.name = "bench";
        options.capacity = build.agents;
        options.key = routing::KeyHash::random_key();
        auto made = routing::Fib::create(options, grace_);
        if (!made.has_value()) {
            return tl::unexpected(made.error());
        }
        fib_ = std::move(*made);
        for (std::uint32_t number = 0; number < build.agents; ++number) {
            const AgentId id = member_id(number);
            if (!set(id, number)) {
                return tl::unexpected("the Fib refuses agent " + std::to_string(number));
            }
            const FibEntry* const entry = fib_->find(id);
            first_ = number == 0 ? entry : first_;
            if (entry != first_ + number) {
                return tl::unexpected(std::string("the Fib's entries are not in order"));
            }
        }
        return {};
    }

    Answers lookup(std::span<const AgentId> ids, unsigned batch) override {
        return in_bulks<kBulk>(ids, batch, [this](std::span<const AgentId* const> keys) {
            std::array<const FibEntry*, kBulk> found;
            fib_->lookup(keys, found.data());
            Answers answers;
            for (std::size_t i = 0; i < keys.size(); ++i) {
                answers += answer(found[i]);
            }
            grace_.quiescent(0);
            return answers;
        });
    }

    std::optional<std::uint64_t> find(const AgentId& id) override {
        const AgentId* const key = &id;
        const FibEntry* entry = nullptr;
        fib_->lookup({&key, 1}, &entry);
        const auto value = entry == nullptr ? std::nullopt : std::optional(value_of(*entry));
        grace_.quiescent(0);
        return value;
    }

    bool set(const AgentId& id, std::uint64_t value) override {
        return fib_->set(entry_for(id, value), 0);
    }

    bool remove(const AgentId& id) override { return fib_->remove(id); }

    void start_reading() override { grace_.online(0); }

    void stop_reading() override { grace_.offline(0); }

  protected:
    [[nodiscard]] Answers answer(const FibEntry* entry) const noexcept {
        if (entry == nullptr) {
            return {};
        }
        return {1, static_cast<std::uint64_t>(entry - first_)};
    }

    routing::Grace grace_;
    std::unique_ptr<routing::Fib> fib_;
    const FibEntry* first_ = nullptr;
};

template <typename Table>
tl::expected<std::unique_ptr<Contender>, std::string> make(const Build& build) {
    auto table = std::make_unique<Table>(build);
    if (auto opened = table->open(build); !opened.has_value()) {
        return tl::unexpected(opened.error());
    }
    return table;
}

}  // namespace

void add_ours(std::vector<ContenderKind>& kinds) {
    kinds.push_back({.name = "fib",
                     .what = "routing::Fib::lookup, up to 64 a call: keyed hash, rte_hash bulk",
                     .concurrent = true,
                     .heap_bytes_per_agent = 16,
                     .dpdk_bytes_per_agent = 192,
                     .make = make<FibLookup>});
}

}  // namespace posthaste::tools
