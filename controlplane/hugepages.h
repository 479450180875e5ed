// SPDX-License-Identifier: BSD-3-Clause
// Hugepages: how many are free, where they are mounted, and what a dead instance left there.
// Control thread, before EAL init.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace posthaste::controlplane {

struct HugepageSize {
    std::uint64_t kilobytes = 0;
    std::uint64_t free = 0;
};

// From a directory as /sys/kernel/mm/hugepages, largest first.
[[nodiscard]] std::vector<HugepageSize> read_hugepages(const std::filesystem::path& directory);
// Mount points of hugetlbfs, from a file as /proc/mounts.
[[nodiscard]] std::vector<std::filesystem::path> hugepage_mounts(
    const std::filesystem::path& mounts);

// Refuses with what is needed, what is free and what to do.
[[nodiscard]] tl::expected<void, std::string> check_hugepages(
    std::uint32_t needed_mb, const std::vector<HugepageSize>& sizes, bool mounted);

// Removes DIRECTORY/<prefix>map_* that no process holds locked; gives how many went.
unsigned remove_leftover_maps(const std::filesystem::path& directory, const std::string& prefix);

}  // namespace posthaste::controlplane
