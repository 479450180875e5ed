// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/seal/keyring.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace posthaste::gossip::seal {

namespace {

constexpr std::uint8_t kVersionPadded = 0;
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kBlockBytes = 16;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

// Fetched once for the life of the process: a fetch costs more than a datagram's sealing.
const EVP_CIPHER* cipher_of(std::size_t key_bytes) {
    static EVP_CIPHER* const kAes128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
    static EVP_CIPHER* const kAes192 = EVP_CIPHER_fetch(nullptr, "AES-192-GCM", nullptr);
    static EVP_CIPHER* const kAes256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    switch (key_bytes) {
        case 16:
            return kAes128;
        case 24:
            return kAes192;
        case 32:
            return kAes256;
        default:
            return nullptr;
    }
}

// Of calls that fail only where the library is broken or memory has run out.
void require(int result) {
    if (result != 1) {
        std::abort();
    }
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// How much of `plain` is padding; none if it is not PKCS #7.
std::optional<std::size_t> padding_of(std::span<const std::uint8_t> plain) {
    if (plain.empty() || plain.size() % kBlockBytes != 0) {
        return std::nullopt;
    }
    const std::size_t padding = plain.back();
    if (padding < 1 || padding > kBlockBytes ||
        std::ranges::any_of(plain.last(padding), [&](auto octet) { return octet != padding; })) {
        return std::nullopt;
    }
    return padding;
}

}  // namespace

// The contexts hold the expanded key; a message only sets its nonce.
struct Keyring::Key {
    std::string bytes;
    Context sealing{EVP_CIPHER_CTX_new()};
    Context opening{EVP_CIPHER_CTX_new()};

    explicit Key(std::string_view key) : bytes(key) {
        const EVP_CIPHER* const cipher = cipher_of(key.size());
        require(EVP_EncryptInit_ex2(sealing.get(), cipher, bytes_of(key), nullptr, nullptr));
        require(EVP_DecryptInit_ex2(opening.get(), cipher, bytes_of(key), nullptr, nullptr));
    }

    ~Key() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;

    // Writes as many bytes as `sealed` has; false if the tag is not theirs.
    [[nodiscard]] bool open(std::span<const std::uint8_t> nonce,
                            std::span<const std::uint8_t> associated,
                            std::span<const std::uint8_t> sealed,
                            std::span<const std::uint8_t> tag,
                            std::uint8_t* plain) const {
        EVP_CIPHER_CTX* const context = opening.get();
        int written = 0;
        require(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr));
        require(EVP_DecryptUpdate(
            context, nullptr, &written, associated.data(), static_cast<int>(associated.size())));
        require(EVP_DecryptUpdate(
            context, plain, &written, sealed.data(), static_cast<int>(sealed.size())));
        std::array<std::uint8_t, kTagBytes> expected{};
        std::ranges::copy(tag, expected.begin());
        require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, expected.data()));
        return EVP_DecryptFinal_ex(context, plain + sealed.size(), &written) == 1;
    }
};

Keyring::Keyring() = default;
Keyring::~Keyring() = default;
Keyring::Keyring(Keyring&&) noexcept = default;
Keyring& Keyring::operator=(Keyring&&) noexcept = default;

bool Keyring::empty() const noexcept {
    return keys_.empty();
}

std::vector<std::string> Keyring::keys() const {
    std::vector<std::string> keys;
    for (const auto& key : keys_) {
        keys.push_back(key->bytes);
    }
    return keys;
}

std::string_view Keyring::primary() const noexcept {
    return keys_.empty() ? std::string_view() : keys_.front()->bytes;
}

tl::expected<void, std::string> Keyring::install(std::string_view key) {
    if (cipher_of(key.size()) == nullptr) {
        return tl::unexpected("A key has 16, 24 or 32 bytes, not " + std::to_string(key.size()) +
                              ".");
    }
    if (std::ranges::any_of(keys_, [&](const auto& held) { return held->bytes == key; })) {
        return {};
    }
    if (keys_.size() >= kKeysMax) {
        return tl::unexpected("The keyring is full with " + std::to_string(kKeysMax) + " keys.");
    }
    keys_.push_back(std::make_unique<Key>(key));
    return {};
}

tl::expected<void, std::string> Keyring::use(std::string_view key) {
    const auto found =
        std::ranges::find_if(keys_, [&](const auto& held) { return held->bytes == key; });
    if (found == keys_.end()) {
        return tl::unexpected(std::string("The key is not in the keyring."));
    }
    std::rotate(keys_.begin(), found, found + 1);
    return {};
}

tl::expected<void, std::string> Keyring::remove(std::string_view key) {
    if (!keys_.empty() && keys_.front()->bytes == key) {
        return tl::unexpected(std::string("The primary key cannot be removed."));
    }
    std::erase_if(keys_, [&](const auto& held) { return held->bytes == key; });
    return {};
}

Bytes Keyring::seal(std::span<const std::uint8_t> plain,
                    std::span<const std::uint8_t> associated,
                    const Nonce& nonce) const {
    require(keys_.empty() ? 0 : 1);
    EVP_CIPHER_CTX* const context = keys_.front()->sealing.get();
    Bytes sealed(kSealBytes + plain.size());
    sealed[0] = kVersion;
    std::ranges::copy(nonce, sealed.begin() + 1);
    std::uint8_t* const body = sealed.data() + 1 + kNonceBytes;
    int written = 0;
    require(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr));
    require(EVP_EncryptUpdate(
        context, nullptr, &written, associated.data(), static_cast<int>(associated.size())));
    require(
        EVP_EncryptUpdate(context, body, &written, plain.data(), static_cast<int>(plain.size())));
    require(EVP_EncryptFinal_ex(context, body + plain.size(), &written));
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, body + plain.size()));
    return sealed;
}

tl::expected<Bytes, SealError> Keyring::open(std::span<const std::uint8_t> sealed,
                                             std::span<const std::uint8_t> associated) const {
    if (!sealed.empty() && sealed[0] > kVersion) {
        return tl::unexpected(SealError::bad_version);
    }
    if (sealed.size() < kSealBytes) {
        return tl::unexpected(SealError::truncated);
    }
    const auto nonce = sealed.subspan(1, kNonceBytes);
    const auto body = sealed.subspan(1 + kNonceBytes, sealed.size() - kSealBytes);
    Bytes plain(body.size() + kBlockBytes);  // the last step may ask for a block more
    for (const auto& key : keys_) {
        if (!key->open(nonce, associated, body, sealed.last(kTagBytes), plain.data())) {
            continue;
        }
        plain.resize(body.size());
        if (sealed[0] == kVersionPadded) {
            const auto padding = padding_of(plain);
            if (!padding.has_value()) {
                return tl::unexpected(SealError::bad_padding);
            }
            plain.resize(plain.size() - *padding);
        }
        return plain;
    }
    OPENSSL_cleanse(plain.data(), plain.size());  // nobody vouched for it
    return tl::unexpected(SealError::bad_seal);
}

std::string key_text(std::string_view key) {
    std::string text(4 * ((key.size() + 2) / 3) + 1, '\0');  // and a zero
    const int length = EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(text.data()), bytes_of(key), static_cast<int>(key.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

tl::expected<std::string, std::string> key_of_text(std::string_view text) {
    constexpr std::size_t kTextMax = 44;  // of 32 bytes
    if (text.size() <= kTextMax && text.size() % 4 == 0) {
        std::string key(text.size() / 4 * 3, '\0');
        const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()),
                                           bytes_of(text),
                                           static_cast<int>(text.size()));
        const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
        if (length >= 0 && static_cast<std::size_t>(length) == key.size()) {
            key.resize(key.size() - padding);
            // The decoder forgives spaces and stray bits; there is one way to write a key.
            if (cipher_of(key.size()) != nullptr && key_text(key) == text) {
                return key;
            }
        }
    }
    return tl::unexpected(std::string("A key is 16, 24 or 32 bytes in standard base64."));
}

}  // namespace posthaste::gossip::seal
