// SPDX-License-Identifier: BSD-3-Clause
// What the capability benchmark chooses from: the router's own tables, and the map of sets that it
// is compared with, both with the same providers of the same capabilities.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/provider_sets.h"
#include "tools/benchmark/siphash.h"

namespace posthaste::tools {

// Not noexcept: libstdc++ then keeps the hash beside the key, which suits one that costs so much.
struct SipBytesHash {
    [[nodiscard]] std::size_t operator()(std::string_view text) const {
        return siphash<1, 3>({0x5851f42d4c957f2dULL, 0x14057b7ef767814fULL},
                             {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    }

    [[nodiscard]] std::size_t operator()(const routing::AgentId& id) const {
        return siphash_1_3({0x5851f42d4c957f2dULL, 0x14057b7ef767814fULL}, id);
    }
};

// Capabilities by name in 64 shards, each behind a reader-writer lock; of each the set of its
// agents, given away as a copy.
class CapabilityRegistry {
  public:
    using Agents = std::unordered_set<routing::AgentId, SipBytesHash>;

    void add(const std::string& name, const routing::AgentId& agent);
    // Empty: nobody has it.
    [[nodiscard]] Agents agents(const std::string& name) const;

  private:
    static constexpr std::size_t kShards = 64;

    struct alignas(128) Shard {
        mutable std::shared_mutex lock;
        std::unordered_map<std::string, Agents, SipBytesHash> sets;
    };

    static std::size_t shard_of(const std::string& name);

    std::array<Shard, kShards> shards_;
};

// `capabilities` of them, with `agents` each; an agent has one.
struct CapabilityGroup {
    std::uint32_t agents = 0;
    std::vector<std::string> names;
    std::vector<routing::AgentId> ids;
    std::vector<std::uint32_t> numbers;  // of their provider sets
    CapabilityRegistry registry;
};

struct CapabilityWorld {
    explicit CapabilityWorld(std::uint32_t capabilities) : sets(grace, capabilities) {}

    routing::Grace grace{1};
    std::unique_ptr<routing::Fib> fib;
    routing::ProviderSets sets;
    std::vector<std::unique_ptr<CapabilityGroup>> groups;

    // Agent `number` as a provider; half of them are at other routers, priorities, weights and
    // loads are theirs.
    [[nodiscard]] routing::Provider provider(std::uint32_t number) const;
};

// How many capabilities of so many agents there are: as many as give each of `providers` one.
[[nodiscard]] std::uint32_t capabilities_for(std::uint32_t agents, std::uint32_t providers);

// What EAL's memory has to have room for.
[[nodiscard]] std::uint32_t routes_for(const std::vector<std::uint32_t>& agents,
                                       std::uint32_t providers);

// A group for each number of agents. Needs a running EAL.
[[nodiscard]] tl::expected<std::unique_ptr<CapabilityWorld>, std::string> make_capability_world(
    const std::vector<std::uint32_t>& agents, std::uint32_t providers);

}  // namespace posthaste::tools
