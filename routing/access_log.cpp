// SPDX-License-Identifier: BSD-3-Clause
#include "routing/access_log.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

constexpr unsigned kComparedPerUse = 4;
constexpr std::uint32_t kAgedPerCall = 32;
constexpr std::uint32_t kUsesMax = (1U << 31) - 1;
constexpr std::uint32_t kOldMs = 1U << 30;  // 12 days; twice that would look like the future

// Lcores and the control thread read the clock one after the other: a little ahead is now.
std::uint32_t since(std::uint32_t then_ms, std::uint32_t now_ms) noexcept {
    const std::uint32_t ago = now_ms - then_ms;
    return static_cast<std::int32_t>(ago) < 0 ? 0 : ago;
}

}  // namespace

void AccessLog::Free::operator()(Cell* cells) const noexcept {
    std::free(cells);
}

// calloc() gives pages that cost nothing until they are written.
AccessLog::AccessLog(std::uint32_t cells)
    : cell_count_(cells),
      cells_(static_cast<Cell*>(std::calloc(std::max<std::size_t>(cells, 1), sizeof(Cell)))) {
    CHECK(cells_ != nullptr);
}

std::size_t AccessLog::planned_bytes(std::uint32_t cells) noexcept {
    return std::size_t{cells} * sizeof(Cell) + kTopMax * sizeof(std::uint32_t);
}

void AccessLog::route_changed(std::uint32_t cell,
                              std::uint32_t version,
                              std::uint32_t now_ms) noexcept {
    if (cell < cell_count_) {
        cells_[cell].version = version;
        cells_[cell].changed_at_ms = now_ms;
    }
}

void AccessLog::route_gone(std::uint32_t cell) noexcept {
    if (cell < cell_count_) {
        const std::uint32_t candidate = cells_[cell].candidate;  // the list still names it
        cells_[cell] = Cell{};
        cells_[cell].candidate = candidate & 1U;
    }
}

void AccessLog::used(std::uint32_t cell,
                     std::uint32_t version,
                     std::uint32_t at_ms,
                     std::uint32_t now_ms) noexcept {
    ++samples_;
    if (cell >= cell_count_ || version == 0 || cells_[cell].version != version) {
        ++outdated_;
        return;
    }
    Cell& of = cells_[cell];
    const auto age = static_cast<unsigned>(std::bit_width(since(of.changed_at_ms, at_ms)));
    ++ages_[std::min(age, kAgeBuckets - 1)];
    of.weight = static_cast<float>(weight_of(of, at_ms) + 1);
    if (of.uses == 0 || since(of.used_at_ms, at_ms) != 0) {
        of.used_at_ms = at_ms;
    }
    of.uses = of.uses == kUsesMax ? kUsesMax : (of.uses + 1U) & kUsesMax;
    if (of.candidate == 0) {
        nominate(cell, now_ms);
    }
}

double AccessLog::weight_of(const Cell& cell, std::uint32_t now_ms) noexcept {
    if (cell.uses == 0) {
        return 0;
    }
    const double half_lives =
        static_cast<double>(since(cell.used_at_ms, now_ms)) / static_cast<double>(kHalfLifeMs);
    return static_cast<double>(cell.weight) * std::exp2(-half_lives);
}

// Takes a free place, or that of the lightest of the next few candidates if that is lighter.
void AccessLog::nominate(std::uint32_t cell, std::uint32_t now_ms) {
    if (candidates_.size() < kTopMax) {
        candidates_.push_back(cell);
        cells_[cell].candidate = 1;
        return;
    }
    std::size_t lightest = hand_;
    for (unsigned i = 0; i < kComparedPerUse; ++i) {
        if (weight_of(cells_[candidates_[hand_]], now_ms) <
            weight_of(cells_[candidates_[lightest]], now_ms)) {
            lightest = hand_;
        }
        hand_ = (hand_ + 1) % kTopMax;
    }
    std::uint32_t& victim = candidates_[lightest];
    if (weight_of(cells_[victim], now_ms) < weight_of(cells_[cell], now_ms)) {
        cells_[victim].candidate = 0;
        cells_[cell].candidate = 1;
        victim = cell;
    }
}

void AccessLog::age(std::uint32_t now_ms) noexcept {
    for (std::uint32_t i = 0; i < std::min(kAgedPerCall, cell_count_); ++i) {
        Cell& cell = cells_[next_aged_];
        if (cell.uses != 0 && since(cell.used_at_ms, now_ms) >= kOldMs) {
            cell.uses = 0;
        }
        if (cell.version != 0 && since(cell.changed_at_ms, now_ms) >= kOldMs) {
            cell.changed_at_ms = now_ms - kOldMs;
        }
        next_aged_ = next_aged_ + 1 == cell_count_ ? 0 : next_aged_ + 1;
    }
}

AccessLog::Use AccessLog::describe(std::uint32_t cell, std::uint32_t now_ms) const noexcept {
    const Cell& of = cells_[cell];
    return {.cell = cell,
            .uses = of.uses,
            .weight = weight_of(of, now_ms),
            .used_ms = since(of.used_at_ms, now_ms),
            .changed_ms = since(of.changed_at_ms, now_ms)};
}

std::optional<AccessLog::Use> AccessLog::find(std::uint32_t cell,
                                              std::uint32_t now_ms) const noexcept {
    if (cell >= cell_count_ || cells_[cell].uses == 0) {
        return std::nullopt;
    }
    return describe(cell, now_ms);
}

std::vector<AccessLog::Use> AccessLog::top(std::size_t count, std::uint32_t now_ms) const {
    std::vector<Use> all;
    for (const std::uint32_t cell : candidates_) {
        if (cells_[cell].uses != 0) {
            all.push_back(describe(cell, now_ms));
        }
    }
    const std::size_t given = std::min(count, all.size());
    std::ranges::partial_sort(
        all, all.begin() + static_cast<std::ptrdiff_t>(given), [](const Use& a, const Use& b) {
            return a.weight != b.weight ? a.weight > b.weight : a.cell < b.cell;
        });
    all.resize(given);
    return all;
}

}  // namespace posthaste::routing
