// SPDX-License-Identifier: BSD-3-Clause
#include "routing/key_hash.h"

#include <immintrin.h>
#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace posthaste::routing {

namespace {

constexpr std::uint64_t kSecondFactor = 0xbf58476d1ce4e5b9ULL;  // odd; splitmix64's first
constexpr std::size_t kStep = 8;

// What the hash of one id is, in plain words. NH with an independent key each gives `first` and
// `second`; either alone collides with probability 2^-32 at most over the keys, and so does their
// sum (NH is almost delta-universal). The rest is a permutation, so it adds no collision; it only
// spreads the bits, since tables take a few of them.
std::uint64_t hash_words(const std::array<std::uint32_t, 4>& word,
                         const KeyHash::Key& key) noexcept {
    const auto product = [&word, &key](unsigned at, unsigned base) {
        const std::uint32_t left = word[at] + key.nh[base + at];
        const std::uint32_t right = word[at + 1] + key.nh[base + at + 1];
        return std::uint64_t{left} * right;
    };
    const std::uint64_t first = product(0, 0) + product(2, 0);
    const std::uint64_t second = product(0, 4) + product(2, 4);
    std::uint64_t x = first + std::rotl(second, 32);
    x ^= x >> 32;
    x *= key.finalise | 1;
    x ^= x >> 29;
    x *= kSecondFactor;
    x ^= x >> 32;
    return x;
}

// The same on vectors. A target attribute per function, since this library is built for every
// x86-64-v2 CPU; only hash_bulk_avx2() may call these.
#define POSTHASTE_AVX2 __attribute__((target("avx2")))

struct VectorKey {
    __m256i first;
    __m256i second;
    __m256i factor;
};

POSTHASTE_AVX2 inline __m256i load_two(const AgentId* low, const AgentId* high) noexcept {
    const auto* const left = reinterpret_cast<const __m128i*>(low->bytes.data());
    const auto* const right = reinterpret_cast<const __m128i*>(high->bytes.data());
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128(left)), _mm_loadu_si128(right), 1);
}

// Per 128-bit lane: the two products of NH, as two 64-bit elements.
POSTHASTE_AVX2 inline __m256i products(__m256i words, __m256i key) noexcept {
    const __m256i sum = _mm256_add_epi32(words, key);
    return _mm256_mul_epu32(sum, _mm256_srli_epi64(sum, 32));
}

// Low 64 bits of a 64-bit product, which AVX2 has no instruction for.
POSTHASTE_AVX2 inline __m256i multiply(__m256i a, __m256i b) noexcept {
    const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), b),
                                           _mm256_mul_epu32(a, _mm256_srli_epi64(b, 32)));
    return _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64(cross, 32));
}

// NH of four ids, in the order 0, 2, 1, 3.
POSTHASTE_AVX2 inline __m256i nh_four(__m256i low, __m256i high, __m256i key) noexcept {
    const __m256i a = products(low, key);
    const __m256i b = products(high, key);
    return _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

POSTHASTE_AVX2 inline void hash_four(const AgentId* const* ids,
                                     const VectorKey& key,
                                     std::uint64_t* out) noexcept {
    const __m256i low = load_two(ids[0], ids[1]);
    const __m256i high = load_two(ids[2], ids[3]);
    const __m256i first = nh_four(low, high, key.first);
    // A rotation by half the element is a swap of its 32-bit halves.
    const __m256i second = _mm256_shuffle_epi32(nh_four(low, high, key.second), 0xb1);
    __m256i x = _mm256_add_epi64(first, second);
    x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 32));
    x = multiply(x, key.factor);
    x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 29));
    x = multiply(x, _mm256_set1_epi64x(static_cast<long long>(kSecondFactor)));
    x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 32));
    x = _mm256_permute4x64_epi64(x, 0xd8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), x);
}

}  // namespace

KeyHash::KeyHash(const Key& key) noexcept : key_(key), avx2_(has_avx2()) {}

KeyHash::Key KeyHash::random_key() {
    Key key;
    std::array<unsigned char, sizeof key.nh + sizeof key.finalise> bytes{};
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t got = getrandom(bytes.data() + have, bytes.size() - have, 0);
        if (got > 0) {
            have += static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
            std::abort();  // without a secret, strangers could choose who collides
        }
    }
    std::memcpy(key.nh.data(), bytes.data(), sizeof key.nh);
    std::memcpy(&key.finalise, bytes.data() + sizeof key.nh, sizeof key.finalise);
    return key;
}

std::uint64_t KeyHash::hash(const AgentId& id) const noexcept {
    std::array<std::uint32_t, 4> word;
    std::memcpy(word.data(), id.bytes.data(), sizeof word);
    return hash_words(word, key_);
}

void KeyHash::hash_bulk(std::span<const AgentId* const> ids, std::uint64_t* out) const noexcept {
    if (avx2_) {
        hash_bulk_avx2(ids, out);
    } else {
        hash_bulk_scalar(ids, out);
    }
}

void KeyHash::hash_bulk_scalar(std::span<const AgentId* const> ids,
                               std::uint64_t* out) const noexcept {
    for (std::size_t i = 0; i < ids.size(); ++i) {
        out[i] = hash(*ids[i]);
    }
}

POSTHASTE_AVX2 void KeyHash::hash_bulk_avx2(std::span<const AgentId* const> ids,
                                            std::uint64_t* out) const noexcept {
    const auto* const nh = reinterpret_cast<const __m128i*>(key_.nh.data());
    const VectorKey key{
        .first = _mm256_broadcastsi128_si256(_mm_loadu_si128(nh)),
        .second = _mm256_broadcastsi128_si256(_mm_loadu_si128(nh + 1)),
        .factor = _mm256_set1_epi64x(static_cast<long long>(key_.finalise | 1)),
    };
    std::size_t i = 0;
    for (; i + kStep <= ids.size(); i += kStep) {
        hash_four(&ids[i], key, out + i);
        hash_four(&ids[i + 4], key, out + i + 4);
    }
    if (i + 4 <= ids.size()) {
        hash_four(&ids[i], key, out + i);
        i += 4;
    }
    hash_bulk_scalar(ids.subspan(i), out + i);
}

bool KeyHash::has_avx2() noexcept {
    return __builtin_cpu_supports("avx2") != 0;
}

}  // namespace posthaste::routing
