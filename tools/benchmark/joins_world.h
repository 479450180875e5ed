// SPDX-License-Identifier: BSD-3-Clause
// What the joins benchmark changes: a Rib, a Fib and a CapabilityIndex as the control thread has
// them, full of agents that each offer several capabilities, and what an lcore sees of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "routing/capability_index.h"
#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/provider_sets.h"
#include "routing/rib.h"

namespace posthaste::tools {

struct JoinsPlan {
    std::uint32_t agents = 0;  // half of them are here, the others have routes
    std::uint32_t each = 0;    // capabilities of an agent, at least one
    std::uint32_t small = 0;   // providers of a capability, but for one
    std::uint32_t large = 0;   // providers of that one, at most `agents`
    std::uint32_t joins = 0;   // agents there is room for beside those

    // Small capabilities. Agents that have the large one have one small one less.
    [[nodiscard]] std::uint32_t names() const noexcept {
        return names_of_full_draws() + names_of_last();
    }

    // A draw gives one capability to each agent; the last one gives the large one, too.
    [[nodiscard]] std::uint32_t names_a_draw() const noexcept { return agents / small; }

    [[nodiscard]] std::uint32_t names_of_full_draws() const noexcept {
        return (each - 1) * names_a_draw();
    }

    [[nodiscard]] std::uint32_t names_of_last() const noexcept { return (agents - large) / small; }
};

// What came of filling it.
struct JoinsFilling {
    double register_s = 0;       // Rib, Fib and what the index was told
    double publish_s = 0;        // all sets
    double longest_turn_ms = 0;  // of those that published them
    std::uint64_t turns = 0;
};

class JoinsWorld {
  public:
    // Says on stderr how far it is. Needs a running EAL.
    [[nodiscard]] static tl::expected<std::unique_ptr<JoinsWorld>, std::string> make(
        const JoinsPlan& plan);

    // What EAL's memory has to have room for.
    [[nodiscard]] static std::uint32_t routes_for(const JoinsPlan& plan) noexcept;

    // `name` below this is a small capability's, this is the large one's.
    [[nodiscard]] std::uint32_t large_name() const noexcept { return plan_.names(); }

    // An agent nobody knew registers here and offers that capability: what the control thread does
    // in the cycle of its frame, but for the publication. False: refused.
    [[nodiscard]] bool join(std::uint32_t stranger, std::uint32_t name);

    // The control thread's cycle; time is the world's own.
    void publish() { index_->publish(now_ms_, static_cast<std::uint32_t>(rib_.version())); }

    void pass(std::uint64_t ms) noexcept { now_ms_ += ms; }

    // As an lcore would: from the capability's id to the agent in the published set.
    [[nodiscard]] bool sees(std::uint32_t stranger, std::uint32_t name) const;
    [[nodiscard]] std::size_t providers_of(std::uint32_t name) const;

    [[nodiscard]] std::uint32_t publish_ms() const noexcept { return options_.publish_ms; }

    [[nodiscard]] const routing::CapabilityCounts& counts() const { return index_->counts(); }

    [[nodiscard]] const routing::ProviderSets& sets() const noexcept { return sets_; }

    [[nodiscard]] const routing::Fib& fib() const noexcept { return *fib_; }

    [[nodiscard]] const routing::Rib& rib() const noexcept { return rib_; }

    [[nodiscard]] const JoinsFilling& filling() const noexcept { return filling_; }

  private:
    JoinsWorld(const JoinsPlan& plan,
               std::unique_ptr<routing::Grace> grace,
               std::unique_ptr<routing::Fib> fib);

    [[nodiscard]] std::vector<std::uint32_t> drawn_names() const;
    [[nodiscard]] tl::expected<void, std::string> add(std::uint32_t number,
                                                      std::vector<routing::Offer> offers);
    [[nodiscard]] bool apply();
    [[nodiscard]] tl::expected<void, std::string> fill();
    [[nodiscard]] tl::expected<void, std::string> publish_all();
    [[nodiscard]] const routing::ProviderSet* set_of(std::uint32_t name) const;

    JoinsPlan plan_;
    routing::CapabilityIndexOptions options_;
    std::uint64_t now_ms_ = 1'000;
    std::unique_ptr<routing::Grace> grace_;
    std::unique_ptr<routing::Fib> fib_;
    routing::Rib rib_;
    routing::ProviderSets sets_;
    std::unique_ptr<routing::CapabilityIndex> index_;
    JoinsFilling filling_;
};

}  // namespace posthaste::tools
