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

// Ids per slot the table is built for, 85 bytes an id. A line overflows with probability .007 at
// this load (Poisson), and 1.1 % of the ids lie elsewhere; each of these costs a second line, and
// later. Measured from .60 to .25 (hits among 1 M and 10 M ids, 64 at a time, Zen 5): .60 12.7 and
// 17.5 ns, .45 10.2 and 12.9, .35 8.9 and 11.7, .25 7.8 and 10.0.
constexpr double kLoad = 0.25;

std::uint32_t home_lines_for(std::uint32_t capacity) {
    const double lines = static_cast<double>(capacity) / (RouteTable::kSlots * kLoad);
    return static_cast<std::uint32_t>(lines) + 1;
}

void store_id(AgentId& where, const AgentId& id) noexcept {
    std::uint64_t half[2];
    std::memcpy(half, id.bytes.data(), sizeof half);
    auto* const words = reinterpret_cast<std::uint64_t*>(where.bytes.data());
    std::atomic_ref<std::uint64_t>(words[0]).store(half[0], std::memory_order_relaxed);
    std::atomic_ref<std::uint64_t>(words[1]).store(half[1], std::memory_order_relaxed);
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

// An id is spilled when its home and the kReach lines after it are full. Take the run of full
// lines that ends there, and say it begins i lines before the home: the ids in it have their homes
// in it, so that kReach + 1 + i homes have at least as many ids as slots. That is summed over i.
double RouteTable::spilled_by_chance(std::uint32_t home_lines, std::size_t ids) noexcept {
    const double per_line = static_cast<double>(ids) / home_lines;
    if (per_line >= kSlots) {
        return static_cast<double>(ids);
    }
    constexpr unsigned kRunMax = 64;
    double chance = 0;
    for (unsigned lines = kReach + 1; lines <= kRunMax; ++lines) {
        chance += poisson_tail(per_line * lines, lines * kSlots);
    }
    return std::min(chance, 1.0) * static_cast<double>(ids);
}

RouteTable::RouteTable(std::uint32_t home_lines, const KeyHash& hash, Grace& grace)
    : hash_(hash),
      grace_(grace),
      home_lines_(home_lines),
      lines_count_(home_lines + kReach),
      isa_(has_avx2() ? Isa::avx2 : Isa::scalar),
      taken_(lines_count_) {}

std::unique_ptr<RouteTable> RouteTable::create(std::uint32_t capacity,
                                               const KeyHash& hash,
                                               Grace& grace,
                                               int socket) {
    CHECK(capacity > 0);
    std::unique_ptr<RouteTable> table(new RouteTable(home_lines_for(capacity), hash, grace));
    table->lines_ = static_cast<Line*>(rte_zmalloc_socket(
        "route_table", sizeof(Line) * table->lines_count_, alignof(Line), socket));
    table->filter_ = RouteFilter::create(table->home_lines_, socket);
    if (table->lines_ == nullptr || table->filter_ == nullptr) {
        return nullptr;
    }
    return table;
}

RouteTable::~RouteTable() {
    rte_free(lines_);
}

std::size_t RouteTable::planned_heap_bytes(std::uint32_t capacity) noexcept {
    const std::uint32_t homes = home_lines_for(capacity);
    return (std::size_t{homes} + kReach) * sizeof(Line) + RouteFilter::heap_bytes(homes);
}

std::size_t RouteTable::heap_bytes() const noexcept {
    return std::size_t{lines_count_} * sizeof(Line) + RouteFilter::heap_bytes(home_lines_);
}

// Where the id is readable now.
bool RouteTable::find(const AgentId& id, std::uint64_t hash, Place& place) const noexcept {
    const std::uint32_t home = home_of(hash);
    for (std::uint32_t at = home; at <= home + kReach; ++at) {
        for (unsigned slot = 0; slot < kSlots; ++slot) {
            if (lines_[at].number[slot] != kNone && lines_[at].id[slot] == id) {
                place = {at, slot};
                return true;
            }
        }
    }
    return false;
}

bool RouteTable::find_free(std::uint32_t home, Place& place) const noexcept {
    constexpr std::uint8_t kAllTaken = (1U << kSlots) - 1;
    for (std::uint32_t at = home; at <= home + kReach; ++at) {
        if (taken_[at] != kAllTaken) {
            place = {at, static_cast<unsigned>(std::countr_one(taken_[at]))};
            return true;
        }
    }
    return false;
}

bool RouteTable::put(const AgentId& id, std::uint64_t hash, std::uint32_t number, bool known) {
    DCHECK(number != kNone && number <= kNumberMax);
    Place place{};
    if (known) {
        if (find(id, hash, place)) {
            store(lines_[place.line].number[place.slot], number);
            return true;
        }
        --spilled_;
        --count_;
    }
    ++count_;
    const std::uint32_t home = home_of(hash);
    filter_->add(home, hash);
    if (!find_free(home, place)) {
        ++spilled_;
        store(lines_[home].elsewhere, lines_[home].elsewhere | bit_of(hash));
        return false;
    }
    Line& line = lines_[place.line];
    taken_[place.line] |= static_cast<std::uint8_t>(1U << place.slot);
    store_id(line.id[place.slot], id);
    store(line.number[place.slot], number);
    if (place.line != home) {
        store(lines_[home].elsewhere, lines_[home].elsewhere | bit_of(hash));
    }
    return true;
}

void RouteTable::remove(const AgentId& id, std::uint64_t hash) {
    Place place{};
    --count_;
    if (!find(id, hash, place)) {
        --spilled_;
        return;
    }
    store(lines_[place.line].number[place.slot], kNone);
    retired_.push_back({grace_.start(), place});
    const std::uint32_t home = home_of(hash);
    if (spilled_ != 0) {
        return;  // nothing here tells which homes the spilled ids have
    }
    if (place.line != home) {
        summarise(home);
    }
    filter_again(home);
}

// From what is there now.
void RouteTable::summarise(std::uint32_t home) noexcept {
    std::uint32_t bits = 0;
    for (std::uint32_t at = home + 1; at <= home + kReach; ++at) {
        for (unsigned slot = 0; slot < kSlots; ++slot) {
            if (lines_[at].number[slot] == kNone) {
                continue;
            }
            const std::uint64_t hash = hash_.hash(lines_[at].id[slot]);
            bits |= home_of(hash) == home ? bit_of(hash) : 0;
        }
    }
    store(lines_[home].elsewhere, bits);
}

// The filter's word of this home, from what is there now.
void RouteTable::filter_again(std::uint32_t home) noexcept {
    constexpr std::uint32_t kHomes = RouteFilter::kHomesPerWord;
    const std::uint32_t first = home / kHomes * kHomes;
    const std::uint32_t end = std::min(first + kHomes + kReach, lines_count_);
    std::uint64_t bits = 0;
    for (std::uint32_t at = first; at < end; ++at) {
        for (unsigned slot = 0; slot < kSlots; ++slot) {
            if (lines_[at].number[slot] == kNone) {
                continue;
            }
            const std::uint64_t hash = hash_.hash(lines_[at].id[slot]);
            const std::uint32_t its_home = home_of(hash);
            bits |= its_home / kHomes == home / kHomes ? RouteFilter::bits_of(hash) : 0;
        }
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
