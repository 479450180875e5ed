// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/name_check.h"

#include <cstring>
#include <string_view>

namespace posthaste::dataplane {

NameCheck::NameCheck()
    : lines_(std::make_unique<Line[]>(kLines)), tags_(std::make_unique<Tags[]>(kSets)) {}

// Ids of names are SHA-1, as good as random in every bit of these.
NameCheck::Place NameCheck::place_of(const routing::AgentId& id) noexcept {
    std::array<std::uint16_t, 2> bits;
    std::memcpy(bits.data(), id.bytes.data(), sizeof bits);
    return {bits[0] % kSets, bits[1]};
}

// A free line, or one after the other in turn.
std::size_t NameCheck::victim(std::size_t set) noexcept {
    for (std::size_t way = 0; way < kWays; ++way) {
        if (lines_[set * kWays + way].bytes == 0) {
            return way;
        }
    }
    return hashed_ % kWays;
}

bool NameCheck::holds(const routing::AgentId& id, std::span<const std::uint8_t> name) noexcept {
    if (name.empty() || name.size() > routing::kCapabilityNameMax) {
        return false;
    }
    const auto [set, tag] = place_of(id);
    for (std::size_t way = 0; way < kWays; ++way) {
        const Line& line = lines_[set * kWays + way];
        if (tags_[set].of[way] == tag && line.bytes == name.size() && line.id == id &&
            std::memcmp(line.name.data(), name.data(), name.size()) == 0) {
            return true;
        }
    }
    ++hashed_;
    const std::string_view text(reinterpret_cast<const char*>(name.data()), name.size());
    if (!routing::is_capability_name(text) || routing::capability_id(text) != id) {
        return false;
    }
    const std::size_t way = victim(set);
    Line& line = lines_[set * kWays + way];
    tags_[set].of[way] = tag;
    line.id = id;
    line.bytes = static_cast<std::uint8_t>(name.size());
    std::memcpy(line.name.data(), name.data(), name.size());
    return true;
}

}  // namespace posthaste::dataplane
