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
    // Power of two; as many names as the control thread remembers to match a pattern, by default.
    static constexpr std::size_t kLines = 4'096;  // 512 KiB
    // Names whose ids fall into one set may be remembered at a time: so few of many names miss.
    static constexpr std::size_t kWays = 4;
    static constexpr std::size_t kSets = kLines / kWays;

    // The seed decides which names share a set: with a secret one a stranger cannot choose whose
    // name is to be hashed again.
    explicit NameCheck(std::uint64_t seed = 0);

    // All that it takes.
    [[nodiscard]] static constexpr std::size_t memory_bytes() noexcept {
        return kLines * sizeof(Line) + kSets * sizeof(Tags);
    }

    // `name` is the value of a TLV.
    [[nodiscard]] bool holds(const routing::AgentId& id,
                             std::span<const std::uint8_t> name) noexcept;

    // Names that had to be hashed.
    [[nodiscard]] std::uint64_t hashed() const noexcept { return hashed_; }

  private:
    struct alignas(128) Line {
        routing::AgentId id;
        std::uint8_t bytes = 0;  // 0: nothing yet
        std::array<std::uint8_t, routing::kCapabilityNameMax> name;
    };

    static_assert(sizeof(Line) == 128);

    // Of a set's lines: bits of their ids that the set is not chosen by, so that one line is read.
    struct alignas(16) Tags {
        std::array<std::uint16_t, kWays> of{};
        std::uint16_t next = 0;  // whose turn it is to go
    };

    struct Place {
        std::size_t set = 0;
        std::uint16_t tag = 0;
    };

    [[nodiscard]] Place place_of(const routing::AgentId& id) const noexcept;
    [[nodiscard]] std::size_t victim(std::size_t set) noexcept;

    std::unique_ptr<Line[]> lines_;  // of a set one behind the other
    std::unique_ptr<Tags[]> tags_;   // by set
    std::uint64_t seed_;
    std::uint64_t hashed_ = 0;
};

}  // namespace posthaste::dataplane
