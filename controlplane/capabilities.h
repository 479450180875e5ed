// SPDX-License-Identifier: BSD-3-Clause
// Capabilities: from what agents offer to what lcores choose from. Control thread only.
//
// Drives the index by the Rib's changes, within [capabilities].
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "controlplane/cluster/providers_here.h"
#include "controlplane/config.h"
#include "controlplane/next_hops.h"
#include "controlplane/query.h"
#include "routing/capability_index.h"
#include "routing/discovery.h"
#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/provider_sets.h"
#include "routing/rib.h"

namespace posthaste::controlplane {

class Patterns;

class Capabilities final : public Directory, public ProvidersHere {
  public:
    // All outlive it; every reader is offline when it goes.
    Capabilities(routing::Rib& rib,
                 routing::Fib& fib,
                 routing::Grace& grace,
                 const NextHops& next_hops,
                 const CapabilitiesConfig& config);

    // Needs the Fib to have all the Rib's agents. Gives the patterns among what somebody offers
    // now, or nobody any more; their numbers are theirs until publish().
    [[nodiscard]] std::vector<std::uint32_t> take_changes(std::uint64_t now_ms);
    // Makes what is due visible to lcores; bounded work.
    void publish(std::uint64_t now_ms);

    void set_options(const CapabilitiesConfig& config);

    // Who is asked about names nobody offers; outlives the last call of providers().
    void match_by(Patterns& patterns) noexcept { patterns_ = &patterns; }

    // Who asks other routers; outlives the last call of discover().
    void discover_by(routing::Discovery& discovery) noexcept { discovery_ = &discovery; }

    [[nodiscard]] const routing::ProviderSet* providers(std::string_view name,
                                                        std::uint64_t now_ms) override;
    void discover(std::string_view name, std::uint64_t now_ms) override;
    [[nodiscard]] routing::Load load(const routing::Provider& provider) const override;
    [[nodiscard]] const routing::RouterMask& routers() const override;
    [[nodiscard]] std::string_view router_name(std::uint16_t router) const override;

    [[nodiscard]] std::vector<routing::AgentId> providers_here(const routing::AgentId& key,
                                                               std::size_t count) const override;

    [[nodiscard]] routing::ProviderSets& sets() noexcept { return sets_; }

    [[nodiscard]] const routing::ProviderSets& sets() const noexcept { return sets_; }

    [[nodiscard]] routing::CapabilityIndex& index() noexcept { return index_; }

    [[nodiscard]] const routing::CapabilityIndex& index() const noexcept { return index_; }

  private:
    routing::Rib& rib_;
    const routing::Fib& fib_;
    const NextHops& next_hops_;
    Patterns* patterns_ = nullptr;
    routing::Discovery* discovery_ = nullptr;
    routing::ProviderSets sets_;
    routing::CapabilityIndex index_;
};

}  // namespace posthaste::controlplane
