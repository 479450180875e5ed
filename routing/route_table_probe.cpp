// SPDX-License-Identifier: BSD-3-Clause
// The readers' side of RouteTable: a rolling pipeline of prefetches with the probe at its end.
//
// Two ways to compare a line's ids with the one wanted. Both read the numbers before the ids (see
// the header); the acquire load keeps the compiler to that order, and x86 keeps loads in order by
// itself. AVX-512 has no more to compare than AVX2: a line's two ids fill one of its registers.
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

// Ids taken in one go: hashed, their lines asked for, or probed.
constexpr std::size_t kStep = 32;

// Lines are asked for this many ids ahead, and as many more by the next go, in the second level of
// cache: more can be under way to there than to the first, which has 16 places for them. On a Xeon
// whose random lines of 128 MB take 160 ns, 256 of them at once take 6.5 ns each that way, 8.9 the
// other. Goes of 8 and 16 ids were slower: a probe that waits holds up the asking behind it.
constexpr std::size_t kAhead = 64;

// A ring of lines asked for, a power of two.
constexpr std::size_t kLines = 128;
static_assert(kLines >= kAhead + kStep);

// Ids that were not in their home line, looked at together.
constexpr std::size_t kRestMax = 64;

// Ids the filter is asked about at a time.
constexpr std::size_t kFilterStep = 256;

inline std::uint64_t load_acquire(const void* at) noexcept {
    auto* const word = const_cast<std::uint64_t*>(static_cast<const std::uint64_t*>(at));
    return std::atomic_ref<std::uint64_t>(*word).load(std::memory_order_acquire);
}

inline std::uint64_t load_relaxed(const void* at) noexcept {
    auto* const word = const_cast<std::uint64_t*>(static_cast<const std::uint64_t*>(at));
    return std::atomic_ref<std::uint64_t>(*word).load(std::memory_order_relaxed);
}

// The words of a line's two slots, read at once, before anything else of the line.
inline std::uint64_t words_of(const void* line) noexcept {
    return load_acquire(static_cast<const std::uint64_t*>(line) + 7);
}

inline std::uint32_t word_of(std::uint64_t words, unsigned slot) noexcept {
    return static_cast<std::uint32_t>(words >> slot * 32);
}

}  // namespace

// The code of each CPU kind is the same loop with another comparison, compiled for that CPU.
struct RouteTable::Probe {
    const RouteTable& table;
    std::span<const AgentId* const> ids;
    std::uint64_t* hashes;
    Hashes are;

    // The lines of the last few ids asked for, by position.
    using Lines = std::array<const Line*, kLines>;

    // Asks for the lines of kStep ids from `first` on: the hashes of the next few are computed
    // while the lines of the last few are on their way.
    void ask(std::size_t first, Lines& lines) const noexcept {
        const std::size_t count = std::min(kStep, ids.size() - first);
        if (are == Hashes::wanted) {
            table.hash_.hash_bulk(ids.subspan(first, count), hashes + first);
        }
        const Line** const line = lines.data() + first % kLines;
        home_lines(hashes + first, line, count);
        if (are != Hashes::announced) {
            for (std::size_t i = 0; i < count; ++i) {
                rte_prefetch1(line[i]);
            }
        }
    }

    // home_of() of several, two at a time.
    void home_lines(const std::uint64_t* hash,
                    const Line** line,
                    std::size_t count) const noexcept {
        static_assert(sizeof(Line) == 64);
        const __m128i homes = _mm_set1_epi64x(table.lines_count_);
        const __m128i base = _mm_set1_epi64x(reinterpret_cast<std::intptr_t>(table.lines_));
        std::size_t i = 0;
        for (; i + 2 <= count; i += 2) {
            const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(hash + i));
            const __m128i home = _mm_srli_epi64(_mm_mul_epu32(_mm_srli_epi64(two, 32), homes), 32);
            const __m128i address = _mm_add_epi64(base, _mm_slli_epi64(home, 6));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(line + i), address);
        }
        if (i < count) {
            line[i] = table.lines_ + table.home_of(hash[i]);
        }
    }

    // The first line an id of this home may be in otherwise: the other half of 128 bytes.
    [[nodiscard]] static const Line* beside(const Line* home) noexcept {
        static_assert(kAlignment == 2 * sizeof(Line));
        const auto address = reinterpret_cast<std::uintptr_t>(home);
        return reinterpret_cast<const Line*>(address ^ sizeof(Line));
    }

    // Whether an id of this home with this hash may lie in another line.
    [[nodiscard]] static bool is_away(std::uint64_t words, std::uint64_t hash) noexcept {
        return (word_of(words, away_slot(hash)) & kAway) != 0;
    }

    // The next hop of a slot whose word was `word` before; elsewhere, if the writer came between.
    template <auto kCopy>
    [[gnu::always_inline]] static inline void copy_hop(const Line* line,
                                                       unsigned slot,
                                                       Word word,
                                                       NextHop& hop) noexcept {
        kCopy(line, slot, hop);
        std::atomic_signal_fence(std::memory_order_acquire);  // of copy_avx2(); x86 needs no more
        auto& now = const_cast<Word&>(line->word[slot]);
        const bool same = std::atomic_ref<Word>(now).load(std::memory_order_relaxed) == word;
        hop.where_ = same ? word >> kWhereShift : NextHop::kElsewhere;
    }

    static unsigned compare_scalar(const Line* line, const AgentId& id) noexcept {
        static_assert(kSlots == 2);
        std::uint64_t half[2];
        std::memcpy(half, id.bytes.data(), sizeof half);
        const auto* const words = reinterpret_cast<const std::uint64_t*>(line);
        const unsigned first = load_relaxed(words) == half[0] ? 1 : 0;
        const unsigned second = load_relaxed(words + 1) == half[1] ? 2 : 0;
        const unsigned third = load_relaxed(words + 2) == half[0] ? 4 : 0;
        const unsigned fourth = load_relaxed(words + 3) == half[1] ? 8 : 0;
        return first | second | third | fourth;
    }

    POSTHASTE_AVX2 static unsigned compare_avx2(const Line* line, const AgentId& id) noexcept {
        const __m128i wanted = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&id));
        const __m256i two = _mm256_broadcastsi128_si256(wanted);
        const __m256i same =
            _mm256_cmpeq_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(line)), two);
        return static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(same)));
    }

    static void copy_scalar(const Line* line, unsigned slot, NextHop& hop) noexcept {
        for (unsigned i = 0; i < NextHop::kWords; ++i) {
            auto& word = const_cast<std::uint32_t&>(line->hop[slot][i]);
            hop.word_[i] = std::atomic_ref<std::uint32_t>(word).load(std::memory_order_acquire);
        }
    }

    // What lies behind it comes along, and is overwritten.
    POSTHASTE_AVX2 static void copy_avx2(const Line* line, unsigned slot, NextHop& hop) noexcept {
        const auto* const from = reinterpret_cast<const __m128i*>(&line->hop[slot]);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(&hop), _mm_loadu_si128(from));
    }

    static constexpr decltype(&copy_scalar) kNoCopy = nullptr;

    // By which halves of a line's ids, 8 bytes each, are as wanted, a bit for each: how far the
    // word of the slot that has the id is shifted, and what is kept of it, nothing if none has.
    static constexpr unsigned kCombinations = 1U << 2 * kSlots;

    static constexpr auto kShift = [] {
        std::array<std::uint8_t, kCombinations> shift{};
        for (unsigned halves = 0; halves < kCombinations; ++halves) {
            shift[halves] = halves >> 2 == 3 ? 32 : 0;
        }
        return shift;
    }();

    static constexpr auto kKeep = [] {
        std::array<Word, kCombinations> keep{};
        for (unsigned halves = 0; halves < kCombinations; ++halves) {
            keep[halves] = halves >> 2 == 3 || (halves & 3) == 3 ? ~Word{0} : 0;
        }
        return keep;
    }();

    // False: the answer is not in this line; the id may be in another one, or its slot was given
    // up just now. kCopy null: the next hop is not wanted.
    template <auto kCopy>
    [[nodiscard, gnu::always_inline]] static inline bool settle(const Line* line,
                                                                std::uint64_t words,
                                                                unsigned halves,
                                                                std::uint64_t hash,
                                                                std::uint32_t& number,
                                                                NextHop* hop) noexcept {
        const unsigned shift = kShift[halves];
        const Word word = static_cast<Word>(words >> shift) & kKeep[halves];
        const std::uint32_t found = word & kNumberMax;
        number = found;
        if (found != kNone) [[likely]] {
            if constexpr (kCopy != nullptr) {
                copy_hop<kCopy>(line, shift / 32, word, *hop);
            }
            return true;
        }
        if constexpr (kCopy != nullptr) {
            hop->where_ = NextHop::kElsewhere;
        }
        return kKeep[halves] == 0 && !is_away(words, hash);
    }

    // A slot that was given up may still have the id that is in the other one now.
    [[nodiscard]] static unsigned live_halves(std::uint64_t words) noexcept {
        unsigned halves = 0;
        for (unsigned slot = 0; slot < kSlots; ++slot) {
            halves |= (word_of(words, slot) & kNumberMax) != kNone ? 3U << 2 * slot : 0;
        }
        return halves;
    }

    // One by one, wherever it may lie.
    template <auto kCopy>
    [[nodiscard, gnu::always_inline]] inline std::uint32_t search(const AgentId& id,
                                                                  std::uint64_t hash,
                                                                  NextHop* hop) const noexcept {
        const std::uint32_t home = table.home_of(hash);
        const bool away = is_away(words_of(table.lines_ + home), hash);
        std::uint32_t number = kNone;
        for (std::uint32_t step = 0; step < (away ? kGroup : 1); ++step) {
            const Line* const line = table.lines_ + (home ^ step);
            const std::uint64_t words = words_of(line);
            const unsigned halves = compare_scalar(line, id) & live_halves(words);
            static_cast<void>(settle<kCopy>(line, words, halves, hash, number, hop));
            if (number != kNone) {
                return number;
            }
        }
        return away ? kAskAuthority : kNone;
    }

    struct Work {
        const Line* const* lines;
        const AgentId* const* ids;
        const std::uint64_t* hashes;
        std::uint32_t* numbers;
        NextHop* hops;        // null: not wanted
        std::uint32_t* rest;  // gets `first` and more, of those that are not settled
        std::uint32_t first;
        std::size_t count;
    };

    // Inlined into the code of each CPU kind, and the comparison with it.
    template <auto kCompare, auto kCopy>
    [[nodiscard, gnu::always_inline]] static inline std::size_t probe_by(
        const Work& work) noexcept {
        const Line* const* __restrict const lines = work.lines;
        const AgentId* const* __restrict const ids = work.ids;
        const std::uint64_t* __restrict const hashes = work.hashes;
        std::uint32_t* __restrict const numbers = work.numbers;
        NextHop* __restrict const hops = work.hops;
        std::uint32_t* __restrict const rest = work.rest;
        const std::size_t count = work.count;
        std::size_t rest_count = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint64_t words = words_of(lines[i]);
            const unsigned halves = kCompare(lines[i], *ids[i]);
            NextHop* const hop = kCopy != nullptr ? hops + i : nullptr;
            if (!settle<kCopy>(lines[i], words, halves, hashes[i], numbers[i], hop)) [[unlikely]] {
                rte_prefetch0(beside(lines[i]));
                rest[rest_count++] = work.first + static_cast<std::uint32_t>(i);
            }
        }
        return rest_count;
    }

    static std::size_t probe_scalar(const Work& work) noexcept {
        return work.hops != nullptr ? probe_by<compare_scalar, copy_scalar>(work)
                                    : probe_by<compare_scalar, kNoCopy>(work);
    }

    POSTHASTE_AVX2 static std::size_t probe_avx2(const Work& work) noexcept {
        return work.hops != nullptr ? probe_by<compare_avx2, copy_avx2>(work)
                                    : probe_by<compare_avx2, kNoCopy>(work);
    }

    [[nodiscard]] static std::size_t probe(Isa isa, const Work& work) noexcept {
        return isa == Isa::avx2 ? probe_avx2(work) : probe_scalar(work);
    }

    struct Selected {
        std::array<std::uint16_t, kFilterStep> which;
        std::size_t count = 0;
    };

    // Ids that are not in their home line are mostly in the one beside it, which was asked for.
    template <auto kCopy>
    [[nodiscard, gnu::noinline]] std::size_t search_rest(std::span<const std::uint32_t> rest,
                                                         std::uint32_t* numbers,
                                                         NextHop* hops) const noexcept {
        std::size_t asks = 0;
        for (const std::uint32_t i : rest) {
            NextHop* const hop = kCopy != nullptr ? hops + i : nullptr;
            numbers[i] = search<kCopy>(*ids[i], hashes[i], hop);
            asks += numbers[i] == kAskAuthority ? 1 : 0;
        }
        return asks;
    }

    [[nodiscard]] std::size_t settle_rest(std::span<const std::uint32_t> rest,
                                          std::uint32_t* numbers,
                                          NextHop* hops) const noexcept {
        return hops != nullptr ? search_rest<copy_scalar>(rest, numbers, hops)
                               : search_rest<kNoCopy>(rest, numbers, nullptr);
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
    [[nodiscard]] std::size_t run_strange(Isa isa,
                                          std::uint32_t* numbers,
                                          NextHop* hops) const noexcept {
        Selected selected;
        for (std::size_t first = 0; first < ids.size(); first += kStep) {
            const std::size_t end = std::min(first + kStep, ids.size());
            if (are == Hashes::wanted) {
                table.hash_.hash_bulk(ids.subspan(first, end - first), hashes + first);
            }
            isa == Isa::avx2 ? select_avx2(first, end, selected)
                             : select_scalar(first, end, selected);
        }
        std::array<const AgentId*, kFilterStep> wanted;
        std::array<std::uint64_t, kFilterStep> hash;
        std::array<std::uint32_t, kFilterStep> found;
        std::array<NextHop, kFilterStep> found_hops;
        for (std::size_t i = 0; i < selected.count; ++i) {
            wanted[i] = ids[selected.which[i]];
            hash[i] = hashes[selected.which[i]];
        }
        const std::span some(wanted.data(), selected.count);
        const std::size_t asks = Probe{table, some, hash.data(), Hashes::given}.run(
            isa, found.data(), hops != nullptr ? found_hops.data() : nullptr);
        for (std::size_t i = 0; i < selected.count; ++i) {
            numbers[selected.which[i]] = found[i];
            if (hops != nullptr) {
                hops[selected.which[i]] = found_hops[i];
            }
        }
        return asks;
    }

    // Gives how many answers are kAskAuthority.
    [[nodiscard]] std::size_t run(Isa isa, std::uint32_t* numbers, NextHop* hops) const noexcept {
        std::size_t asks = 0;
        Lines lines;
        std::array<std::uint32_t, kRestMax> rest;
        std::size_t rest_count = 0;
        for (std::size_t at = 0; at < ids.size() + kAhead; at += kStep) {
            if (at < ids.size()) {
                ask(at, lines);
            }
            if (at < kAhead) {
                continue;
            }
            const std::size_t first = at - kAhead;
            if (rest_count + kStep > kRestMax) [[unlikely]] {
                asks += settle_rest({rest.data(), rest_count}, numbers, hops);
                rest_count = 0;
            }
            rest_count += probe(isa,
                                {lines.data() + first % kLines,
                                 ids.data() + first,
                                 hashes + first,
                                 numbers + first,
                                 hops != nullptr ? hops + first : nullptr,
                                 rest.data() + rest_count,
                                 static_cast<std::uint32_t>(first),
                                 std::min(kStep, ids.size() - first)});
        }
        if (rest_count != 0) {
            asks += settle_rest({rest.data(), rest_count}, numbers, hops);
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
                               std::uint32_t* numbers,
                               NextHop* hops) const noexcept {
    return lookup_by(isa_, ids, hashes, are, mostly, numbers, hops);
}

std::size_t RouteTable::lookup_by(Isa isa,
                                  std::span<const AgentId* const> ids,
                                  std::uint64_t* hashes,
                                  Hashes are,
                                  Mostly mostly,
                                  std::uint32_t* numbers,
                                  NextHop* hops) const noexcept {
    if (mostly == Mostly::known) [[likely]] {
        return Probe{*this, ids, hashes, are}.run(isa, numbers, hops);
    }
    std::fill_n(numbers, ids.size(), kNone);
    if (hops != nullptr) {
        std::fill_n(hops, ids.size(), NextHop::elsewhere());
    }
    std::size_t asks = 0;
    for (std::size_t first = 0; first < ids.size(); first += kFilterStep) {
        const std::size_t step = std::min(kFilterStep, ids.size() - first);
        const Probe some{*this, ids.subspan(first, step), hashes + first, are};
        asks += some.run_strange(isa, numbers + first, hops != nullptr ? hops + first : nullptr);
    }
    return asks;
}

std::uint32_t RouteTable::lookup_one(const AgentId& id, std::uint64_t hash) const noexcept {
    const Line* const line = lines_ + home_of(hash);
    const std::uint64_t words = words_of(line);
    std::uint32_t number = kNone;
    const unsigned halves = Probe::compare_scalar(line, id);
    if (Probe::settle<Probe::kNoCopy>(line, words, halves, hash, number, nullptr)) [[likely]] {
        return number;
    }
    return Probe{*this, {}, nullptr, Hashes::given}.search<Probe::kNoCopy>(id, hash, nullptr);
}

}  // namespace posthaste::routing
