// SPDX-License-Identifier: BSD-3-Clause
// ProviderSet: all providers of one capability, immutable, and how to choose among them in a time
// that does not depend on their number.
//
// Made on the control thread from the one before it and what changed: linear in the set, a few
// nanoseconds a provider. Read by lcores, published by ProviderSets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "routing/provider.h"

namespace posthaste::routing {

class Conversations;
class LoadCells;

struct ProviderChange {
    bool remove = false;  // only provider.agent counts
    Provider provider;
};

// One frame's question.
struct Ask {
    std::uint64_t key = 0;            // conversation_key(): the same for all of a conversation
    const AgentId* sender = nullptr;  // never chosen
    Strategy strategy = Strategy::sticky;
    bool local_only = false;   // relayed frames: a router chooses among its own agents
    bool local_first = false;  // others only if none here is available
};

// What a choice looks at beside the set. An lcore's.
struct ChoiceContext {
    const RouterMask& routers;
    const LoadCells& loads;
    Conversations& conversations;
};

// Mixes the two; the same on every box.
[[nodiscard]] std::uint64_t conversation_key(std::uint64_t conversation,
                                             const AgentId& capability) noexcept;

class ProviderSet {
  public:
    // `before` may be null. Changes in order; removing who is not in is nothing, adding who is in
    // replaces. The result depends on what is in alone, not on the way there.
    [[nodiscard]] static std::unique_ptr<const ProviderSet> make(
        const ProviderSet* before, std::span<const ProviderChange> changes);
    // Everybody of all of them, each agent once, with its highest priority.
    [[nodiscard]] static std::unique_ptr<const ProviderSet> make_union(
        std::span<const ProviderSet* const> sets);
    ~ProviderSet();
    ProviderSet(const ProviderSet&) = delete;
    ProviderSet& operator=(const ProviderSet&) = delete;

    // Those here before those at other routers; in each, running, draining, stopped; then by
    // falling priority, then by id.
    [[nodiscard]] std::span<const Provider> providers() const noexcept;
    // The running ones, in the same order.
    [[nodiscard]] std::span<const Provider> local() const noexcept;
    [[nodiscard]] std::span<const Provider> remote() const noexcept;
    // Routers that have running ones, each once, ascending.
    [[nodiscard]] std::span<const std::uint16_t> routers() const noexcept;

    // --- lcores ---
    // Brings what choose() will read for the key nearer. First of the set itself, then (a few
    // frames later) of the place of the key in it.
    void prefetch() const noexcept;
    void prefetch(std::uint64_t key) const noexcept;
    // Null: nobody is available.
    [[nodiscard]] const Provider* choose(const Ask& ask, ChoiceContext& context) const noexcept;

    [[nodiscard]] std::size_t memory_bytes() const noexcept;

  private:
    ProviderSet();
    struct Content;
    std::unique_ptr<Content> content_;
};

}  // namespace posthaste::routing
