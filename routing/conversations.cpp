// SPDX-License-Identifier: BSD-3-Clause
#include "routing/conversations.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

constexpr std::size_t kLinesMax = std::size_t{1} << 32;  // as many as half of the hash tells apart

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

// The places before `from` move up by one, what was at `from` is gone.
void Conversations::put_first(Line& line,
                              unsigned from,
                              std::uint32_t tag,
                              std::uint32_t cell) noexcept {
    if (from == kPlaces - 1) {
        // All but always, where conversations are many: of a length the compiler knows.
        std::memmove(&line.tag[1], line.tag.data(), (kPlaces - 1) * sizeof tag);
        std::memmove(&line.cell[1], line.cell.data(), (kPlaces - 1) * sizeof cell);
    } else {
        for (unsigned place = from; place > 0; --place) {
            line.tag[place] = line.tag[place - 1];
            line.cell[place] = line.cell[place - 1];
        }
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

// What keep() does not settle by itself: new, moved or long not used.
void Conversations::keep_in(Line& line,
                            unsigned place,
                            std::uint32_t tag,
                            std::uint32_t cell) noexcept {
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
