// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/capabilities.h"

#include <algorithm>

#include "controlplane/patterns.h"
#include "routing/capability_name.h"

namespace posthaste::controlplane {

namespace {

// A set for each name and pattern, for each combination of patterns that names match, and some
// that await their grace period.
std::uint32_t set_count(const CapabilitiesConfig& config) noexcept {
    constexpr std::uint32_t kSlackMin = 64;
    const std::uint32_t live =
        config.names_max + config.patterns_max + (config.patterns_max == 0 ? 0 : config.name_cache);
    return live + std::max(kSlackMin, live / 16);
}

routing::CapabilityIndexOptions index_options(const CapabilitiesConfig& config) noexcept {
    routing::CapabilityIndexOptions options;
    options.publish_ms = config.publish_ms;
    return options;
}

}  // namespace

Capabilities::Capabilities(routing::Rib& rib,
                           routing::Fib& fib,
                           routing::Grace& grace,
                           const NextHops& next_hops,
                           const CapabilitiesConfig& config)
    : rib_(rib),
      fib_(fib),
      next_hops_(next_hops),
      sets_(grace, set_count(config)),
      index_(rib.names(), sets_, fib, index_options(config)) {}

std::vector<std::uint32_t> Capabilities::take_changes(std::uint64_t now_ms) {
    std::vector<std::uint32_t> patterns;
    for (const routing::OfferChange& change : rib_.take_offer_changes()) {
        index_.apply(change, now_ms);
        if (rib_.names().at(change.number).kind != routing::OfferKind::name) {
            patterns.push_back(change.number);
        }
    }
    return patterns;
}

void Capabilities::publish(std::uint64_t now_ms) {
    index_.publish(now_ms, static_cast<std::uint32_t>(rib_.version()));
}

void Capabilities::set_options(const CapabilitiesConfig& config) {
    index_.set_options(index_options(config));
}

const routing::ProviderSet* Capabilities::providers(std::string_view name, std::uint64_t now_ms) {
    const std::uint32_t offer = rib_.names().find(routing::OfferKind::name, name);
    if (const routing::ProviderSet* const set = index_.providers_of(offer); set != nullptr) {
        return set;
    }
    const routing::AgentId id = routing::capability_id(name);
    if (offer != 0 || patterns_ == nullptr || !patterns_->any() ||
        patterns_->answer(id, name, now_ms, static_cast<std::uint32_t>(rib_.version())) !=
            Patterns::Answer::matched) {
        return nullptr;
    }
    const routing::FibEntry* const entry = fib_.find(routing::capability_key(id));
    return entry == nullptr ? nullptr : sets_.read(entry->provider_set());
}

void Capabilities::discover(std::string_view name, std::uint64_t now_ms) {
    // What is offered by now is known here, and about to be shown.
    if (discovery_ != nullptr && rib_.names().find(routing::OfferKind::name, name) == 0) {
        static_cast<void>(
            discovery_->want(routing::capability_key(routing::capability_id(name)), now_ms));
    }
}

std::vector<routing::AgentId> Capabilities::providers_here(const routing::AgentId& key,
                                                           std::size_t count) const {
    std::vector<routing::AgentId> agents;
    const routing::FibEntry* const entry = fib_.find(key);
    const routing::ProviderSet* const set =
        entry == nullptr || entry->kind != routing::RouteKind::capability
            ? nullptr
            : sets_.read(entry->provider_set());
    if (set != nullptr) {
        const auto here = set->local();
        for (const routing::Provider& provider : here.first(std::min(count, here.size()))) {
            agents.push_back(provider.agent);
        }
    }
    return agents;
}

routing::Load Capabilities::load(const routing::Provider& provider) const {
    return fib_.loads().get(provider.cell);
}

const routing::RouterMask& Capabilities::routers() const {
    return fib_.routers();
}

std::string_view Capabilities::router_name(std::uint16_t router) const {
    const auto& routers = next_hops_.routers();
    return router < routers.size() ? std::string_view(routers[router].config.name) : "";
}

}  // namespace posthaste::controlplane
