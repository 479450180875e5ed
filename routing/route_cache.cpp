// SPDX-License-Identifier: BSD-3-Clause
#include "routing/route_cache.h"

#include <smmintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

constexpr std::uint32_t kNumberMask = RouteCache::kNumberMax;
constexpr std::uint32_t kUsed = 1U << 27;
constexpr unsigned kTickShift = 28;
constexpr std::uint32_t kTickMask = 0xff;
constexpr std::uint32_t kTicksMax = 127;

std::uint32_t tick_of(std::uint32_t ms) noexcept {
    return ms / RouteCache::kTickMs & kTickMask;
}

bool has_positive(const RouteCache::Line& line) noexcept {
    return ((line.word[0] | line.word[1]) & kNumberMask) != 0;
}

std::uint32_t expiry_tick(const RouteCache::Line& line) noexcept {
    return line.word[0] >> kTickShift | (line.word[1] >> kTickShift) << 4;
}

void set_expiry_tick(RouteCache::Line& line, std::uint32_t tick) noexcept {
    constexpr std::uint32_t kRest = (1U << kTickShift) - 1;
    line.word[0] = (line.word[0] & kRest) | tick << kTickShift;
    line.word[1] = (line.word[1] & kRest) | tick >> 4 << kTickShift;
}

// Ticks until the positive ids expire; 0 or less: they have.
std::int32_t ticks_left(const RouteCache::Line& line, std::uint32_t now_ms) noexcept {
    const std::uint32_t left = (expiry_tick(line) - tick_of(now_ms)) & kTickMask;
    return left <= kTicksMax ? static_cast<std::int32_t>(left) : 0;
}

bool negative_expired(const RouteCache::Line& line, std::uint32_t now_ms) noexcept {
    return static_cast<std::int32_t>(line.negative_until - now_ms) <= 0;
}

__m128i load(const AgentId& id) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(&id));
}

// 1 or 0.
unsigned same(__m128i key, const AgentId& id) noexcept {
    const __m128i differing = _mm_xor_si128(key, load(id));
    return static_cast<unsigned>(_mm_testz_si128(differing, differing));
}

unsigned taken(std::uint32_t word) noexcept {
    return (word & kNumberMask) != 0 ? 1 : 0;
}

}  // namespace

RouteCache::RouteCache(std::span<Line> lines) noexcept
    : lines_(lines),
      shift_(lines.empty() ? 0 : 64U - static_cast<unsigned>(std::countr_zero(lines.size()))) {
    CHECK(lines.empty() || (std::has_single_bit(lines.size()) && lines.size() >= kLinesMin));
}

void RouteCache::prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&line_of(hash), 1);
}

bool RouteCache::freshen(Line& line, std::uint32_t version, std::uint32_t now_ms) noexcept {
    if (line.version != version) {
        if (has_positive(line) || line.negative_until != 0) {
            ++stats_.invalidated;
            line.word = {};
            line.negative_until = 0;
        }
        return false;
    }
    if (has_positive(line) && ticks_left(line, now_ms) == 0) {
        ++stats_.expired;
        line.word = {};
    }
    if (line.negative_until != 0 && negative_expired(line, now_ms)) {
        ++stats_.expired;
        line.negative_until = 0;
    }
    return true;
}

std::uint32_t RouteCache::find(const AgentId& id,
                               std::uint64_t hash,
                               std::uint32_t version,
                               std::uint32_t now_ms) noexcept {
    Line& line = line_of(hash);
    if (!freshen(line, version, now_ms)) {
        return kMiss;
    }
    // Both places at once, without a branch for which of them it is: that cannot be foretold. Half
    // the price of one after the other where the line is near.
    const __m128i key = load(id);
    const unsigned first = same(key, line.id[0]) & taken(line.word[0]);
    const unsigned second = same(key, line.id[1]) & taken(line.word[1]);
    if ((first | second) != 0) {
        std::uint32_t& word = line.word[second];
        if ((word & kUsed) == 0) {
            word |= kUsed;
        }
        return word & kNumberMask;
    }
    return line.negative_until != 0 && same(key, line.id[2]) != 0 ? kNegative : kMiss;
}

// Where a positive copy of the id goes: its own place, so that it never has two; a free one; or
// that of an id that was not used of late.
unsigned RouteCache::place_for(Line& line, const AgentId& id) noexcept {
    for (unsigned slot = 0; slot < 2; ++slot) {
        if (taken(line.word[slot]) != 0 && line.id[slot] == id) {
            return slot;
        }
    }
    for (unsigned slot = 0; slot < 2; ++slot) {
        if (taken(line.word[slot]) == 0) {
            return slot;
        }
    }
    // The hand passes the first place if it was used since, and takes its mark.
    const unsigned slot = (line.word[0] & kUsed) != 0 ? 1 : 0;
    line.word[0] &= ~kUsed;
    line.word[1] &= ~kUsed;
    ++stats_.replaced;
    return slot;
}

void RouteCache::insert(const AgentId& id,
                        std::uint64_t hash,
                        std::uint32_t number,
                        std::uint32_t version,
                        std::uint32_t now_ms,
                        std::uint32_t ttl_ms) noexcept {
    DCHECK(number != 0 && number <= kNumberMax);
    // To the last tick that begins within the life. 2^32 is a whole number of rounds of the ticks.
    const std::uint32_t ticks = (now_ms % kTickMs + std::min(ttl_ms, kTtlMaxMs)) / kTickMs;
    if (ticks == 0) {
        return;
    }
    if (!aged_) {
        aged_ms_ = now_ms;  // what age() has to come round to begins here
        aged_ = true;
    }
    Line& line = line_of(hash);
    static_cast<void>(freshen(line, version, now_ms));
    const bool first = !has_positive(line);
    const unsigned slot = place_for(line, id);
    if (line.negative_until != 0 && line.id[2] == id) {
        line.negative_until = 0;
    }
    line.id[slot] = id;
    line.word[slot] = (line.word[slot] & ~(kNumberMask | kUsed)) | number;
    line.version = version;
    // The line expires as a whole, with the first of its ids.
    const auto left = static_cast<std::uint32_t>(ticks_left(line, now_ms));
    const std::uint32_t life = first ? ticks : std::min(ticks, left);
    set_expiry_tick(line, (tick_of(now_ms) + life) & kTickMask);
    ++stats_.inserted_positive;
}

void RouteCache::insert_negative(const AgentId& id,
                                 std::uint64_t hash,
                                 std::uint32_t version,
                                 std::uint32_t now_ms,
                                 std::uint32_t ttl_ms) noexcept {
    if (ttl_ms == 0) {
        return;
    }
    Line& line = line_of(hash);
    static_cast<void>(freshen(line, version, now_ms));
    for (unsigned slot = 0; slot < 2; ++slot) {
        if (line.id[slot] == id) {
            line.word[slot] &= ~kNumberMask;
        }
    }
    const std::uint32_t until = now_ms + std::min(ttl_ms, kTtlMaxMs);
    line.id[2] = id;
    line.negative_until = until == 0 ? ~0U : until;
    line.version = version;
    ++stats_.inserted_negative;
}

// Every line is passed once in half of the time in which a tick stays unambiguous.
void RouteCache::age(std::uint32_t now_ms) noexcept {
    if (!enabled()) {
        return;
    }
    const std::uint32_t elapsed = aged_ ? now_ms - aged_ms_ : 0;
    if (elapsed < kTickMs / 8 && aged_) {
        return;
    }
    aged_ms_ = now_ms;
    aged_ = true;
    if (elapsed > kAgeEveryMs / 2) {
        clear();
        return;
    }
    const std::uint64_t share = std::uint64_t{line_count()} * elapsed / (kAgeEveryMs / 2) + 1;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(share, line_count()); ++i) {
        Line& line = lines_[age_next_];
        static_cast<void>(freshen(line, line.version, now_ms));
        age_next_ = (age_next_ + 1) & (line_count() - 1);
    }
}

void RouteCache::clear() noexcept {
    if (!enabled()) {
        return;
    }
    std::memset(static_cast<void*>(lines_.data()), 0, lines_.size_bytes());
    ++stats_.cleared;
}

}  // namespace posthaste::routing
