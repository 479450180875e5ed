// SPDX-License-Identifier: BSD-3-Clause
// FrameReader: a stream of bytes as frames, the first of them a hello of our version and cluster.
// Holds one frame at most, and what came behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "gossip/claims/message.h"

namespace posthaste::gossip::claims {

class FrameReader {
  public:
    struct Frame {
        std::uint8_t kind = 0;
        std::span<const std::uint8_t> body;  // until the next call
    };

    explicit FrameReader(std::uint32_t cluster) : cluster_(cluster) {}

    void add(std::span<const std::uint8_t> bytes);
    // Nothing: not all of it is there. A refusal is final: where the next frame would begin is not
    // to be believed.
    [[nodiscard]] tl::expected<std::optional<Frame>, Refusal> next();

    [[nodiscard]] std::size_t held() const noexcept { return bytes_.size() - start_; }

  private:
    [[nodiscard]] tl::expected<void, Refusal> check_hello(std::span<const std::uint8_t> frame);

    std::uint32_t cluster_;
    bool greeted_ = false;
    std::vector<std::uint8_t> bytes_;
    std::size_t start_ = 0;
};

}  // namespace posthaste::gossip::claims
