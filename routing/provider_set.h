// SPDX-License-Identifier: BSD-3-Clause
// ProviderSet: all providers of one capability, immutable, and how to choose among them in a time
// that does not depend on their number.
//
// Made on the control thread from the one before it and what changed: linear in the set, a few
// nanoseconds a provider. Read by lcores, published by ProviderSets.
//
// One piece of memory: about 130 bytes a provider (28 itself, 93 its points in the ring, 6 to 12
// the way from a cell to it, 4 if it is at another router); where some are here and others are not,
// 93 more for each one here; where weights differ, 8 more.
//
// What a choice costs at most, whoever is out: kWalk points a probe, kTries draws, kScan providers,
// then all routers once. Only after all of these it may be less than what the strategy asks for
// (an available provider of a lower priority, say); it is null only if nobody is available.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "routing/conversations.h"
#include "routing/mix.h"
#include "routing/provider.h"
#include "routing/provider_ring.h"
#include "routing/router_mask.h"

namespace posthaste::routing {

class LoadCells;

struct ProviderChange {
    bool remove = false;  // only provider.agent counts
    Provider provider;    // at a router below RouterMask::kRoutersMax, or here
};

// One frame's question.
struct Ask {
    std::uint64_t key = 0;            // conversation_key(): the same for all of a conversation
    const AgentId* sender = nullptr;  // never chosen
    Strategy strategy = Strategy::sticky;
    bool local_only = false;   // relayed frames: a router chooses among its own agents
    bool local_first = false;  // others only if none here is available
    // Routers that chose for this message before. Each draws apart from the others: a draw like
    // theirs would fall where theirs fell. Says nothing to a sticky choice, whose winner is theirs.
    std::uint8_t chosen_before = 0;
    // What ProviderSet::foresee() said, asked with local_only or local_first; or nothing.
    std::uint32_t foreseen = 0xffffffff;
};

// What a choice looks at beside the set. An lcore's.
struct ChoiceContext {
    const RouterMask& routers;
    const LoadCells& loads;
    Conversations& conversations;
    // Said by choose(), where it chose somebody: all else equal, whoever asks next in the same
    // conversation gets the same answer, unless he is that himself. Not so where the choice fell on
    // another than it would have for others, or might have.
    bool same_for_others = false;
};

// Mixes the two; the same on every box. Halves of the id as little-endian words: the product of
// conversation ^ first half and second half ^ kMixStep, its lower 64 bits ^ its upper ones; that
// ^ its own upper 32 bits, times kMixStep modulo 2^64; that ^ itself >> 29. Whoever searches finds
// pairs of the same key, and where the conversation is the first half it is 0.
[[nodiscard]] inline std::uint64_t conversation_key(std::uint64_t conversation,
                                                    const AgentId& capability) noexcept {
    std::uint64_t half[2];
    std::memcpy(half, capability.bytes.data(), sizeof half);
    const std::uint64_t folded = folded_product(conversation ^ half[0], half[1] ^ kMixStep);
    const std::uint64_t spread = (folded ^ folded >> 32) * kMixStep;
    return spread ^ spread >> 29;
}

class ProviderSet {
  public:
    static constexpr std::uint32_t kWalk = 32;
    static constexpr std::uint32_t kTries = 8;
    static constexpr std::uint32_t kScan = 1'024;

    // `before` may be null. Changes in order; removing who is not in is nothing, adding who is in
    // replaces. The result depends on what is in alone, not on the way there.
    [[nodiscard]] static std::unique_ptr<const ProviderSet> make(
        const ProviderSet* before, std::span<const ProviderChange> changes);
    // Everybody of all of them, each agent once, with its highest priority and the weight it has
    // there.
    [[nodiscard]] static std::unique_ptr<const ProviderSet> make_union(
        std::span<const ProviderSet* const> sets);
    ~ProviderSet() = default;
    ProviderSet(const ProviderSet&) = delete;
    ProviderSet& operator=(const ProviderSet&) = delete;
    static void operator delete(void* set);

    // Those here before those at other routers; in each, running, draining, stopped; then by
    // falling priority, then by id.
    [[nodiscard]] std::span<const Provider> providers() const noexcept {
        return {providers_, count_};
    }

    // The running ones, in the same order.
    [[nodiscard]] std::span<const Provider> local() const noexcept {
        return {providers_, local_running_};
    }

    [[nodiscard]] std::span<const Provider> remote() const noexcept {
        return {providers_ + local_, remote_running_};
    }

    // How many are running where no router is out: local() and part of remote(). Linear in
    // routers().
    [[nodiscard]] std::size_t available(const RouterMask& routers) const noexcept;

    // Routers that have running ones, each once, ascending.
    [[nodiscard]] std::span<const std::uint16_t> routers() const noexcept {
        return {routers_, router_count_};
    }

    // --- lcores ---
    // Brings what choose() will read for the key nearer: first the set itself, a few frames later
    // the places of the key in its ring.
    void prefetch() const noexcept {
        prefetch_line(this);
        prefetch_line(reinterpret_cast<const char*>(this) + 64);
    }

    void prefetch(std::uint64_t key) const noexcept {
        if (all_.count() != 0) {
            all_.prefetch(key);
        }
    }

    // Whom a sticky choice looks at first, and brings him nearer too. Optional.
    [[nodiscard]] std::uint32_t foresee(std::uint64_t key, bool local_only) const noexcept;

    // Null: nobody is available.
    [[nodiscard]] const Provider* choose(const Ask& ask, ChoiceContext& context) const noexcept {
        if (ask.strategy == Strategy::sticky && ask.foreseen < count_) [[likely]] {
            const Provider& provider = providers_[ask.foreseen];
            if (provider.state == AgentState::running && !context.routers.out(provider.router) &&
                (ask.sender == nullptr || provider.agent != *ask.sender)) [[likely]] {
                context.conversations.keep(ask.key, provider.cell);
                context.same_for_others = true;
                return &provider;
            }
        }
        return choose_with_care(ask, context);
    }

    // Null: no provider has this cell.
    [[nodiscard]] const Provider* of_cell(std::uint32_t cell) const noexcept;

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return bytes_; }

  private:
    friend class ProviderSetBuilder;
    friend class ProviderChoice;

    // Two rows of the providers: some of those here and some of the others.
    struct Pool {
        std::uint32_t first = 0;
        std::uint32_t count = 0;
        std::uint32_t remote_first = 0;
        std::uint32_t remote_count = 0;

        [[nodiscard]] std::uint32_t size() const noexcept { return count + remote_count; }

        [[nodiscard]] std::uint32_t at(std::uint32_t i) const noexcept {
            return i < count ? first + i : remote_first + (i - count);
        }
    };

    // Of an alias table (Walker 1977, Vose 1991): of 2^32 values those below the threshold are the
    // column's own.
    struct Column {
        std::uint32_t threshold = 0;
        std::uint32_t other = 0;
    };

    ProviderSet() = default;

    [[nodiscard]] const Provider* choose_with_care(const Ask& ask,
                                                   ChoiceContext& context) const noexcept;

    // Those who may get new conversations.
    [[nodiscard]] Pool running(bool local_only) const noexcept {
        return {0, local_running_, local_, local_only ? 0 : remote_running_};
    }

    [[nodiscard]] static std::uint32_t cell_hash(std::uint32_t cell) noexcept {
        return cell * static_cast<std::uint32_t>(kMixStep >> 32 | 1);
    }

    // What every choice reads is in the first line.
    ProviderRing all_;  // running and draining
    const Provider* providers_ = nullptr;
    const std::uint32_t* cells_ = nullptr;  // open addressing: number of a provider + 1, 0: none
    std::uint32_t count_ = 0;
    std::uint32_t local_ = 0;  // how many are here
    std::uint32_t local_running_ = 0;
    std::uint32_t remote_running_ = 0;
    std::uint32_t cells_shift_ = 32;  // from a cell's hash to its place
    std::uint32_t group_count_ = 0;
    const Column* weighted_ = nullptr;  // of running(false), in its order; null: all weigh the same
    const Column* weighted_local_ = nullptr;  // of running(true), likewise
    const Pool* groups_ = nullptr;            // the running ones of a priority, falling
    ProviderRing local_ring_;  // of all_ those who are here; the same memory if all are
    const std::uint16_t* routers_ = nullptr;
    const std::uint32_t* router_starts_ = nullptr;   // by router: the first of its running ones in
    const std::uint32_t* router_members_ = nullptr;  // this, numbers of providers; and the end
    std::uint32_t router_count_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace posthaste::routing
