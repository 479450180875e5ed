// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/seal/keyring.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>

#include "tests/support/hex.h"

namespace posthaste::gossip::seal {
namespace {

using support::from_hex;
using support::text_from_hex;

Keyring ring_of(std::initializer_list<std::string> keys) {
    Keyring ring;
    for (const std::string& key : keys) {
        EXPECT_TRUE(ring.install(key));
    }
    return ring;
}

const std::string kOne(16, '\x01');
const std::string kTwo(24, '\x02');
const std::string kThree(32, '\x03');
const Bytes kPlain = {'h', 'e', 'l', 'l', 'o'};
const Bytes kLabel = {'l'};
constexpr Nonce kNonce = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

// The message of test cases 4, 10 and 16 of the GCM specification's appendix.
constexpr std::string_view kNistKey =
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr std::string_view kNistPlain =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
constexpr std::string_view kNistNonce = "cafebabefacedbaddecaf888";
constexpr std::string_view kNistAssociated = "feedfacedeadbeeffeedfacedeadbeefabaddad2";

struct NistCase {
    std::size_t key_bytes;
    std::string_view sealed;
};

constexpr NistCase kNistCases[] = {
    {16,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {24,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
     "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710"
     "2519498e80f1478f37ba55bd6d27618c"},
    {32,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

// What a peer of protocol 1 sends: version 0, and `padded` as it is.
Bytes seal_padded(std::string_view key, const Bytes& padded, const Bytes& associated) {
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    Bytes sealed(kSealBytes + padded.size());
    std::ranges::copy(kNonce, sealed.begin() + 1);
    const auto* const key_bytes = reinterpret_cast<const unsigned char*>(key.data());
    int length = 0;
    EXPECT_EQ(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, key_bytes, kNonce.data()), 1);
    EXPECT_EQ(
        EVP_EncryptUpdate(
            context, nullptr, &length, associated.data(), static_cast<int>(associated.size())),
        1);
    EXPECT_EQ(EVP_EncryptUpdate(
                  context, &sealed[13], &length, padded.data(), static_cast<int>(padded.size())),
              1);
    EXPECT_EQ(EVP_EncryptFinal_ex(context, &sealed[13 + padded.size()], &length), 1);
    EXPECT_EQ(
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, &sealed[13 + padded.size()]),
        1);
    EVP_CIPHER_CTX_free(context);
    return sealed;
}

Bytes padded(const Bytes& plain, std::uint8_t octet, std::size_t count) {
    Bytes padded = plain;
    padded.insert(padded.end(), count, octet);
    return padded;
}

TEST(keyring, seals_as_the_nist_vectors_say) {
    Nonce nonce{};
    std::ranges::copy(from_hex(kNistNonce), nonce.begin());
    for (const NistCase& expected : kNistCases) {
        const Keyring ring = ring_of({text_from_hex(kNistKey.substr(0, 2 * expected.key_bytes))});
        const Bytes sealed = ring.seal(from_hex(kNistPlain), from_hex(kNistAssociated), nonce);
        EXPECT_EQ(sealed[0], 1);
        EXPECT_TRUE(std::equal(nonce.begin(), nonce.end(), sealed.begin() + 1));
        EXPECT_EQ(Bytes(sealed.begin() + 13, sealed.end()), from_hex(expected.sealed));
        EXPECT_EQ(ring.open(sealed, from_hex(kNistAssociated)), from_hex(kNistPlain));
    }
}

TEST(keyring, what_is_empty_is_sealed_too) {
    // Test case 1 of the same appendix: a tag and nothing else.
    const Keyring ring = ring_of({std::string(16, '\0')});
    const Bytes sealed = ring.seal({}, {}, Nonce{});
    EXPECT_EQ(Bytes(sealed.begin() + 13, sealed.end()),
              from_hex("58e2fccefa7e3061367f1d57a4e7455a"));
    EXPECT_EQ(ring.open(sealed, {}), Bytes());
}

TEST(keyring, adds_what_it_says) {
    const Keyring ring = ring_of({kThree});
    EXPECT_EQ(ring.seal(kPlain, kLabel, kNonce).size(), kPlain.size() + kSealBytes);
}

TEST(keyring, any_key_opens_and_the_first_one_seals) {
    Keyring ring = ring_of({kOne, kTwo, kThree});
    EXPECT_EQ(ring.open(ring_of({kThree}).seal(kPlain, kLabel, kNonce), kLabel), kPlain);
    EXPECT_EQ(ring.open(ring_of({kTwo}).seal(kPlain, kLabel, kNonce), kLabel), kPlain);
    EXPECT_EQ(ring_of({kOne}).open(ring.seal(kPlain, kLabel, kNonce), kLabel), kPlain);
    ASSERT_TRUE(ring.use(kThree));
    EXPECT_EQ(ring.keys(), (std::vector<std::string>{kThree, kOne, kTwo}));
    EXPECT_EQ(ring.primary(), kThree);
    EXPECT_EQ(ring_of({kOne}).open(ring.seal(kPlain, kLabel, kNonce), kLabel),
              tl::unexpected(SealError::bad_seal));
}

TEST(keyring, one_changed_bit_anywhere_opens_nothing) {
    const Keyring ring = ring_of({kTwo, kOne});
    const Bytes sealed = ring.seal(kPlain, kLabel, kNonce);
    for (std::size_t bit = 8; bit < 8 * sealed.size(); ++bit) {
        Bytes changed = sealed;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_EQ(ring.open(changed, kLabel), tl::unexpected(SealError::bad_seal)) << bit;
    }
    EXPECT_EQ(ring.open(sealed, {}), tl::unexpected(SealError::bad_seal));
    EXPECT_EQ(ring.open(sealed, kPlain), tl::unexpected(SealError::bad_seal));
    EXPECT_EQ(ring.open(sealed, kLabel), kPlain);
}

TEST(keyring, what_is_cut_off_opens_nothing) {
    const Keyring ring = ring_of({kOne});
    const Bytes sealed = ring.seal(kPlain, kLabel, kNonce);
    for (std::size_t length = 0; length < sealed.size(); ++length) {
        EXPECT_EQ(ring.open(std::span(sealed).first(length), kLabel),
                  tl::unexpected(length < kSealBytes ? SealError::truncated : SealError::bad_seal));
    }
}

TEST(keyring, versions_beyond_1_are_refused) {
    const Keyring ring = ring_of({kOne});
    Bytes sealed = ring.seal(kPlain, kLabel, kNonce);
    sealed[0] = 2;
    EXPECT_EQ(ring.open(sealed, kLabel), tl::unexpected(SealError::bad_version));
}

TEST(keyring, version_0_is_opened_without_its_padding) {
    const Keyring ring = ring_of({kThree, kOne});
    EXPECT_EQ(ring.open(seal_padded(kOne, padded(kPlain, 11, 11), kLabel), kLabel), kPlain);
    const Bytes block(16, 'x');
    EXPECT_EQ(ring.open(seal_padded(kOne, padded(block, 16, 16), kLabel), kLabel), block);
    EXPECT_EQ(ring.open(seal_padded(kOne, padded({}, 16, 16), {}), {}), Bytes());
}

TEST(keyring, padding_that_is_none_is_refused) {
    const Keyring ring = ring_of({kOne});
    const auto refused = tl::unexpected(SealError::bad_padding);
    const Bytes block(16, 'x');
    EXPECT_EQ(ring.open(seal_padded(kOne, {}, kLabel), kLabel), refused);
    EXPECT_EQ(ring.open(seal_padded(kOne, padded(kPlain, 0, 11), kLabel), kLabel), refused);
    EXPECT_EQ(ring.open(seal_padded(kOne, padded(kPlain, 17, 11), kLabel), kLabel), refused);
    EXPECT_EQ(ring.open(seal_padded(kOne, padded(block, 17, 16), kLabel), kLabel), refused);
    EXPECT_EQ(ring.open(seal_padded(kOne, padded(kPlain, 10, 10), kLabel), kLabel), refused);
    Bytes uneven = padded(kPlain, 11, 11);
    uneven[5] = 10;
    EXPECT_EQ(ring.open(seal_padded(kOne, uneven, kLabel), kLabel), refused);
}

TEST(keyring, an_empty_one_opens_nothing) {
    const Keyring ring;
    EXPECT_TRUE(ring.empty());
    EXPECT_EQ(ring.primary(), "");
    EXPECT_EQ(ring.open(ring_of({kOne}).seal(kPlain, {}, kNonce), {}),
              tl::unexpected(SealError::bad_seal));
}

TEST(keyring, a_key_that_is_first_cannot_be_removed) {
    Keyring ring = ring_of({kOne, kTwo});
    EXPECT_FALSE(ring.remove(kOne));
    EXPECT_TRUE(ring.remove(kTwo));
    EXPECT_TRUE(ring.remove(kTwo));
    EXPECT_EQ(ring.keys(), std::vector<std::string>{kOne});
}

TEST(keyring, a_key_of_another_length_is_refused) {
    Keyring ring;
    for (const std::size_t length : {0U, 1U, 15U, 17U, 31U, 33U, 64U}) {
        EXPECT_FALSE(ring.install(std::string(length, 'k'))) << length;
    }
    EXPECT_TRUE(ring.empty());
}

TEST(keyring, holds_no_more_than_its_maximum) {
    Keyring ring;
    for (std::size_t i = 0; i < kKeysMax; ++i) {
        EXPECT_TRUE(ring.install(std::string(16, static_cast<char>('a' + i))));
    }
    EXPECT_FALSE(ring.install(std::string(16, '!')));
    EXPECT_TRUE(ring.install(std::string(16, 'a')));
    EXPECT_EQ(ring.keys().size(), kKeysMax);
}

TEST(keyring, a_key_it_lacks_cannot_be_first) {
    Keyring ring = ring_of({kOne});
    EXPECT_FALSE(ring.use(kTwo));
    EXPECT_TRUE(ring.use(kOne));
    EXPECT_EQ(ring.primary(), kOne);
}

TEST(keyring, key_text_is_base64_and_back) {
    EXPECT_EQ(key_text(std::string(16, '\0')), "AAAAAAAAAAAAAAAAAAAAAA==");
    for (const std::string& key : {kOne, kTwo, kThree}) {
        EXPECT_EQ(key_of_text(key_text(key)), key);
    }
}

TEST(keyring, text_that_is_no_key_is_refused) {
    for (const char* text : {"",
                             "A",
                             "AAAA",
                             "AAAAAAAAAAAAAAAAAAAAAA",
                             "AAAAAAAAAAAAAAAAAAAAAB==",
                             "AAAAAAAAAAAAAAAAAAAAAA=A",
                             " AAAAAAAAAAAAAAAAAAAAAA=",
                             "AAAAAAAAAA*AAAAAAAAAAA==",
                             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
        EXPECT_FALSE(key_of_text(text)) << text;
    }
}

}  // namespace
}  // namespace posthaste::gossip::seal
