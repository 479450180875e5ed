// SPDX-License-Identifier: BSD-3-Clause
#include "routing/capability_name.h"

#include <uuid/uuid.h>

#include "routing/message.h"

namespace posthaste::routing {

namespace {

constexpr bool is_word_byte(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Words joined by single bytes of `joints`.
bool is_words(std::string_view text, std::string_view joints) noexcept {
    bool in_word = false;
    for (const char c : text) {
        if (is_word_byte(c)) {
            in_word = true;
        } else if (in_word && joints.find(c) != std::string_view::npos) {
            in_word = false;
        } else {
            return false;
        }
    }
    return in_word;
}

}  // namespace

bool is_capability_name(std::string_view name) noexcept {
    if (name.size() > kCapabilityNameMax) {
        return false;
    }
    const std::size_t colon = name.find(':');
    return is_words(name.substr(0, colon), "-_./") &&
           (colon == std::string_view::npos || is_words(name.substr(colon + 1), "-_."));
}

AgentId capability_id(std::string_view name) noexcept {
    AgentId id;
    uuid_generate_sha1(id.bytes.data(), kNamespace.bytes.data(), name.data(), name.size());
    return id;
}

}  // namespace posthaste::routing
