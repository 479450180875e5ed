// SPDX-License-Identifier: BSD-3-Clause
// What a command can be given: the kinds of values, their checks, and the values of one call.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::controlplane {

enum class ValueKind : std::uint8_t {
    agent,       // UUID, not nil
    port,        // name of a [port] section
    router,      // name of a [router] section
    policy,      // name of a [policy] section
    payload,     // bytes as hexadecimal digits, 1..kPayloadBytesMax
    number,      // 1..kPageMax
    endpoint,    // IP, IPv4:PORT or [IPv6]:PORT, a host one can send to
    mac,         // of one station
    name,        // 1..255 bytes of text
    capability,  // NAME[@PRIORITY][*WEIGHT]
    cursor,      // opaque, from an earlier answer
    key,         // 16, 24 or 32 bytes in base64
    topic,       // of events
    word,        // of a command, for help
    flag,        // takes no value
};

// As the tree names it: "uuid", "port name", ... and what is allowed, for messages.
[[nodiscard]] std::string_view name_of(ValueKind kind) noexcept;
[[nodiscard]] std::string_view allowed(ValueKind kind) noexcept;

// Form only: whether such a port or router exists is the tree's question.
[[nodiscard]] bool is_valid(ValueKind kind, std::string_view value) noexcept;

// The values of one call, by parameter or option name; every one has passed is_valid().
class Arguments {
  public:
    void add(std::string_view name, std::string_view value);
    [[nodiscard]] bool has(std::string_view name) const;
    // The first value; empty if there is none.
    [[nodiscard]] const std::string& text(std::string_view name) const;
    [[nodiscard]] const std::vector<std::string>& texts(std::string_view name) const;
    [[nodiscard]] routing::AgentId agent(std::string_view name) const;
    [[nodiscard]] std::vector<std::uint8_t> bytes(std::string_view name) const;
    [[nodiscard]] unsigned number(std::string_view name, unsigned otherwise) const;

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace posthaste::controlplane
