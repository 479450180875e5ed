// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/capability_world.h"

#include <algorithm>
#include <mutex>

#include "routing/capability_name.h"
#include "routing/mix.h"
#include "tools/benchmark/key_stream.h"

namespace posthaste::tools {

namespace {

using routing::FibEntry;
using routing::ProviderSet;
using routing::RouteKind;

constexpr std::uint16_t kRouters = 8;

// Agents are those with the numbers below this, and below their count.
tl::expected<void, std::string> add_agents(CapabilityWorld& world, std::uint32_t providers) {
    for (std::uint32_t number = 0; number < providers; ++number) {
        FibEntry entry;
        entry.agent = member_id(number);
        const std::uint64_t drawn = routing::mix(number);
        entry.router =
            drawn % 2 == 0 ? routing::kNoRouter : static_cast<std::uint16_t>(drawn / 2 % kRouters);
        entry.kind = drawn % 2 == 0 ? RouteKind::local : RouteKind::remote;
        if (!world.fib->set(entry, 0)) {
            return tl::unexpected(std::string("no room for an agent"));
        }
        world.fib->loads().set(
            world.fib->find(entry.agent)->cell,
            {.per_mille = static_cast<std::uint16_t>(drawn >> 32 & 1'023), .queue_depth = 0});
    }
    return {};
}

tl::expected<void, std::string> add_capability(CapabilityWorld& world,
                                               CapabilityGroup& group,
                                               std::uint32_t capability) {
    group.names.push_back("bench/of_" + std::to_string(group.agents) + "/" +
                          std::to_string(capability));
    group.ids.push_back(routing::capability_id(group.names.back()));
    group.numbers.push_back(world.sets.take_number());
    std::vector<routing::ProviderChange> changes;
    for (std::uint32_t i = 0; i < group.agents; ++i) {
        changes.push_back(
            {.remove = false, .provider = world.provider(capability * group.agents + i)});
        group.registry.add(group.names.back(), changes.back().provider.agent);
    }
    world.sets.publish(group.numbers.back(), ProviderSet::make(nullptr, changes));
    FibEntry entry;
    entry.agent = routing::capability_key(group.ids.back());
    entry.kind = RouteKind::capability;
    entry.set_provider_set(group.numbers.back());
    if (!world.fib->set(entry, 0)) {
        return tl::unexpected(std::string("no room for a capability"));
    }
    return {};
}

}  // namespace

std::size_t CapabilityRegistry::shard_of(const std::string& name) {
    return SipBytesHash{}(name) >> 58;
}

void CapabilityRegistry::add(const std::string& name, const routing::AgentId& agent) {
    Shard& shard = shards_[shard_of(name)];
    const std::unique_lock lock(shard.lock);
    shard.sets[name].insert(agent);
}

CapabilityRegistry::Agents CapabilityRegistry::agents(const std::string& name) const {
    const Shard& shard = shards_[shard_of(name)];
    const std::shared_lock lock(shard.lock);
    const auto found = shard.sets.find(name);
    return found == shard.sets.end() ? Agents() : found->second;
}

routing::Provider CapabilityWorld::provider(std::uint32_t number) const {
    const std::uint64_t drawn = routing::mix(number);
    const FibEntry& entry = *fib->find(member_id(number));
    return {.agent = entry.agent,
            .cell = entry.cell,
            .router = entry.router,
            .priority = static_cast<std::uint16_t>(50 + drawn / 16 % 3),
            .weight = static_cast<std::uint16_t>(10 + drawn / 64 % 990)};
}

std::uint32_t capabilities_for(std::uint32_t agents, std::uint32_t providers) {
    return std::max(1U, providers / agents);
}

std::uint32_t routes_for(const std::vector<std::uint32_t>& agents, std::uint32_t providers) {
    std::uint32_t routes = std::max(providers, *std::max_element(agents.begin(), agents.end()));
    for (const std::uint32_t each : agents) {
        routes += capabilities_for(each, providers);
    }
    return routes;
}

tl::expected<std::unique_ptr<CapabilityWorld>, std::string> make_capability_world(
    const std::vector<std::uint32_t>& agents, std::uint32_t providers) {
    const std::uint32_t routes = routes_for(agents, providers);
    auto world = std::make_unique<CapabilityWorld>(routes);
    auto fib = routing::Fib::create(
        {.name = "capability", .capacity = routes, .key = routing::KeyHash::random_key()},
        world->grace);
    if (!fib.has_value()) {
        return tl::unexpected(fib.error());
    }
    world->fib = std::move(*fib);
    auto done =
        add_agents(*world, std::max(providers, *std::max_element(agents.begin(), agents.end())));
    for (const std::uint32_t each : agents) {
        world->groups.push_back(std::make_unique<CapabilityGroup>());
        world->groups.back()->agents = each;
        for (std::uint32_t i = 0; done.has_value() && i < capabilities_for(each, providers); ++i) {
            done = add_capability(*world, *world->groups.back(), i);
        }
    }
    if (!done.has_value()) {
        return tl::unexpected(done.error());
    }
    return world;
}

}  // namespace posthaste::tools
