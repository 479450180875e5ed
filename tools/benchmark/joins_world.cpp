// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/joins_world.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>

#include "routing/capability_name.h"
#include "routing/mix.h"

namespace posthaste::tools {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kRouters = 8;
constexpr std::uint32_t kStep = 10'000;       // agents whose changes are applied together
constexpr std::uint32_t kSaidEach = 200'000;  // agents between two lines on stderr
constexpr std::uint64_t kTurnsMax = 10'000'000;
constexpr std::uint32_t kSlack = 64;  // sets that await their grace period

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// UUIDs of version 4, as agents have them: capabilities have ids of another kind.
routing::AgentId agent_id(std::uint64_t number) {
    const std::uint64_t half[2] = {routing::mix(number), routing::mix(~number)};
    routing::AgentId id;
    std::memcpy(id.bytes.data(), half, sizeof half);
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0fU) | 0x40U);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3fU) | 0x80U);
    return id;
}

std::string name_text(std::uint32_t name) {
    return "bench/capability/" + std::to_string(name);
}

// One in four is left for agents here; nothing shall be refused here.
routing::RibLimits limits_for(const JoinsPlan& plan) {
    routing::RibLimits limits;
    limits.routes_max = plan.agents + plan.joins;
    limits.names_max = 2 * (plan.names() + 1);
    limits.providers_max = 2 * (std::uint64_t{plan.agents} * plan.each + plan.joins);
    return limits;
}

}  // namespace

std::uint32_t JoinsWorld::routes_for(const JoinsPlan& plan) noexcept {
    return plan.agents + plan.joins + plan.names() + 1;
}

JoinsWorld::JoinsWorld(const JoinsPlan& plan,
                       std::unique_ptr<routing::Grace> grace,
                       std::unique_ptr<routing::Fib> fib)
    : plan_(plan),
      grace_(std::move(grace)),
      fib_(std::move(fib)),
      rib_(limits_for(plan)),
      sets_(*grace_, plan.names() + 1 + kSlack),
      index_(std::make_unique<routing::CapabilityIndex>(rib_.names(), sets_, *fib_, options_)) {
    rib_.reserve_agents(plan.agents / 2 + plan.joins);
    rib_.reserve_routes(plan.agents);
}

tl::expected<std::unique_ptr<JoinsWorld>, std::string> JoinsWorld::make(const JoinsPlan& plan) {
    auto grace = std::make_unique<routing::Grace>(1);
    auto fib = routing::Fib::create(
        {.name = "joins", .capacity = routes_for(plan), .key = routing::KeyHash::random_key()},
        *grace);
    if (!fib.has_value()) {
        return tl::unexpected(fib.error());
    }
    std::unique_ptr<JoinsWorld> world(new JoinsWorld(plan, std::move(grace), std::move(*fib)));
    auto done = world->fill();
    if (done.has_value()) {
        done = world->publish_all();
    }
    if (!done.has_value()) {
        return tl::unexpected(done.error());
    }
    return world;
}

// By agent and draw. In each draw the agents stand in an order of its own, and the first of them
// have the first name, and so on; in the last one the first of all have the large one's.
std::vector<std::uint32_t> JoinsWorld::drawn_names() const {
    std::vector<std::uint32_t> names(std::size_t{plan_.agents} * plan_.each);
    std::vector<std::uint32_t> order(plan_.agents);
    std::iota(order.begin(), order.end(), 0U);
    std::mt19937_64 random(1);
    for (std::uint32_t draw = 0; draw < plan_.each; ++draw) {
        std::ranges::shuffle(order, random);
        const bool last = draw + 1 == plan_.each;
        const std::uint32_t large = last ? plan_.large : 0;
        const std::uint64_t count = last ? plan_.names_of_last() : plan_.names_a_draw();
        for (std::uint32_t place = 0; place < plan_.agents; ++place) {
            const std::uint32_t name =
                place < large ? large_name()
                              : draw * plan_.names_a_draw() +
                                    static_cast<std::uint32_t>((place - large) * count /
                                                               (plan_.agents - large));
            names[std::size_t{order[place]} * plan_.each + draw] = name;
        }
    }
    return names;
}

tl::expected<void, std::string> JoinsWorld::add(std::uint32_t number,
                                                std::vector<routing::Offer> offers) {
    const std::uint64_t drawn = routing::mix(number);
    if (drawn % 2 == 0) {
        routing::Registration agent;
        agent.agent = agent_id(number);
        agent.endpoint.ip = *routing::IpAddress::from_text("10.0.0.2");
        agent.endpoint.udp_port = 5'000;
        agent.offers = std::move(offers);
        const auto done = rib_.register_agent(std::move(agent), now_ms_);
        return done.has_value() ? tl::expected<void, std::string>()
                                : tl::unexpected(done.error().detail);
    }
    routing::RouteRecord route;
    route.agent = agent_id(number);
    route.router = static_cast<std::uint16_t>(drawn / 2 % kRouters);
    route.origin = routing::Origin::claimed;
    const auto done = rib_.set_route(route, now_ms_, offers);
    return done.has_value() ? tl::expected<void, std::string>()
                            : tl::unexpected(done.error().detail);
}

// As the conductor does: the Fib first, since providers are agents.
bool JoinsWorld::apply() {
    for (const routing::FibChange& change : rib_.take_changes()) {
        if (!fib_->set(change.entry, change.last_heard_ms)) {
            return false;
        }
    }
    for (const routing::OfferChange& change : rib_.take_offer_changes()) {
        index_->apply(change, now_ms_);
    }
    return true;
}

tl::expected<void, std::string> JoinsWorld::fill() {
    const std::vector<std::uint32_t> names = drawn_names();
    const auto start = Clock::now();
    for (std::uint32_t number = 0; number < plan_.agents; ++number) {
        const std::uint64_t drawn = routing::mix(number);
        std::vector<routing::Offer> offers;
        for (std::uint32_t i = 0; i < plan_.each; ++i) {
            offers.push_back({.priority = static_cast<std::uint16_t>(50 + drawn / 16 % 3),
                              .weight = static_cast<std::uint16_t>(10 + drawn / 64 % 990),
                              .text = name_text(names[std::size_t{number} * plan_.each + i])});
        }
        const bool step = (number + 1) % kStep == 0 || number + 1 == plan_.agents;
        if (auto added = add(number, std::move(offers)); !added.has_value()) {
            return added;
        }
        if (step && !apply()) {
            return tl::unexpected(std::string("the Fib has no room for an agent"));
        }
        if ((number + 1) % kSaidEach == 0) {
            std::fprintf(stderr,
                         "%u of %u agents are in, %.0f s\n",
                         number + 1,
                         plan_.agents,
                         seconds_since(start));
        }
    }
    filling_.register_s = seconds_since(start);
    return {};
}

tl::expected<void, std::string> JoinsWorld::publish_all() {
    const auto start = Clock::now();
    for (; index_->waiting() > 0; ++filling_.turns) {
        if (filling_.turns == kTurnsMax) {
            return tl::unexpected(std::string("some sets are never published"));
        }
        const auto turn = Clock::now();
        publish();
        filling_.longest_turn_ms = std::max(filling_.longest_turn_ms, seconds_since(turn) * 1e3);
    }
    filling_.publish_s = seconds_since(start);
    std::fprintf(stderr, "%u sets are published, %.0f s\n", sets_.taken(), filling_.publish_s);
    return {};
}

bool JoinsWorld::join(std::uint32_t stranger, std::uint32_t name) {
    routing::Registration agent;
    agent.agent = agent_id(plan_.agents + stranger);
    agent.endpoint.ip = *routing::IpAddress::from_text("10.0.0.3");
    agent.endpoint.udp_port = 5'000;
    agent.offers.push_back({.text = name_text(name)});
    return rib_.register_agent(std::move(agent), now_ms_).has_value() && apply();
}

const routing::ProviderSet* JoinsWorld::set_of(std::uint32_t name) const {
    const routing::FibEntry* const entry =
        fib_->find(routing::capability_key(routing::capability_id(name_text(name))));
    return entry == nullptr ? nullptr : sets_.read(entry->provider_set());
}

bool JoinsWorld::sees(std::uint32_t stranger, std::uint32_t name) const {
    const routing::ProviderSet* const set = set_of(name);
    const routing::FibEntry* const entry = fib_->find(agent_id(plan_.agents + stranger));
    const routing::Provider* const provider =
        set == nullptr || entry == nullptr ? nullptr : set->of_cell(entry->cell);
    return provider != nullptr && provider->agent == entry->agent;
}

std::size_t JoinsWorld::providers_of(std::uint32_t name) const {
    const routing::ProviderSet* const set = set_of(name);
    return set == nullptr ? 0 : set->providers().size();
}

}  // namespace posthaste::tools
