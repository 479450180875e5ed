// SPDX-License-Identifier: BSD-3-Clause
// Streams of membership: one message, one back. memberlist's, outermost first
//   [f4, length, label] [0a, length u32, sealed] [compressed] message.
//
// Only the side that opened the stream labels it. A push/pull is a head, rows and a user state, a
// user message a head and its bytes. StreamReader takes bytes as they come and holds what is not
// complete: a sealed or compressed frame of 20 MiB at most, or the rows and the user state of their
// limits; what is to be longer is refused before it is there. A frame that is whole is opened at
// once, and takes for that moment what it has inside, too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "gossip/membership/message.h"
#include "gossip/membership/sealing.h"
#include "gossip/membership/stream_body.h"

namespace posthaste::gossip::membership {

inline constexpr std::size_t kStreamFrameMax = 20U << 20;

enum class StreamPart : std::uint8_t {
    request,  // from the side that opened the stream
    reply,
};

class StreamReader {
  public:
    // `part`: what is to be read. The keyring must outlive it.
    StreamReader(const Sealing& sealing, const StreamLimits& limits, StreamPart part);

    void add(std::span<const std::uint8_t> bytes);
    // Nothing: not all of it is there. A refusal is final. What follows the message is one, too.
    [[nodiscard]] tl::expected<std::optional<StreamMessage>, Refusal> next();

    [[nodiscard]] std::size_t held() const noexcept {
        return bytes_.size() + body_.held() + body_.row_bytes();
    }

  private:
    enum class Stage : std::uint8_t { label, front, open, done, refused };

    using Progress = tl::expected<bool, Refusal>;  // false: more is needed
    [[nodiscard]] Progress take_label();
    [[nodiscard]] Progress take_front();
    [[nodiscard]] Progress open_frame();
    [[nodiscard]] Progress take_plain(std::span<const std::uint8_t> plain);
    [[nodiscard]] Progress expand(std::span<const std::uint8_t> packed, bool whole);

    Sealing sealing_;
    Stage stage_ = Stage::label;
    Refusal refusal_ = Refusal::truncated;
    bool whole_ = false;  // the body has all it will get
    std::vector<std::uint8_t> bytes_;
    StreamBody body_;
};

[[nodiscard]] std::vector<std::uint8_t> encode_stream(const StreamMessage& message,
                                                      const Sealing& sealing,
                                                      const seal::Nonce& nonce,
                                                      StreamPart part);

}  // namespace posthaste::gossip::membership
