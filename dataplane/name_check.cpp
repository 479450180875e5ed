// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/name_check.h"

#include <cstring>
#include <string_view>

#include "routing/prefetch.h"

namespace posthaste::dataplane {

NameCheck::NameCheck() : lines_(std::make_unique<Line[]>(kLines)) {}

std::size_t NameCheck::line_of(const routing::AgentId& id) noexcept {
    std::uint16_t bits;
    std::memcpy(&bits, id.bytes.data(), sizeof bits);
    return bits % kLines;
}

void NameCheck::prefetch(const routing::AgentId& id) const noexcept {
    const Line* const line = &lines_[line_of(id)];
    routing::prefetch_line(line);
    routing::prefetch_line(reinterpret_cast<const char*>(line) + 64);
}

bool NameCheck::holds(const routing::AgentId& id, std::span<const std::uint8_t> name) noexcept {
    if (name.empty() || name.size() > routing::kCapabilityNameMax) {
        return false;
    }
    Line& line = lines_[line_of(id)];
    if (line.bytes == name.size() && line.id == id &&
        std::memcmp(line.name.data(), name.data(), name.size()) == 0) {
        return true;
    }
    ++hashed_;
    const std::string_view text(reinterpret_cast<const char*>(name.data()), name.size());
    if (!routing::is_capability_name(text) || routing::capability_id(text) != id) {
        return false;
    }
    line.id = id;
    line.bytes = static_cast<std::uint8_t>(name.size());
    std::memcpy(line.name.data(), name.data(), name.size());
    return true;
}

}  // namespace posthaste::dataplane
