// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/pcap_file.h"

#include <cstring>
#include <fstream>
#include <iterator>

namespace posthaste::test {

namespace {

constexpr std::size_t kFileHeaderBytes = 24;
constexpr std::size_t kRecordHeaderBytes = 16;
constexpr std::uint32_t kMagicMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kLinkEthernet = 1;

}  // namespace

std::optional<PcapFrames> read_pcap(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    const auto word = [&](std::size_t at) {
        std::uint32_t value = 0;
        std::memcpy(&value, bytes.data() + at, sizeof value);
        return value;
    };
    if (bytes.size() < kFileHeaderBytes || word(0) != kMagicMicroseconds ||
        word(20) != kLinkEthernet) {
        return std::nullopt;
    }
    PcapFrames frames;
    for (std::size_t at = kFileHeaderBytes; at < bytes.size();) {
        if (bytes.size() - at < kRecordHeaderBytes) {
            return std::nullopt;
        }
        const std::size_t captured = word(at + 8);
        at += kRecordHeaderBytes;
        if (bytes.size() - at < captured) {
            return std::nullopt;
        }
        const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        frames.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(captured));
        at += captured;
    }
    return frames;
}

}  // namespace posthaste::test
