// SPDX-License-Identifier: BSD-3-Clause
#include "routing/key_hash.h"

#include <cpuid.h>
#include <immintrin.h>
#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "routing/check.h"

namespace posthaste::routing {

namespace {

using Key = KeyHash::Key;
using Variant = KeyHash::Variant;

constexpr std::size_t kRounds = KeyHash::kRounds;

// --- scalar: FIPS 197 in numbers ---

// Product in AES's field, GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
constexpr std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept {
    unsigned product = 0;
    for (unsigned shifted = a; b != 0; b = static_cast<std::uint8_t>(b >> 1)) {
        product ^= (b & 1) != 0 ? shifted : 0;
        shifted = (shifted << 1) ^ ((shifted & 0x80) != 0 ? 0x11b : 0);
    }
    return static_cast<std::uint8_t>(product);
}

constexpr std::uint8_t substitute(std::uint8_t byte) noexcept {
    std::uint8_t inverse = 1;  // byte^254, which is of the powers 2, 4 .. 128; of zero: zero
    for (int i = 1; i < 8; ++i) {
        byte = multiply(byte, byte);
        inverse = multiply(inverse, byte);
    }
    std::uint8_t sum = 0x63;
    for (int turn = 0; turn < 5; ++turn) {
        sum = static_cast<std::uint8_t>(sum ^ std::rotl(inverse, turn));
    }
    return sum;
}

// What a byte of the first row adds to its column: its substitute times 2, 1, 1, 3.
constexpr auto kColumn = [] {
    std::array<std::uint32_t, 256> column{};
    for (unsigned byte = 0; byte < column.size(); ++byte) {
        const std::uint32_t s = substitute(static_cast<std::uint8_t>(byte));
        const std::uint32_t twice = multiply(static_cast<std::uint8_t>(s), 2);
        column[byte] = twice | s << 8 | s << 16 | (twice ^ s) << 24;
    }
    return column;
}();

using State = std::array<std::uint32_t, 4>;  // columns; the first row is the low byte

State round(const State& in, const State& key) noexcept {
    State out = key;
    for (unsigned column = 0; column < 4; ++column) {
        for (unsigned row = 0; row < 4; ++row) {  // row r comes from r columns further right
            const std::uint32_t byte = (in[(column + row) % 4] >> (8 * row)) & 0xff;
            out[column] ^= std::rotl(kColumn[byte], static_cast<int>(8 * row));
        }
    }
    return out;
}

std::uint64_t hash_scalar(const AgentId& id, const Key& key) noexcept {
    const auto keys = std::bit_cast<std::array<State, kRounds + 1>>(key);
    auto state = std::bit_cast<State>(id);
    for (unsigned column = 0; column < 4; ++column) {
        state[column] ^= keys[0][column];
    }
    for (std::size_t i = 1; i <= kRounds; ++i) {
        state = round(state, keys[i]);
    }
    return state[0] | std::uint64_t{state[1]} << 32;
}

// --- the instructions ---
// A target attribute per function, since this library is built for every x86-64-v2 CPU. One id at
// a time is enough for aes: ids do not depend on one another, so the CPU has many under way.
#define POSTHASTE_AES __attribute__((target("aes")))
#define POSTHASTE_VAES __attribute__((target("aes,avx2,vaes")))

inline __m128i load(const void* bytes) noexcept {
    return _mm_loadu_si128(static_cast<const __m128i*>(bytes));
}

// A copy, so that the compiler knows it out of reach of what `out` points to.
struct KeyVectors {
    __m128i of_round[kRounds + 1];
};

inline KeyVectors vectors(const Key& key) noexcept {
    KeyVectors all;
    for (std::size_t i = 0; i <= kRounds; ++i) {
        all.of_round[i] = load(&key.words[2 * i]);
    }
    return all;
}

POSTHASTE_AES inline std::uint64_t hash_aes(const AgentId& id, const KeyVectors& keys) noexcept {
    __m128i state = _mm_xor_si128(load(&id), keys.of_round[0]);
    for (std::size_t i = 1; i <= kRounds; ++i) {
        state = _mm_aesenc_si128(state, keys.of_round[i]);
    }
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(state));
}

POSTHASTE_VAES inline __m256i load_two(const AgentId* low, const AgentId* high) noexcept {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load(low)), load(high), 1);
}

// --- many ids; id_at(i) is the address of the i-th ---

template <class IdAt>
void bulk_scalar(IdAt id_at, std::size_t count, const Key& key, std::uint64_t* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = hash_scalar(*id_at(i), key);
    }
}

template <class IdAt>
POSTHASTE_AES void bulk_aes(IdAt id_at,
                            std::size_t count,
                            const Key& key,
                            std::uint64_t* out) noexcept {
    const KeyVectors keys = vectors(key);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = hash_aes(*id_at(i), keys);
    }
}

// Four ids in two vectors, as 0 2 and 1 3: then the low halves lie in order side by side.
template <class IdAt>
POSTHASTE_VAES void bulk_vaes(IdAt id_at,
                              std::size_t count,
                              const Key& key,
                              std::uint64_t* out) noexcept {
    const KeyVectors single = vectors(key);
    __m256i keys[kRounds + 1];
    for (std::size_t i = 0; i <= kRounds; ++i) {
        keys[i] = _mm256_broadcastsi128_si256(single.of_round[i]);
    }
    std::size_t done = 0;
    for (; done + 4 <= count; done += 4) {
        __m256i even = load_two(id_at(done), id_at(done + 2));
        __m256i odd = load_two(id_at(done + 1), id_at(done + 3));
        even = _mm256_xor_si256(even, keys[0]);
        odd = _mm256_xor_si256(odd, keys[0]);
        for (std::size_t i = 1; i <= kRounds; ++i) {
            even = _mm256_aesenc_epi128(even, keys[i]);
            odd = _mm256_aesenc_epi128(odd, keys[i]);
        }
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + done),
                            _mm256_unpacklo_epi64(even, odd));
    }
    for (; done < count; ++done) {
        out[done] = hash_aes(*id_at(done), single);
    }
}

template <class IdAt>
void bulk(
    Variant variant, IdAt id_at, std::size_t count, const Key& key, std::uint64_t* out) noexcept {
    switch (variant) {
        case Variant::scalar:
            return bulk_scalar(id_at, count, key, out);
        case Variant::aes:
            return bulk_aes(id_at, count, key, out);
        case Variant::vaes:
            return bulk_vaes(id_at, count, key, out);
    }
}

// Asked once: in a virtual machine the question may cost microseconds.
bool cpu_has_vaes() noexcept {
    static const bool has = [] {
        // clang 14 does not know the name "vaes"; that the system saves its registers, avx2 says.
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        return __builtin_cpu_supports("avx2") != 0 &&
               __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & bit_VAES) != 0;
    }();
    return has;
}

Variant fastest() noexcept {
    for (const Variant variant : {Variant::vaes, Variant::aes}) {
        if (KeyHash::has(variant)) {
            return variant;
        }
    }
    return Variant::scalar;
}

}  // namespace

KeyHash::KeyHash(const Key& key) noexcept : KeyHash(key, fastest()) {}

KeyHash::KeyHash(const Key& key, Variant variant) noexcept : key_(key), variant_(variant) {
    CHECK(has(variant));
}

KeyHash::Key KeyHash::random_key() {
    Key key;
    auto* const bytes = reinterpret_cast<unsigned char*>(key.words.data());
    std::size_t have = 0;
    while (have < sizeof key.words) {
        const ssize_t got = getrandom(bytes + have, sizeof key.words - have, 0);
        if (got > 0) {
            have += static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
            std::abort();  // without a secret, strangers could choose who collides
        }
    }
    return key;
}

bool KeyHash::has(Variant variant) noexcept {
    const bool aes = __builtin_cpu_supports("aes") != 0;
    switch (variant) {
        case Variant::scalar:
            return true;
        case Variant::aes:
            return aes;
        case Variant::vaes:
            return aes && cpu_has_vaes();
    }
    return false;
}

std::uint64_t KeyHash::hash(const AgentId& id) const noexcept {
    return variant_ == Variant::scalar ? hash_scalar(id, key_) : hash_aes(id, vectors(key_));
}

void KeyHash::hash_bulk(std::span<const AgentId* const> ids, std::uint64_t* out) const noexcept {
    bulk(
        variant_, [ids](std::size_t i) { return ids[i]; }, ids.size(), key_, out);
}

void KeyHash::hash_bulk(std::span<const AgentId> ids, std::uint64_t* out) const noexcept {
    bulk(
        variant_, [ids](std::size_t i) { return &ids[i]; }, ids.size(), key_, out);
}

}  // namespace posthaste::routing
