// SPDX-License-Identifier: BSD-3-Clause
#include "routing/conversations.h"

#include <algorithm>
#include <bit>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kLinesMax = std::size_t{1} << 32;  // as many as half of the hash tells apart

}  // namespace

std::size_t Conversations::planned_bytes(std::size_t entries) noexcept {
    return std::bit_ceil(std::max<std::size_t>(1, (entries + kPlaces - 1) / kPlaces)) *
           sizeof(Line);
}

Conversations::Conversations(std::size_t entries, std::uint64_t seed)
    : lines_count_(planned_bytes(entries) / sizeof(Line)), seed_(seed) {
    CHECK(lines_count_ <= kLinesMax);
    lines_ = std::make_unique<Line[]>(lines_count_);
    for (std::size_t line = 0; line < lines_count_; ++line) {
        lines_[line].cell.fill(kNone);
    }
}

void Conversations::put_first(Line& line, unsigned from) noexcept {
    for (Row* const row : {&line.tag, &line.cell, &line.entry, &line.reasons}) {
        std::rotate(row->begin(), row->begin() + from, row->begin() + from + 1);
    }
}

std::uint32_t Conversations::find(std::uint64_t key) noexcept {
    const std::uint64_t hashed = hash(key);
    Line& line = line_of(hashed);
    const unsigned place = place_of(line, static_cast<std::uint32_t>(hashed));
    if (place == kPlaces || line.cell[place] == kNone) {
        return kNone;
    }
    ++stats_.hit;
    const std::uint32_t cell = line.cell[place];
    if (place >= kUnordered) {
        put_first(line, place);
    }
    return cell;
}

// What keep() does not settle by itself: new, moved or long not used.
void Conversations::keep_in(Line& line,
                            unsigned place,
                            std::uint32_t tag,
                            std::uint32_t cell) noexcept {
    if (place == kPlaces || line.cell[place] == kNone) {
        ++stats_.kept;
        stats_.displaced += line.cell[kPlaces - 1] != kNone ? 1 : 0;
        unsigned at = kEntrance;
        if (line.cell[kEntrance] == kNone) [[unlikely]] {
            at = static_cast<unsigned>(std::ranges::find(line.cell, kNone) - line.cell.begin());
            ++stats_.held;
        } else {
            stats_.held += line.cell[kPlaces - 1] == kNone ? 1 : 0;
            for (Row* const row : {&line.tag, &line.cell, &line.entry, &line.reasons}) {
                (*row)[kPlaces - 1] = (*row)[kEntrance];
            }
        }
        line.tag[at] = tag;
        line.cell[at] = cell;
        line.entry[at] = 0;
        return;
    }
    if (line.cell[place] != cell) {
        ++stats_.kept;
        line.cell[place] = cell;
        line.entry[place] = 0;
    }
    if (place >= kUnordered) {
        put_first(line, place);
    }
}

void Conversations::note(std::uint64_t hash, std::uint32_t cell, Way way) noexcept {
    Line& line = line_of(hash);
    const unsigned place = place_of(line, static_cast<std::uint32_t>(hash));
    if (place != kPlaces && line.cell[place] == cell) {
        line.entry[place] = way.entry;
        line.reasons[place] = way.reasons;
    }
}

}  // namespace posthaste::routing
