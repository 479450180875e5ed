// SPDX-License-Identifier: BSD-3-Clause
// The readers' side of RouteTable: a rolling pipeline of prefetches with the probe at its end.
//
// Two ways to compare a line's ids with the one wanted. Both read the numbers before the ids (see
// the header); the acquire load keeps the compiler to that order, and x86 keeps loads in order by
// itself. AVX-512, a whole line in one comparison, was within 1 % of AVX2 and is left out.
#include <immintrin.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "routing/check.h"
#include "routing/route_table.h"
#include "routing/thread_sanitizer.h"

// Per function, since this library is built for every x86-64-v2 CPU.
#define POSTHASTE_AVX2 __attribute__((target("avx2,bmi,bmi2")))

namespace posthaste::routing {

namespace {

// Lines are asked for this many ids ahead. Hits among 1 M and 10 M ids, in batches of 64, on one
// Zen 5 core: 12 ahead 15.7 and 21.2 ns, 24: 12.6 and 17.8, 48: 10.1 and 16.0, 64: 9.6 and 16.1.
constexpr std::size_t kAhead = 64;

// Ids the filter is asked about at a time.
constexpr std::size_t kFilterStep = 256;

// Ids hashed at a time.
constexpr std::size_t kHashStep = 16;

// The numbers of a line and its summary, read at once, before anything else of the line.
struct Numbers {
    std::uint64_t low;   // slots 0 and 1
    std::uint64_t high;  // slot 2, summary

    [[nodiscard]] std::uint32_t slot(unsigned i) const noexcept {
        return static_cast<std::uint32_t>((i == 2 ? high : low) >> (i & 1) * 32);
    }

    [[nodiscard]] std::uint32_t elsewhere() const noexcept {
        return static_cast<std::uint32_t>(high >> 32);
    }
};

inline std::uint64_t load_acquire(const void* at) noexcept {
    auto* const word = const_cast<std::uint64_t*>(static_cast<const std::uint64_t*>(at));
    return std::atomic_ref<std::uint64_t>(*word).load(std::memory_order_acquire);
}

inline std::uint64_t load_relaxed(const void* at) noexcept {
    auto* const word = const_cast<std::uint64_t*>(static_cast<const std::uint64_t*>(at));
    return std::atomic_ref<std::uint64_t>(*word).load(std::memory_order_relaxed);
}

inline Numbers numbers_of(const void* line) noexcept {
    const auto* const at = static_cast<const std::uint64_t*>(line);
    return {load_acquire(at + 6), load_acquire(at + 7)};
}

}  // namespace

// The code of each CPU kind is the same loop with another comparison, compiled for that CPU.
struct RouteTable::Probe {
    const RouteTable& table;
    std::span<const AgentId* const> ids;
    std::uint64_t* hashes;
    Hashes are;

    [[nodiscard]] const Line* line_of(std::size_t i) const noexcept {
        return table.lines_ + table.home_of(hashes[i]);
    }

    // A chunk's lines, asked for as soon as they are known: the hashes of the next few ids are
    // computed while the lines of the last few are on their way.
    using Chunk = std::array<const Line*, kAhead>;

    void ask(std::size_t base, Chunk& chunk) const noexcept {
        const std::size_t end = std::min(base + kAhead, ids.size());
        for (std::size_t first = base; first < end; first += kHashStep) {
            const std::size_t count = std::min(kHashStep, end - first);
            if (are == Hashes::wanted) {
                table.hash_.hash_bulk(ids.subspan(first, count), hashes + first);
            }
            for (std::size_t i = first; i < first + count; ++i) {
                chunk[i - base] = line_of(i);
                rte_prefetch0(chunk[i - base]);
            }
        }
    }

    // `halves` has a bit for each 8 bytes of the line's ids that are as wanted. False: the answer
    // is not in this line; the id may be in another one, or its slot was given up just now.
    [[nodiscard, gnu::always_inline]] static bool settle(Numbers numbers,
                                                         unsigned halves,
                                                         std::uint64_t hash,
                                                         std::uint32_t& number) noexcept {
        constexpr unsigned kLowHalves = 0x15;
        const unsigned found = halves & halves >> 1 & kLowHalves;
        if (found != 0) [[likely]] {
            number = numbers.slot(static_cast<unsigned>(std::countr_zero(found)) / 2);
            return number != kNone;
        }
        number = kNone;
        return (numbers.elsewhere() & bit_of(hash)) == 0;
    }

    [[nodiscard, gnu::noinline]] std::uint32_t search(const AgentId& id,
                                                      std::uint64_t hash) const noexcept {
        const std::uint32_t home = table.home_of(hash);
        const std::uint32_t elsewhere = numbers_of(table.lines_ + home).elsewhere();
        const std::uint32_t last = (elsewhere & bit_of(hash)) != 0 ? home + kReach : home;
        for (std::uint32_t at = home; at <= last; ++at) {
            const Line* const line = table.lines_ + at;
            const Numbers numbers = numbers_of(line);
            const unsigned halves = compare_scalar(line, id);
            for (unsigned slot = 0; slot < kSlots; ++slot) {
                if ((halves >> slot * 2 & 3U) == 3 && numbers.slot(slot) != kNone) {
                    return numbers.slot(slot);
                }
            }
        }
        return last == home ? kNone : kAskAuthority;
    }

    static unsigned compare_scalar(const Line* line, const AgentId& id) noexcept {
        std::uint64_t half[2];
        std::memcpy(half, id.bytes.data(), sizeof half);
        const auto* const words = reinterpret_cast<const std::uint64_t*>(line);
        unsigned halves = 0;
        for (unsigned i = 0; i < 2 * kSlots; ++i) {
            halves |= static_cast<unsigned>(load_relaxed(words + i) == half[i & 1]) << i;
        }
        return halves;
    }

    POSTHASTE_AVX2 static unsigned compare_avx2(const Line* line, const AgentId& id) noexcept {
        const auto* const at = reinterpret_cast<const __m128i*>(line);
        const __m128i wanted = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&id));
        const __m256i two = _mm256_broadcastsi128_si256(wanted);
        const __m256i first =
            _mm256_cmpeq_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(at)), two);
        const __m128i last = _mm_cmpeq_epi64(_mm_load_si128(at + 2), wanted);
        return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(first))) |
               static_cast<unsigned>(_mm_movemask_pd(_mm_castsi128_pd(last))) << 4;
    }

    struct Work {
        const Line* const* lines;
        const AgentId* const* ids;
        const std::uint64_t* hashes;
        std::uint32_t* numbers;
        std::uint16_t* rest;
        std::size_t count;
    };

    // Inlined into the code of each CPU kind, and the comparison with it.
    template <auto kCompare>
    [[nodiscard, gnu::always_inline]] static inline std::size_t probe_by(
        const Work& work) noexcept {
        const Line* const* __restrict const lines = work.lines;
        const AgentId* const* __restrict const ids = work.ids;
        const std::uint64_t* __restrict const hashes = work.hashes;
        std::uint32_t* __restrict const numbers = work.numbers;
        std::uint16_t* __restrict const rest = work.rest;
        const std::size_t count = work.count;
        std::size_t rest_count = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const Numbers have = numbers_of(lines[i]);
            const unsigned halves = kCompare(lines[i], *ids[i]);
            if (!settle(have, halves, hashes[i], numbers[i])) [[unlikely]] {
                rest[rest_count++] = static_cast<std::uint16_t>(i);
            }
        }
        return rest_count;
    }

    static std::size_t probe_scalar(const Work& work) noexcept {
        return probe_by<compare_scalar>(work);
    }

    POSTHASTE_AVX2 static std::size_t probe_avx2(const Work& work) noexcept {
        return probe_by<compare_avx2>(work);
    }

    [[nodiscard]] static std::size_t probe(Isa isa, const Work& work) noexcept {
        return isa == Isa::avx2 ? probe_avx2(work) : probe_scalar(work);
    }

    struct Selected {
        std::array<std::uint16_t, kFilterStep> which;
        std::size_t count = 0;
    };

    // Ids that are not in their home line are mostly in the next: those lines are asked for and
    // looked at together, and only what is not there either is searched for one by one.
    [[nodiscard]] std::size_t probe_next(Isa isa,
                                         const Work& first,
                                         std::size_t count) const noexcept {
        std::array<const Line*, kAhead> lines;
        std::array<const AgentId*, kAhead> wanted;
        std::array<std::uint64_t, kAhead> hash;
        std::array<std::uint32_t, kAhead> found;
        std::array<std::uint16_t, kAhead> rest;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint16_t at = first.rest[i];
            lines[i] = first.lines[at] + 1;
            rte_prefetch0(lines[i]);
            wanted[i] = first.ids[at];
            hash[i] = first.hashes[at];
        }
        static_cast<void>(probe(
            isa, {lines.data(), wanted.data(), hash.data(), found.data(), rest.data(), count}));
        std::size_t asks = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t number = found[i] != kNone ? found[i] : search(*wanted[i], hash[i]);
            first.numbers[first.rest[i]] = number;
            asks += number == kAskAuthority ? 1 : 0;
        }
        return asks;
    }

    // Which of the ids hashes[first] to before `end` can be in the table; their lines are asked
    // for. Without a branch: in a mixture it would be guessed wrong.
    [[gnu::always_inline]] inline void select_by(std::size_t first,
                                                 std::size_t end,
                                                 Selected& selected) const noexcept {
        for (std::size_t i = first; i < end; ++i) {
            const std::uint32_t home = table.home_of(hashes[i]);
            const std::uint32_t may = table.may_have(hashes[i]) ? 1 : 0;
            rte_prefetch0(table.lines_ + std::size_t{home} * may);
            selected.which[selected.count] = static_cast<std::uint16_t>(i);
            selected.count += may;
        }
    }

    void select_scalar(std::size_t first, std::size_t end, Selected& selected) const noexcept {
        select_by(first, end, selected);
    }

    POSTHASTE_AVX2 void select_avx2(std::size_t first,
                                    std::size_t end,
                                    Selected& selected) const noexcept {
        select_by(first, end, selected);
    }

    // For at most kFilterStep ids, whose numbers are kNone so far. Gives what run() gives.
    [[nodiscard]] std::size_t run_strange(Isa isa, std::uint32_t* numbers) const noexcept {
        Selected selected;
        for (std::size_t first = 0; first < ids.size(); first += kHashStep) {
            const std::size_t end = std::min(first + kHashStep, ids.size());
            if (are == Hashes::wanted) {
                table.hash_.hash_bulk(ids.subspan(first, end - first), hashes + first);
            }
            isa == Isa::avx2 ? select_avx2(first, end, selected)
                             : select_scalar(first, end, selected);
        }
        std::array<const AgentId*, kFilterStep> wanted;
        std::array<std::uint64_t, kFilterStep> hash;
        std::array<std::uint32_t, kFilterStep> found;
        for (std::size_t i = 0; i < selected.count; ++i) {
            wanted[i] = ids[selected.which[i]];
            hash[i] = hashes[selected.which[i]];
        }
        const std::span some(wanted.data(), selected.count);
        const std::size_t asks =
            Probe{table, some, hash.data(), Hashes::given}.run(isa, found.data());
        for (std::size_t i = 0; i < selected.count; ++i) {
            numbers[selected.which[i]] = found[i];
        }
        return asks;
    }

    // Gives how many answers are kAskAuthority.
    [[nodiscard]] std::size_t run(Isa isa, std::uint32_t* numbers) const noexcept {
        std::size_t asks = 0;
        Chunk chunk[2];
        std::array<std::uint16_t, kAhead> rest;
        ask(0, chunk[0]);
        unsigned turn = 0;
        for (std::size_t base = 0; base < ids.size(); base += kAhead, turn ^= 1) {
            ask(base + kAhead, chunk[turn ^ 1]);
            const Work work{chunk[turn].data(),
                            ids.data() + base,
                            hashes + base,
                            numbers + base,
                            rest.data(),
                            std::min(kAhead, ids.size() - base)};
            const std::size_t unsettled = probe(isa, work);
            if (unsettled != 0) {
                asks += probe_next(isa, work, unsettled);
            }
        }
        return asks;
    }
};

bool RouteTable::has_avx2() noexcept {
    return !kUnderThreadSanitizer && __builtin_cpu_supports("avx2") != 0;
}

std::size_t RouteTable::lookup(std::span<const AgentId* const> ids,
                               std::uint64_t* hashes,
                               Hashes are,
                               Mostly mostly,
                               std::uint32_t* numbers) const noexcept {
    return lookup_by(isa_, ids, hashes, are, mostly, numbers);
}

std::size_t RouteTable::lookup_by(Isa isa,
                                  std::span<const AgentId* const> ids,
                                  std::uint64_t* hashes,
                                  Hashes are,
                                  Mostly mostly,
                                  std::uint32_t* numbers) const noexcept {
    if (mostly == Mostly::known) [[likely]] {
        return Probe{*this, ids, hashes, are}.run(isa, numbers);
    }
    std::fill_n(numbers, ids.size(), kNone);
    std::size_t asks = 0;
    for (std::size_t first = 0; first < ids.size(); first += kFilterStep) {
        const std::size_t step = std::min(kFilterStep, ids.size() - first);
        const Probe some{*this, ids.subspan(first, step), hashes + first, are};
        asks += some.run_strange(isa, numbers + first);
    }
    return asks;
}

std::uint32_t RouteTable::lookup_one(const AgentId& id, std::uint64_t hash) const noexcept {
    const Line* const line = lines_ + home_of(hash);
    const Numbers have = numbers_of(line);
    std::uint32_t number = kNone;
    if (Probe::settle(have, Probe::compare_scalar(line, id), hash, number)) [[likely]] {
        return number;
    }
    return Probe{*this, {}, nullptr, Hashes::given}.search(id, hash);
}

}  // namespace posthaste::routing
