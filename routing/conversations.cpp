// SPDX-License-Identifier: BSD-3-Clause
#include "routing/conversations.h"

#include <algorithm>
#include <bit>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kSetsMax = std::size_t{1} << 32;  // as many as half of the hash tells apart

}  // namespace

std::size_t Conversations::planned_bytes(std::size_t entries) noexcept {
    return std::bit_ceil(std::max<std::size_t>(1, (entries + kPlaces - 1) / kPlaces)) * sizeof(Set);
}

Conversations::Conversations(std::size_t entries, std::uint64_t seed)
    : sets_count_(planned_bytes(entries) / sizeof(Set)),
      seed_(seed),
      factor_(mix(seed + kMixStep) | 1) {
    CHECK(sets_count_ <= kSetsMax);
    sets_ = std::make_unique<Set[]>(sets_count_);
}

unsigned Conversations::put_first(Set& set, unsigned from) noexcept {
    const auto rotate = [from](auto& row) {
        std::rotate(row.begin(), row.begin() + from, row.begin() + from + 1);
    };
    rotate(set.tag);
    rotate(set.way);
    rotate(set.cell);
    return 0;
}

std::uint32_t Conversations::find(std::uint64_t key) noexcept {
    const std::uint64_t hashed = hash(key);
    Set& set = set_of(hashed);
    const unsigned place = place_of(set, static_cast<std::uint32_t>(hashed));
    if (place == kPlaces || set.cell[place] == kNone) {
        return kNone;
    }
    ++stats_.hit;
    const std::uint32_t cell = set.cell[place];
    if (place >= kUnordered) {
        put_first(set, place);
    }
    return cell;
}

// What keep() does not settle by itself: new, moved or long not used.
void Conversations::keep_in(Set& set,
                            unsigned place,
                            std::uint32_t tag,
                            std::uint32_t cell) noexcept {
    if (place == kPlaces || set.cell[place] == kNone) {
        ++stats_.kept;
        stats_.displaced += set.cell[kPlaces - 1] != kNone ? 1 : 0;
        unsigned at = kEntrance;
        if (set.cell[kEntrance] == kNone) [[unlikely]] {
            at = static_cast<unsigned>(std::ranges::find(set.cell, kNone) - set.cell.begin());
            ++stats_.held;
        } else {
            stats_.held += set.cell[kPlaces - 1] == kNone ? 1 : 0;
            set.tag[kPlaces - 1] = set.tag[kEntrance];
            set.way[kPlaces - 1] = set.way[kEntrance];
            set.cell[kPlaces - 1] = set.cell[kEntrance];
        }
        set.tag[at] = tag;
        set.way[at].clear();
        set.cell[at] = cell;
        return;
    }
    if (set.cell[place] != cell) {
        ++stats_.kept;
        set.cell[place] = cell;
        set.way[place].clear();
    }
    if (place >= kUnordered) {
        put_first(set, place);
    }
}

void Conversations::note(std::uint64_t hash, std::uint32_t cell, const Way& way) noexcept {
    Set& set = set_of(hash);
    const unsigned place = place_of(set, static_cast<std::uint32_t>(hash));
    if (place != kPlaces && set.cell[place] == cell) {
        set.way[place].write(way);
    }
}

}  // namespace posthaste::routing
