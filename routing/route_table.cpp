// SPDX-License-Identifier: BSD-3-Clause
// The writer's side of RouteTable. The readers' is in route_table_probe.cpp.
#include "routing/route_table.h"

#include <rte_malloc.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

// Ids per slot the table is built for: one in 40 lies outside its home line, each of which costs
// its batch some 20 ns. Against 0.30, with 22 bytes more a route, hits take 5 % less time; 0.20 is
// slower from 1 M routes on.
constexpr double kLoad = 0.25;

std::uint32_t lines_for(std::uint32_t capacity) {
    constexpr std::uint32_t kGroup = RouteTable::kGroup;
    const double groups = static_cast<double>(capacity) / (RouteTable::kSlots * kLoad * kGroup);
    return (static_cast<std::uint32_t>(groups) + 1) * kGroup;
}

void store_id(AgentId& where, const AgentId& id) noexcept {
    std::uint64_t half[2];
    std::memcpy(half, id.bytes.data(), sizeof half);
    auto* const words = reinterpret_cast<std::uint64_t*>(where.bytes.data());
    std::atomic_ref<std::uint64_t>(words[0]).store(half[0], std::memory_order_relaxed);
    std::atomic_ref<std::uint64_t>(words[1]).store(half[1], std::memory_order_relaxed);
}

// Its first line.
std::uint32_t group_of(std::uint32_t line) noexcept {
    return line / RouteTable::kGroup * RouteTable::kGroup;
}

void store(std::uint32_t& where, std::uint32_t value) noexcept {
    std::atomic_ref<std::uint32_t>(where).store(value, std::memory_order_release);
}

// That a Poisson variable is at least `least`, for a mean below it.
double poisson_tail(double mean, unsigned least) {
    if (mean <= 0) {
        return 0;
    }
    double term = std::exp(least * std::log(mean) - mean - std::lgamma(least + 1.0));
    double tail = 0;
    for (unsigned k = least; term > 1e-30 && k < least + 200; ++k) {
        tail += term;
        term *= mean / (k + 1);
    }
    return tail;
}

}  // namespace

// An id is spilled when its group is full.
double RouteTable::spilled_by_chance(std::uint32_t lines, std::size_t ids) noexcept {
    constexpr unsigned kRoom = kSlots * kGroup;
    const double groups = static_cast<double>(lines) / kGroup;
    const double per_group = static_cast<double>(ids) / groups;
    if (per_group >= kRoom) {
        return static_cast<double>(ids);
    }
    // The mean of what a Poisson variable has above the room is the sum of its tails.
    constexpr unsigned kTailMax = 64;
    double above = 0;
    for (unsigned least = kRoom + 1; least <= kRoom + kTailMax; ++least) {
        above += poisson_tail(per_group, least);
    }
    return above * groups;
}

RouteTable::RouteTable(std::uint32_t lines, const KeyHash& hash, Grace& grace)
    : hash_(hash),
      grace_(grace),
      lines_count_(lines),
      isa_(has_avx2() ? Isa::avx2 : Isa::scalar),
      taken_(lines_count_) {}

std::unique_ptr<RouteTable> RouteTable::create(std::uint32_t capacity,
                                               const KeyHash& hash,
                                               Grace& grace,
                                               int socket) {
    CHECK(capacity > 0);
    std::unique_ptr<RouteTable> table(new RouteTable(lines_for(capacity), hash, grace));
    table->lines_ = static_cast<Line*>(
        rte_zmalloc_socket("route_table", sizeof(Line) * table->lines_count_, kAlignment, socket));
    table->filter_ = RouteFilter::create(table->lines_count_, socket);
    if (table->lines_ == nullptr || table->filter_ == nullptr) {
        return nullptr;
    }
    return table;
}

RouteTable::~RouteTable() {
    rte_free(lines_);
}

std::size_t RouteTable::planned_heap_bytes(std::uint32_t capacity) noexcept {
    const std::uint32_t lines = lines_for(capacity);
    return std::size_t{lines} * sizeof(Line) + RouteFilter::heap_bytes(lines);
}

std::size_t RouteTable::heap_bytes() const noexcept {
    return std::size_t{lines_count_} * sizeof(Line) + RouteFilter::heap_bytes(lines_count_);
}

// Where the id is readable now.
bool RouteTable::find(const AgentId& id, std::uint64_t hash, Place& place) const noexcept {
    const std::uint32_t home = home_of(hash);
    for (std::uint32_t step = 0; step < kGroup; ++step) {
        const Line& line = lines_[home ^ step];
        for (unsigned slot = 0; slot < kSlots; ++slot) {
            if (line.number(slot) != kNone && line.id[slot] == id) {
                place = {home ^ step, slot};
                return true;
            }
        }
    }
    return false;
}

bool RouteTable::find_free(std::uint32_t home, Place& place) const noexcept {
    constexpr std::uint8_t kAllTaken = (1U << kSlots) - 1;
    for (std::uint32_t step = 0; step < kGroup; ++step) {
        const std::uint32_t at = home ^ step;
        if (taken_[at] != kAllTaken) {
            place = {at, static_cast<unsigned>(std::countr_one(taken_[at]))};
            return true;
        }
    }
    return false;
}

// The id is there already. A reader that has seen any of the new next hop sees that the number is
// no longer the old one.
void RouteTable::write(Place place, std::uint32_t number, const NextHop& hop) noexcept {
    Line& line = lines_[place.line];
    Word& word = line.word[place.slot];
    const Word away = word & kAway;
    if ((word & kNumberMax) != kNone) {
        store(word, away | number | NextHop::kElsewhere << kWhereShift);
    }
    for (unsigned i = 0; i < NextHop::kWords; ++i) {
        store(line.hop[place.slot][i], hop.words()[i]);
    }
    store(word, away | number | hop.where() << kWhereShift);
}

void RouteTable::set_away(std::uint32_t home, unsigned slot, bool away) noexcept {
    Word& word = lines_[home].word[slot];
    store(word, away ? word | kAway : word & ~kAway);
}

bool RouteTable::put(
    const AgentId& id, std::uint64_t hash, std::uint32_t number, const NextHop& hop, bool known) {
    DCHECK(number != kNone && number <= kNumberMax);
    Place place{};
    if (known) {
        if (find(id, hash, place)) {
            write(place, number, hop);
            return true;
        }
        forget_spilled(hash);
        --count_;
    }
    ++count_;
    const std::uint32_t home = home_of(hash);
    filter_->add(home, hash);
    if (!find_free(home, place)) {
        spilled_.emplace(group_of(home), hash);
        set_away(home, away_slot(hash), true);
        return false;
    }
    taken_[place.line] |= static_cast<std::uint8_t>(1U << place.slot);
    store_id(lines_[place.line].id[place.slot], id);
    write(place, number, hop);
    if (place.line != home) {
        set_away(home, away_slot(hash), true);
    }
    return true;
}

void RouteTable::remove(const AgentId& id, std::uint64_t hash) {
    Place place{};
    --count_;
    const std::uint32_t home = home_of(hash);
    const bool here = find(id, hash, place);
    if (here) {
        Word& word = lines_[place.line].word[place.slot];
        store(word, word & kAway);
        retired_.push_back({grace_.start(), place});
    } else {
        forget_spilled(hash);
    }
    if (!here || place.line != home) {
        summarise(home);
    }
    filter_again(home);
}

std::vector<std::uint64_t> RouteTable::spilled_near(std::uint32_t home) const {
    std::vector<std::uint64_t> hashes;
    const auto [first, last] = spilled_.equal_range(group_of(home));
    std::for_each(first, last, [&](const auto& one) { hashes.push_back(one.second); });
    return hashes;
}

void RouteTable::forget_spilled(std::uint64_t hash) {
    const auto [first, last] = spilled_.equal_range(group_of(home_of(hash)));
    const auto found =
        std::find_if(first, last, [&](const auto& one) { return one.second == hash; });
    CHECK(found != last);
    spilled_.erase(found);
}

// From what is there now.
void RouteTable::summarise(std::uint32_t home) {
    std::array<bool, kSlots> away{};
    for (std::uint32_t step = 1; step < kGroup; ++step) {
        const Line& line = lines_[home ^ step];
        for (unsigned slot = 0; slot < kSlots; ++slot) {
            if (line.number(slot) == kNone) {
                continue;
            }
            const std::uint64_t hash = hash_.hash(line.id[slot]);
            away[away_slot(hash)] = away[away_slot(hash)] || home_of(hash) == home;
        }
    }
    for (const std::uint64_t hash : spilled_near(home)) {
        away[away_slot(hash)] = away[away_slot(hash)] || home_of(hash) == home;
    }
    for (unsigned slot = 0; slot < kSlots; ++slot) {
        set_away(home, slot, away[slot]);
    }
}

// The filter's word of this home, from what is there now: a word for each group.
void RouteTable::filter_again(std::uint32_t home) {
    static_assert(RouteFilter::kHomesPerWord == kGroup);
    std::uint64_t bits = 0;
    for (std::uint32_t step = 0; step < kGroup; ++step) {
        const Line& line = lines_[home ^ step];
        for (unsigned slot = 0; slot < kSlots; ++slot) {
            if (line.number(slot) != kNone) {
                bits |= RouteFilter::bits_of(hash_.hash(line.id[slot]));
            }
        }
    }
    for (const std::uint64_t hash : spilled_near(home)) {
        bits |= RouteFilter::bits_of(hash);
    }
    filter_->replace(home, bits);
}

void RouteTable::reclaim() {
    while (!retired_.empty() && grace_.elapsed(retired_.front().token)) {
        const Place place = retired_.front().place;
        taken_[place.line] &= static_cast<std::uint8_t>(~(1U << place.slot));
        retired_.pop_front();
    }
}

}  // namespace posthaste::routing
