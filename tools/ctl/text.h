// SPDX-License-Identifier: BSD-3-Clause
// Values as text for people: numbers in groups, durations and sizes in fitting units, and nothing
// a stranger could play tricks on the terminal with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/protocol.h"

namespace posthaste::tools {

using controlplane::Json;

// Control characters and those that turn the direction of writing become \xNN.
[[nodiscard]] std::string printable(std::string_view text);
// As printable(), but newlines and tabs stay.
[[nodiscard]] std::string printable_lines(std::string_view text);
// 1234567 is 1,234,567.
[[nodiscard]] std::string grouped(std::int64_t number);
[[nodiscard]] std::string grouped(std::uint64_t number);
// 250 ms, 12.3 s, 5 min 12 s, 3 h 05 min, 4 d 03 h.
[[nodiscard]] std::string duration(std::uint64_t ms);
// 2024-05-01T12:00:00.250Z, of milliseconds since 1970.
[[nodiscard]] std::string utc(std::uint64_t ms);
// 512 B, 12.5 KiB, 1.0 GiB.
[[nodiscard]] std::string size(std::uint64_t bytes);
// How many columns of a terminal it takes, if every code point takes one.
[[nodiscard]] std::size_t width(std::string_view text);

// The value of a key as one cell; the key's ending says the unit (_ms, bytes, _percent). Lists are
// joined, objects in lists as a:b. null is "-".
[[nodiscard]] std::string cell(std::string_view key, const Json& value);
// "rx_queues" is "rx queues", and what becomes of a unit in it is dropped.
[[nodiscard]] std::string title(std::string_view key);

}  // namespace posthaste::tools
