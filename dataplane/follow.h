// SPDX-License-Identifier: BSD-3-Clause
// follow: messages to any with a capability, of conversations that go on, go where the one before
// them went, while nothing has changed that this depended on. Neither the capability nor a provider
// is looked for then. A burst is followed as a whole before anything is chosen: a frame that moves
// its conversation, by another strategy, does so for the next burst. Lcore.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dataplane/burst.h"
#include "dataplane/capability_tables.h"
#include "routing/mix.h"
#include "routing/provider.h"

namespace posthaste::dataplane {

// All that decides where a conversation's frames go, but for who sends them, in a number. Each part
// times 64 bits that are drawn from the lcore's secret, so that nobody can have changes of several
// make up for each other: two that differ give the same number about once in 2^32 (multilinear
// hashing, Lemire and Kaser 2014: the upper half of the sum counts). Which capability is a
// part by itself, hashed under a secret: of the conversation Conversations knows only a hash of the
// key, and strangers may find conversations with two capabilities that have the same key.
class Reasons {
  public:
    // The seed is the lcore's secret, that of its Conversations.
    explicit Reasons(std::uint64_t seed) noexcept;

    // What is the same for all of a burst; `relayed`: by another router.
    void begin(const CapabilityTables& tables, bool relayed) noexcept;

    struct Parts {
        std::uint64_t hash = 0;  // of the conversation's key; most of it Conversations compares
        const routing::AgentId* capability = nullptr;
        std::uint32_t capability_changes = 0;  // of the Fib, read before the capability's entry
        std::uint32_t edition = 0;             // of the set, read before it
        unsigned strategy = 0;
        std::uint32_t entry_changes = 0;  // of the Fib, near the entry of who gets the frames
    };

    [[nodiscard]] std::uint32_t of(const Parts& parts) const noexcept {
        const bool sticky = parts.strategy == static_cast<unsigned>(routing::Strategy::sticky);
        std::uint64_t half[2];
        std::memcpy(half, parts.capability->bytes.data(), sizeof half);
        const std::uint64_t sum =
            all_ + (parts.hash & 0xffffff0000000000) +
            routing::folded_product(half[0] ^ which_[0], half[1] ^ which_[1]) +
            capability_ * parts.capability_changes + edition_ * parts.edition +
            entry_ * parts.entry_changes + (sticky ? sticky_ : 0U);
        return static_cast<std::uint32_t>(sum >> 32);
    }

  private:
    std::array<std::uint64_t, 2> which_;
    std::uint64_t capability_;
    std::uint64_t edition_;
    std::uint64_t entry_;
    std::uint64_t sticky_;
    std::uint64_t routers_;
    std::uint64_t relayed_;
    std::uint64_t local_first_;
    std::uint64_t all_ = 0;  // parts that begin() knows
};

// The conversations of a burst's lanes to_any. A worker's.
struct Conversing {
    explicit Conversing(std::uint64_t seed) noexcept : reasons(seed) {}

    std::array<std::uint64_t, kBurstMax> key;  // conversation_key()
    std::array<std::uint64_t, kBurstMax> hash;
    std::array<std::uint32_t, kBurstMax> capability_changes;
    Reasons reasons;
    std::uint64_t generation = 0;  // of the index that knew the capabilities
    bool mostly_new = false;       // of the last burst that had some more than half had no way
};

// Before follow(), so that its lines travel meanwhile: of lanes to_any.
void begin_conversations(const Burst& burst,
                         LaneMask lanes,
                         Conversing& conversing,
                         const CapabilityTables& tables) noexcept;

// Sets target and to of lanes to_any that have a way, and `followed`. Gives the others of them.
LaneMask follow(Burst& burst, Conversing& conversing, const CapabilityTables& tables) noexcept;

// For the next frame like this one: it would go to the provider as well, by that entry. Of a lane
// to_any that was not followed, and so of none that a policy redirected: those are chosen for each
// time. `edition` of the set, read before it.
void note_way(const Burst& burst,
              unsigned lane,
              const Conversing& conversing,
              std::uint32_t edition,
              std::uint32_t set,
              const routing::Provider& provider,
              const routing::FibEntry& entry,
              const CapabilityTables& tables) noexcept;

}  // namespace posthaste::dataplane
