// SPDX-License-Identifier: BSD-3-Clause
// Hugepages as the kernel shows them; see the header.
#include "controlplane/hugepages.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <numeric>
#include <system_error>

namespace posthaste::controlplane {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKilobytesPerMegabyte = 1024;
constexpr std::uint64_t kSmallestPage = 2048;  // kB, x86

}  // namespace

std::vector<HugepageSize> read_hugepages(const fs::path& directory) {
    std::vector<HugepageSize> sizes;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename().string();
        constexpr std::string_view kPrefix = "hugepages-";
        HugepageSize size;
        if (!name.starts_with(kPrefix) ||
            std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), size.kilobytes)
                    .ec != std::errc{}) {
            continue;
        }
        std::ifstream(entry.path() / "free_hugepages") >> size.free;
        sizes.push_back(size);
    }
    std::sort(sizes.begin(), sizes.end(), [](const HugepageSize& a, const HugepageSize& b) {
        return a.kilobytes > b.kilobytes;
    });
    return sizes;
}

tl::expected<void, std::string> check_hugepages(std::uint32_t needed_mb,
                                                const std::vector<HugepageSize>& sizes) {
    const std::uint64_t free_kb = std::accumulate(sizes.begin(),
                                                  sizes.end(),
                                                  std::uint64_t{0},
                                                  [](std::uint64_t sum, const HugepageSize& size) {
                                                      return sum + size.kilobytes * size.free;
                                                  });
    const std::uint64_t page_kb = sizes.empty() ? kSmallestPage : sizes.back().kilobytes;
    const std::uint64_t needed_kb = needed_mb * kKilobytesPerMegabyte;
    const std::uint64_t pages = (needed_kb + page_kb - 1) / page_kb;
    if (free_kb < needed_kb) {
        return tl::unexpected(
            "not enough hugepages: " + std::to_string(needed_mb) + " MB needed (" +
            std::to_string(pages) + " pages of " + std::to_string(page_kb) + " kB), " +
            std::to_string(free_kb / kKilobytesPerMegabyte) +
            " MB free; reserve them with: dpdk-hugepages.py -p " + std::to_string(page_kb) +
            "K --setup " + std::to_string(needed_mb) + "M; or set hugepages = no in [eal]");
    }
    return {};
}

}  // namespace posthaste::controlplane
