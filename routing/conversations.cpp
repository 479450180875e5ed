// SPDX-License-Identifier: BSD-3-Clause
#include "routing/conversations.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>

#include "routing/check.h"
#include "routing/mix.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kLinesMax = std::size_t{1} << 32;  // as many as half of the hash tells apart
constexpr unsigned kUnordered = 4;                       // places whose order is left as it is

}  // namespace

Conversations::Conversations(std::size_t entries, std::uint64_t seed)
    : lines_count_(std::bit_ceil(std::max<std::size_t>(1, (entries + kPlaces - 1) / kPlaces))),
      seed_(seed) {
    CHECK(lines_count_ <= kLinesMax);
    lines_ = std::make_unique<Line[]>(lines_count_);
    for (std::size_t line = 0; line < lines_count_; ++line) {
        lines_[line].cell.fill(kNone);
    }
}

std::uint64_t Conversations::hash(std::uint64_t key) const noexcept {
    return mix(key ^ seed_);
}

// kPlaces: nowhere. Free places are asked like the others and tell themselves by their cell.
unsigned Conversations::place_of(const Line& line, std::uint32_t tag) noexcept {
    const __m128i asked = _mm_set1_epi32(static_cast<int>(tag));
    const auto* four = reinterpret_cast<const __m128i*>(line.tag.data());
    const __m128i same = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(four), asked),
                                         _mm_cmpeq_epi32(_mm_load_si128(four + 1), asked));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(same));
    return static_cast<unsigned>(std::countr_zero(mask | 1U << 2 * kPlaces)) / 2;
}

// The places before `from` move up by one, what was at `from` is gone.
void Conversations::put_first(Line& line,
                              unsigned from,
                              std::uint32_t tag,
                              std::uint32_t cell) noexcept {
    for (unsigned place = from; place > 0; --place) {
        line.tag[place] = line.tag[place - 1];
        line.cell[place] = line.cell[place - 1];
    }
    line.tag[0] = tag;
    line.cell[0] = cell;
}

std::uint32_t Conversations::find(std::uint64_t key) noexcept {
    const std::uint64_t hashed = hash(key);
    const auto tag = static_cast<std::uint32_t>(hashed);
    Line& line = line_of(hashed);
    const unsigned place = place_of(line, tag);
    if (place == kPlaces || line.cell[place] == kNone) {
        return kNone;
    }
    ++stats_.hit;
    const std::uint32_t cell = line.cell[place];
    if (place >= kUnordered) {
        put_first(line, place, tag, cell);
    }
    return cell;
}

void Conversations::keep(std::uint64_t key, std::uint32_t cell) noexcept {
    const std::uint64_t hashed = hash(key);
    const auto tag = static_cast<std::uint32_t>(hashed);
    Line& line = line_of(hashed);
    const unsigned place = place_of(line, tag);
    if (place == kPlaces || line.cell[place] == kNone) {
        ++stats_.kept;
        stats_.displaced += line.cell[kPlaces - 1] != kNone ? 1 : 0;
        put_first(line, kPlaces - 1, tag, cell);
        return;
    }
    if (line.cell[place] != cell) {
        ++stats_.kept;
        line.cell[place] = cell;
    }
    if (place >= kUnordered) {
        put_first(line, place, tag, cell);
    }
}

}  // namespace posthaste::routing
