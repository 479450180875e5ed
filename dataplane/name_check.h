// SPDX-License-Identifier: BSD-3-Clause
// Whether the name that a frame carries is that of its capability's id.
//
// The id is SHA-1 of the name, half a microsecond; names that were right lately are remembered, by
// themselves and not by a hash of theirs, so that no other name passes. An lcore's; allocates in
// the constructor only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "routing/agent_id.h"
#include "routing/capability_name.h"

namespace posthaste::dataplane {

class NameCheck {
  public:
    static constexpr std::size_t kLines = 512;  // power of two; 64 KiB

    NameCheck();

    // `name` is the value of a TLV.
    [[nodiscard]] bool holds(const routing::AgentId& id,
                             std::span<const std::uint8_t> name) noexcept;

    // Names that had to be hashed.
    [[nodiscard]] std::uint64_t hashed() const noexcept { return hashed_; }

    void prefetch(const routing::AgentId& id) const noexcept;

  private:
    struct alignas(128) Line {
        routing::AgentId id;
        std::uint8_t bytes = 0;  // 0: nothing yet
        std::array<std::uint8_t, routing::kCapabilityNameMax> name;
    };

    static_assert(sizeof(Line) == 128);

    [[nodiscard]] static std::size_t line_of(const routing::AgentId& id) noexcept;

    std::unique_ptr<Line[]> lines_;
    std::uint64_t hashed_ = 0;
};

}  // namespace posthaste::dataplane
