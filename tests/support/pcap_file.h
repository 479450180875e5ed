// SPDX-License-Identifier: BSD-3-Clause
// Reads a classic pcap file (little-endian, Ethernet) whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace posthaste::test {

using PcapFrames = std::vector<std::vector<std::uint8_t>>;

// The frames of the file in order; nothing if it is no such file, or is cut.
[[nodiscard]] std::optional<PcapFrames> read_pcap(const std::filesystem::path& path);

}  // namespace posthaste::test
