// SPDX-License-Identifier: BSD-3-Clause
// Hugepages as the kernel shows them; see the header.
#include "controlplane/hugepages.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <numeric>
#include <sstream>
#include <system_error>

namespace posthaste::controlplane {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKilobytesPerMegabyte = 1024;
constexpr std::uint64_t kSmallestPage = 2048;  // kB, x86

// EAL holds a shared lock on each of its page files.
bool held_by_a_process(const fs::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return true;
    }
    const bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
    ::close(fd);
    return held;
}

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

std::vector<fs::path> hugepage_mounts(const fs::path& mounts) {
    std::vector<fs::path> found;
    std::ifstream file(mounts);
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        std::string device;
        std::string where;
        std::string type;
        if (fields >> device >> where >> type && type == "hugetlbfs") {
            found.emplace_back(where);
        }
    }
    return found;
}

tl::expected<void, std::string> check_hugepages(std::uint32_t needed_mb,
                                                const std::vector<HugepageSize>& sizes,
                                                bool mounted) {
    const std::uint64_t free_kb = std::accumulate(sizes.begin(),
                                                  sizes.end(),
                                                  std::uint64_t{0},
                                                  [](std::uint64_t sum, const HugepageSize& size) {
                                                      return sum + size.kilobytes * size.free;
                                                  });
    const std::uint64_t page_kb = sizes.empty() ? kSmallestPage : sizes.back().kilobytes;
    const std::uint64_t needed_kb = needed_mb * kKilobytesPerMegabyte;
    const std::uint64_t pages = (needed_kb + page_kb - 1) / page_kb;
    const std::string advice = "; or set hugepages = no in [eal]";
    if (free_kb < needed_kb) {
        return tl::unexpected(
            "not enough hugepages: " + std::to_string(needed_mb) + " MB needed (" +
            std::to_string(pages) + " pages of " + std::to_string(page_kb) + " kB), " +
            std::to_string(free_kb / kKilobytesPerMegabyte) +
            " MB free; reserve them with: dpdk-hugepages.py -p " + std::to_string(page_kb) +
            "K --setup " + std::to_string(needed_mb) + "M" + advice);
    }
    if (!mounted) {
        return tl::unexpected(
            "hugepages are free, but no hugetlbfs is mounted; mount it with: dpdk-hugepages.py -m" +
            advice);
    }
    return {};
}

unsigned remove_leftover_maps(const fs::path& directory, const std::string& prefix) {
    unsigned removed = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(prefix + "map_") && entry.is_regular_file(error) &&
            !held_by_a_process(entry.path()) && fs::remove(entry.path(), error)) {
            ++removed;
        }
    }
    return removed;
}

}  // namespace posthaste::controlplane
