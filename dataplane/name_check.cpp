// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/name_check.h"

#include <cstring>
#include <string_view>

#include "routing/mix.h"

namespace posthaste::dataplane {

NameCheck::NameCheck(std::uint64_t seed)
    : lines_(std::make_unique<Line[]>(kLines)),
      tags_(std::make_unique<Tags[]>(kSets)),
      seed_(seed) {}

NameCheck::Place NameCheck::place_of(const routing::AgentId& id) const noexcept {
    std::uint64_t half;
    std::memcpy(&half, id.bytes.data(), sizeof half);
    const std::uint64_t hash = routing::mix(half ^ seed_);
    return {hash % kSets, static_cast<std::uint16_t>(hash >> 48)};
}

// A free line, or one after the other in turn.
std::size_t NameCheck::victim(std::size_t set) noexcept {
    for (std::size_t way = 0; way < kWays; ++way) {
        if (lines_[set * kWays + way].bytes == 0) {
            return way;
        }
    }
    return tags_[set].next++ % kWays;
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
