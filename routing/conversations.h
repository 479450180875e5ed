// SPDX-License-Identifier: BSD-3-Clause
// Conversations: which provider an lcore's late conversations with capabilities went to.
//
// Owned by one lcore. Set-associative: a line of 64 bytes holds eight conversations, each as 32
// bits of its key's hash and the cell of its provider. Two that agree in those bits and in the line
// are taken for one, 2^-29 of the questions: then a conversation begins where another is, which is
// a provider of its capability all the same, since ProviderSet asks whether it is. Where a line is
// full, the one that was not used for longest goes, more or less: the first four places of a line
// are not put in order at each use, so none that was used within the last four changes of its line
// is lost. A conversation is never too old; what it says is checked by whoever asks.
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
};

class Conversations {
  public:
    static constexpr std::uint32_t kNone = 0xffffffff;  // no cell

    // Room for at least so many, rounded up to a power of two lines of eight; all memory, 8 bytes
    // each, is taken here. The seed decides who shares a line: with a secret one a stranger cannot
    // choose whom to displace.
    explicit Conversations(std::size_t entries, std::uint64_t seed = 0);

    void prefetch(std::uint64_t key) const noexcept { prefetch_line(&line_of(hash(key))); }

    // The cell that was kept, or kNone.
    [[nodiscard]] std::uint32_t find(std::uint64_t key) noexcept;

    // `cell` is not kNone.
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

    [[nodiscard]] const ConversationStats& stats() const noexcept { return stats_; }

    [[nodiscard]] std::size_t capacity() const noexcept { return lines_count_ * kPlaces; }

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_count_ * sizeof(Line); }

  private:
    static constexpr std::size_t kPlaces = 8;
    static constexpr unsigned kUnordered = 4;  // places whose order is left as it is

    struct alignas(64) Line {
        std::array<std::uint32_t, kPlaces> tag;
        std::array<std::uint32_t, kPlaces> cell;  // kNone: free, as are all behind it
    };

    static_assert(sizeof(Line) == 64);

    [[nodiscard]] std::uint64_t hash(std::uint64_t key) const noexcept { return mix(key ^ seed_); }

    [[nodiscard]] Line& line_of(std::uint64_t hash) const noexcept {
        return lines_[hash >> 32 & (lines_count_ - 1)];
    }

    // kPlaces: nowhere. Free places are asked like the others and tell themselves by their cell.
    [[nodiscard]] static unsigned place_of(const Line& line, std::uint32_t tag) noexcept {
        const __m128i asked = _mm_set1_epi32(static_cast<int>(tag));
        const auto* four = reinterpret_cast<const __m128i*>(line.tag.data());
        const __m128i same = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(four), asked),
                                             _mm_cmpeq_epi32(_mm_load_si128(four + 1), asked));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(same));
        return static_cast<unsigned>(std::countr_zero(mask | 1U << 2 * kPlaces)) / 2;
    }

    static void put_first(Line& line,
                          unsigned from,
                          std::uint32_t tag,
                          std::uint32_t cell) noexcept;
    void keep_in(Line& line, unsigned place, std::uint32_t tag, std::uint32_t cell) noexcept;

    std::size_t lines_count_;
    std::uint64_t seed_;
    std::unique_ptr<Line[]> lines_;
    ConversationStats stats_;
};

}  // namespace posthaste::routing
