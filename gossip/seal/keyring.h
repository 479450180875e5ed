// SPDX-License-Identifier: BSD-3-Clause
// Keyring: the cluster's AES-GCM keys (NIST SP 800-38D; 16, 24 or 32 bytes). The first one seals,
// any of them opens. Used by membership datagrams and streams, and by the route plane.
//
// What is sealed: version (8 bits), nonce (12 bytes), ciphertext, tag (16 bytes). Version 1 has no
// padding; version 0 is PKCS #7 to 16 bytes, which is checked. Nonces are the caller's: random,
// and never twice. Control thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::gossip::seal {

inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kSealBytes = 1 + kNonceBytes + kTagBytes;  // what version 1 adds
inline constexpr std::size_t kKeysMax = 16;

using Nonce = std::array<std::uint8_t, kNonceBytes>;
using Bytes = std::vector<std::uint8_t>;

enum class SealError : std::uint8_t { truncated, bad_version, bad_seal, bad_padding };

class Keyring {
  public:
    Keyring();
    ~Keyring();
    Keyring(Keyring&&) noexcept;
    Keyring& operator=(Keyring&&) noexcept;

    [[nodiscard]] bool empty() const noexcept;
    // Raw keys, the primary first.
    [[nodiscard]] std::vector<std::string> keys() const;
    [[nodiscard]] std::string_view primary() const noexcept;

    // The error is one sentence. Installing what is there, and using what is first, is no error.
    // The primary key cannot be removed.
    [[nodiscard]] tl::expected<void, std::string> install(std::string_view key);
    [[nodiscard]] tl::expected<void, std::string> use(std::string_view key);
    [[nodiscard]] tl::expected<void, std::string> remove(std::string_view key);

    // Not empty().
    [[nodiscard]] Bytes seal(std::span<const std::uint8_t> plain,
                             std::span<const std::uint8_t> associated,
                             const Nonce& nonce) const;
    [[nodiscard]] tl::expected<Bytes, SealError> open(
        std::span<const std::uint8_t> sealed, std::span<const std::uint8_t> associated) const;

  private:
    struct Key;
    std::vector<std::unique_ptr<Key>> keys_;
};

// Standard base64 with padding, as Serf writes keys.
[[nodiscard]] std::string key_text(std::string_view key);
[[nodiscard]] tl::expected<std::string, std::string> key_of_text(std::string_view text);

}  // namespace posthaste::gossip::seal
