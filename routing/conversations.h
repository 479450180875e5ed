// SPDX-License-Identifier: BSD-3-Clause
// Conversations: which provider an lcore's late conversations with capabilities went to.
//
// Owned by one lcore. Set-associative: two lines of 64 bytes hold four conversations, each as 32
// bits of its key's hash, the cell of its provider, and where its frames went at last. Two that
// agree in those bits and in the set are taken for one, 2^-30 of the questions: then a conversation
// begins where another is. Where a set is full, one goes: a new conversation takes the third place,
// the one that had it the last, and only who is used again comes first. So any number of
// conversations of a single frame displaces none that goes on and has one of the first two places,
// which lie in the first line; those are not put in order at each use, and none that was used
// within the last two changes of its set is lost. A conversation is never too old; what it says is
// checked by whoever asks.
#pragma once

#include <emmintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "routing/mix.h"
#include "routing/next_hop.h"
#include "routing/prefetch.h"

namespace posthaste::routing {

// Counted by the table, for its owner to publish.
struct ConversationStats {
    std::uint64_t kept = 0;       // new, or with another provider than before
    std::uint64_t hit = 0;        // asked for and known
    std::uint64_t displaced = 0;  // forgotten for another's sake
    std::uint64_t held = 0;       // now
};

class Conversations {
  public:
    static constexpr std::uint32_t kNone = 0xffffffff;  // no cell

    // Where the last frame went, and all that this depended on, in a number: while that is the
    // same, the next one goes there, too. Said and understood by the table's owner.
    struct Way {
        std::uint32_t entry = 0;  // number of a Fib entry, 1 .. kNumberMax
        std::uint32_t set = 0;    // number of a ProviderSet, up to kNumberMax
        std::uint32_t reasons = 0;
        std::uint32_t mark = 0;  // of the recipient, below kMarks
        NextHop to = NextHop::elsewhere();
    };

    static constexpr unsigned kMarks = 32;
    static constexpr std::uint32_t kNumberMax = (1U << 27) - 1;

    // The same as it is kept. 24 bytes, so that two and the tags fill a line.
    class PackedWay {
      public:
        // 0: there is none.
        [[nodiscard]] std::uint32_t entry() const noexcept { return entry_ & kNumberMax; }

        [[nodiscard]] std::uint32_t set() const noexcept { return set_ & kNumberMax; }

        [[nodiscard]] std::uint32_t reasons() const noexcept { return reasons_; }

        [[nodiscard]] std::uint32_t mark() const noexcept { return set_ >> kNumberBits; }

        [[nodiscard]] std::uint32_t where() const noexcept { return entry_ >> kNumberBits; }

        [[nodiscard]] NextHop to() const noexcept { return NextHop::of(words_, where()); }

        void write(const Way& way) noexcept {
            set_ = way.set | way.mark << kNumberBits;
            reasons_ = way.reasons;
            words_ = way.to.words();
            entry_ = way.entry | way.to.where() << kNumberBits;
        }

        void clear() noexcept { entry_ = 0; }

      private:
        static constexpr unsigned kNumberBits = 27;

        std::uint32_t set_ = 0;  // above the number: the mark
        std::uint32_t reasons_ = 0;
        std::array<std::uint32_t, NextHop::kWords> words_{};
        std::uint32_t entry_ = 0;  // above the number: NextHop::where()
    };

    // Room for at least so many, rounded up to a power of two sets of four; all memory, 32 bytes
    // each, is taken here. The seed decides who shares a set: with a secret one a stranger cannot
    // choose whom to displace.
    explicit Conversations(std::size_t entries, std::uint64_t seed = 0);

    // Of a table with room for so many.
    [[nodiscard]] static std::size_t planned_bytes(std::size_t entries) noexcept;

    // What a key is looked for by; whoever asks more than once keeps it.
    [[nodiscard]] std::uint64_t hash(std::uint64_t key) const noexcept {
        return folded_product(key ^ seed_, factor_);
    }

    void prefetch(std::uint64_t hash) const noexcept { prefetch_line(&set_of(hash)); }

    // The cell that was kept, or kNone.
    [[nodiscard]] std::uint32_t find(std::uint64_t key) noexcept;

    // Forgets the way if it leads to another cell. `cell` is not kNone.
    void keep(std::uint64_t key, std::uint32_t cell) noexcept {
        const std::uint64_t hashed = hash(key);
        const auto tag = static_cast<std::uint32_t>(hashed);
        Set& set = set_of(hashed);
        const unsigned place = place_of(set, tag);
        if (place < kUnordered && set.cell[place] == cell) {
            return;
        }
        keep_in(set, place, tag, cell);
    }

    // The way that was noted for the key of that hash, until the next call for any key; null: none.
    // Counts as use, but not as a hit: confirm().
    [[nodiscard]] const PackedWay* recall(std::uint64_t hash) noexcept {
        Set& set = set_of(hash);
        const unsigned place = place_of(set, static_cast<std::uint32_t>(hash));
        if (place == kPlaces || set.way[place].entry() == 0) {
            return nullptr;
        }
        return &set.way[place < kUnordered ? place : put_first(set, place)];
    }

    // For a conversation that was kept with the cell; else nothing.
    void note(std::uint64_t hash, std::uint32_t cell, const Way& way) noexcept;

    // So many of the ways that were recalled still led to somebody.
    void confirm(std::uint64_t count) noexcept { stats_.hit += count; }

    [[nodiscard]] const ConversationStats& stats() const noexcept { return stats_; }

    [[nodiscard]] std::size_t capacity() const noexcept { return sets_count_ * kPlaces; }

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return sets_count_ * sizeof(Set); }

  private:
    static constexpr std::size_t kPlaces = 4;
    static constexpr unsigned kUnordered = 2;  // places whose order is left as it is
    static constexpr unsigned kEntrance = 2;   // where new ones come in

    using Row = std::array<std::uint32_t, kPlaces>;

    struct alignas(128) Set {
        Row tag{};
        std::array<PackedWay, kPlaces> way{};
        Row cell{kNone, kNone, kNone, kNone};  // kNone: free, as are all behind it
    };

    static_assert(sizeof(PackedWay) == 24 && sizeof(Set) == 128);

    [[nodiscard]] Set& set_of(std::uint64_t hash) const noexcept {
        return sets_[hash >> 32 & (sets_count_ - 1)];
    }

    // kPlaces: nowhere. Free places are asked like the others and tell themselves by their cell,
    // and have no way.
    [[nodiscard]] static unsigned place_of(const Set& set, std::uint32_t tag) noexcept {
        const __m128i asked = _mm_set1_epi32(static_cast<int>(tag));
        const __m128i held = _mm_load_si128(reinterpret_cast<const __m128i*>(set.tag.data()));
        const int mask = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(held, asked)));
        return static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(mask) | 1U << kPlaces));
    }

    // The places before `from` move up by one, and what was at `from` is at the first place: 0.
    static unsigned put_first(Set& set, unsigned from) noexcept;
    void keep_in(Set& set, unsigned place, std::uint32_t tag, std::uint32_t cell) noexcept;

    std::size_t sets_count_;
    std::uint64_t seed_;
    std::uint64_t factor_;  // odd, drawn from the seed
    std::unique_ptr<Set[]> sets_;
    ConversationStats stats_;
};

}  // namespace posthaste::routing
