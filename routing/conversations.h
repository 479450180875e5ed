// SPDX-License-Identifier: BSD-3-Clause
// Conversations: which provider an lcore's late conversations with capabilities went to.
//
// Owned by one lcore. Set-associative: a line of 64 bytes holds four conversations, each as 32 bits
// of its key's hash, the cell of its provider, and where its frames went at last. Two that agree in
// those bits and in the line are taken for one, 2^-30 of the questions: then a conversation begins
// where another is. Where a line is full, one goes: a new conversation takes the third place, the
// one that had it the last, and only who is used again comes first. So any number of conversations
// of a single frame displaces none that goes on and has one of the first two places; those are not
// put in order at each use, and none that was used within the last two changes of its line is lost.
// A conversation is never too old; what it says is checked by whoever asks.
#pragma once

#include <emmintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "routing/mix.h"
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

    // By which Fib entry the last frame went, and all that this depended on, in a number: while
    // that is the same, the next one goes there, too. Said and understood by the table's owner.
    struct Way {
        std::uint32_t entry = 0;  // 0: none
        std::uint32_t reasons = 0;
    };

    // Room for at least so many, rounded up to a power of two lines of four; all memory, 16 bytes
    // each, is taken here. The seed decides who shares a line: with a secret one a stranger cannot
    // choose whom to displace.
    explicit Conversations(std::size_t entries, std::uint64_t seed = 0);

    // Of a table with room for so many.
    [[nodiscard]] static std::size_t planned_bytes(std::size_t entries) noexcept;

    // What a key is looked for by; whoever asks more than once keeps it.
    [[nodiscard]] std::uint64_t hash(std::uint64_t key) const noexcept { return mix(key ^ seed_); }

    void prefetch(std::uint64_t hash) const noexcept { prefetch_line(&line_of(hash)); }

    // The cell that was kept, or kNone.
    [[nodiscard]] std::uint32_t find(std::uint64_t key) noexcept;

    // Forgets the way if it leads to another cell. `cell` is not kNone.
    void keep(std::uint64_t key, std::uint32_t cell) noexcept {
        const std::uint64_t hashed = hash(key);
        const auto tag = static_cast<std::uint32_t>(hashed);
        Line& line = line_of(hashed);
        const unsigned place = place_of(line, tag);
        if (place < kUnordered && line.cell[place] == cell) {
            return;
        }
        keep_in(line, place, tag, cell);
    }

    // The way that was noted for the key of that hash. Counts as use, but not as a hit: confirm().
    [[nodiscard]] Way recall(std::uint64_t hash) noexcept {
        Line& line = line_of(hash);
        const unsigned place = place_of(line, static_cast<std::uint32_t>(hash));
        if (place == kPlaces) {
            return {};
        }
        const Way way{line.entry[place], line.reasons[place]};
        if (place >= kUnordered && way.entry != 0) {
            put_first(line, place);
        }
        return way;
    }

    // For a conversation that was kept with the cell; else nothing.
    void note(std::uint64_t hash, std::uint32_t cell, Way way) noexcept;

    // For its owner to draw from whatever is not for others to foresee.
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

    // So many of the ways that were recalled still led to somebody.
    void confirm(std::uint64_t count) noexcept { stats_.hit += count; }

    [[nodiscard]] const ConversationStats& stats() const noexcept { return stats_; }

    [[nodiscard]] std::size_t capacity() const noexcept { return lines_count_ * kPlaces; }

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_count_ * sizeof(Line); }

  private:
    static constexpr std::size_t kPlaces = 4;
    static constexpr unsigned kUnordered = 2;  // places whose order is left as it is
    static constexpr unsigned kEntrance = 2;   // where new ones come in

    using Row = std::array<std::uint32_t, kPlaces>;

    struct alignas(64) Line {
        Row tag;
        Row cell;  // kNone: free, as are all behind it
        Row entry;
        Row reasons;
    };

    static_assert(sizeof(Line) == 64);

    [[nodiscard]] Line& line_of(std::uint64_t hash) const noexcept {
        return lines_[hash >> 32 & (lines_count_ - 1)];
    }

    // kPlaces: nowhere. Free places are asked like the others and tell themselves by their cell.
    [[nodiscard]] static unsigned place_of(const Line& line, std::uint32_t tag) noexcept {
        const __m128i asked = _mm_set1_epi32(static_cast<int>(tag));
        const __m128i held = _mm_load_si128(reinterpret_cast<const __m128i*>(line.tag.data()));
        const int mask = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(held, asked)));
        return static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(mask) | 1U << kPlaces));
    }

    // The places before `from` move up by one, and what was at `from` is at the first place.
    static void put_first(Line& line, unsigned from) noexcept;
    void keep_in(Line& line, unsigned place, std::uint32_t tag, std::uint32_t cell) noexcept;

    std::size_t lines_count_;
    std::uint64_t seed_;
    std::unique_ptr<Line[]> lines_;
    ConversationStats stats_;
};

}  // namespace posthaste::routing
