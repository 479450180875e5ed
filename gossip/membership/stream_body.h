// SPDX-License-Identifier: BSD-3-Clause
// StreamBody: a stream's message without label, seal and compression, from bytes as they come.
//
// Rows of a push/pull are taken one by one and kept until all are there: it holds them, one
// incomplete row of 16 KiB, and the user state. The head's numbers are checked against the limits
// before anything is kept for them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "gossip/membership/message.h"

namespace posthaste::gossip::membership {

// A head, a row, or a message without a tail.
inline constexpr std::size_t kStreamPieceMax = 16U << 10;

struct StreamLimits {
    std::uint32_t nodes_max = 16'384;
    std::size_t user_state_max = 20U << 20;
};

class StreamBody {
  public:
    explicit StreamBody(const StreamLimits& limits) : limits_(limits) {}

    void add(std::span<const std::uint8_t> bytes);
    // Nothing: not all of it is there. Not to be called again after a message or a refusal.
    [[nodiscard]] tl::expected<std::optional<StreamMessage>, Refusal> next();

    // Bytes that are read no further yet.
    [[nodiscard]] std::size_t held() const noexcept { return bytes_.size() - start_; }

    // What the rows take that are there.
    [[nodiscard]] std::size_t row_bytes() const noexcept { return row_bytes_; }

  private:
    enum class Stage : std::uint8_t { type, simple, user_head, push_head, rows, user_state, user };

    using Progress = tl::expected<bool, Refusal>;  // false: more is needed
    [[nodiscard]] Progress step();
    [[nodiscard]] Progress take_type();
    [[nodiscard]] Progress take_simple();
    [[nodiscard]] Progress take_user_head();
    [[nodiscard]] Progress take_push_head();
    [[nodiscard]] Progress take_rows();
    [[nodiscard]] Progress take_tail();

    template <typename Structure>
    [[nodiscard]] Progress take(Structure& value);

    [[nodiscard]] std::span<const std::uint8_t> rest() const noexcept {
        return std::span(bytes_).subspan(start_);
    }

    StreamLimits limits_;
    Stage stage_ = Stage::type;
    MessageType type_ = MessageType::ping;
    std::vector<std::uint8_t> bytes_;
    std::size_t start_ = 0;
    std::uint32_t rows_left_ = 0;
    std::uint32_t tail_bytes_ = 0;
    PushPull push_;
    std::size_t row_bytes_ = 0;
    std::optional<StreamMessage> message_;
};

// Type and body.
[[nodiscard]] std::vector<std::uint8_t> encode_body(const StreamMessage& message);

}  // namespace posthaste::gossip::membership
