// SPDX-License-Identifier: BSD-3-Clause
// SealedStream: one side of a connection of the route plane: plain bytes in, what goes over the
// wire out, and back.
//
// Each side first sends a preamble in clear text: magic (32 bits), version (8), mode (8; 0 plain, 1
// sealed), zero (16), challenge (16 random bytes). Where the cluster has keys, records follow:
// length (32 bits), that many bytes of Keyring::seal(). Bound to each record are who sends it, both
// challenges and its number, so that it opens once, at its place, in this connection alone. Without
// keys the bytes follow as they are. Big-endian. Holds one record at most, and what came behind it.
// No socket, clock or random device. Control thread only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "gossip/seal/keyring.h"

namespace posthaste::gossip::seal {

inline constexpr std::uint32_t kStreamMagic = 0x5048'5250;
inline constexpr std::uint8_t kStreamVersion = 1;
inline constexpr std::size_t kChallengeBytes = 16;
inline constexpr std::size_t kPreambleBytes = 8 + kChallengeBytes;
inline constexpr std::size_t kRecordPlainMax = 64 * 1'024;
inline constexpr std::size_t kRecordBytesMax = 4 + kSealBytes + kRecordPlainMax;
// What is sealed here goes in smaller ones, so that opening one is short.
inline constexpr std::size_t kRecordPlain = 16 * 1'024;

using Challenge = std::array<std::uint8_t, kChallengeBytes>;

// Why a connection is to be ended: each is final.
enum class StreamRefusal : std::uint8_t {
    not_a_router,   // no preamble
    other_version,  // of the preamble
    malformed,      // a mode there is not, or a record with nothing in it
    plaintext,      // though there are keys here
    sealed,         // though there are none
    reflected,      // what we sent comes back
    oversize,
    wrong_key,  // no key opens the first record
    bad_seal,   // nor a later one: altered, repeated or out of its place
    count,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(StreamRefusal::count)>
    kStreamRefusalNames = {"not-a-router",
                           "other-version",
                           "malformed",
                           "plaintext",
                           "sealed",
                           "reflected",
                           "oversize",
                           "wrong-key",
                           "bad-seal"};

[[nodiscard]] constexpr std::string_view name_of(StreamRefusal refusal) noexcept {
    return kStreamRefusalNames[static_cast<std::size_t>(refusal)];
}

class SealedStream {
  public:
    // `keyring` outlives it, and may change meanwhile, but not become empty or cease to be. The
    // challenge and the nonce are random; the nonce is counted up from there.
    SealedStream(const Keyring& keyring,
                 bool initiated,
                 const Challenge& challenge,
                 const Nonce& first_nonce);

    // What goes first.
    [[nodiscard]] std::array<std::uint8_t, kPreambleBytes> preamble() const;

    // The peer's preamble is there and good: seal() may be called.
    [[nodiscard]] bool ready() const noexcept { return theirs_.has_value(); }

    // Appends to `wire`.
    void seal(std::span<const std::uint8_t> plain, Bytes& wire);
    // Appends to `plain` what came whole.
    [[nodiscard]] tl::expected<void, StreamRefusal> open(std::span<const std::uint8_t> wire,
                                                         Bytes& plain);

    // Bytes that wait for the rest of their record.
    [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

  private:
    using Associated = std::array<std::uint8_t, 1 + 2 * kChallengeBytes + 8>;

    [[nodiscard]] Associated associated(bool of_initiator, std::uint64_t record) const;
    [[nodiscard]] std::optional<StreamRefusal> read_preamble();
    // The length of the record that begins there; nullopt: not all of it has come.
    [[nodiscard]] tl::expected<std::optional<std::size_t>, StreamRefusal> record_at(
        std::size_t start) const;
    [[nodiscard]] tl::expected<void, StreamRefusal> refuse(StreamRefusal why);

    const Keyring& keyring_;
    bool initiated_;
    bool sealed_;
    Challenge ours_;
    std::optional<Challenge> theirs_;
    Nonce nonce_;
    std::uint64_t sent_ = 0;    // records
    std::uint64_t opened_ = 0;  // records
    Bytes held_;
    std::optional<StreamRefusal> refused_;
};

}  // namespace posthaste::gossip::seal
