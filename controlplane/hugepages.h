// SPDX-License-Identifier: BSD-3-Clause
// Hugepages: how many are free, and whether that is enough. Control thread, before EAL init.
//
// Memory is taken with --in-memory: no hugetlbfs is needed, and the kernel frees every page with
// the process however it dies.
#pragma once

#include <cstdint>
#include <filesystem>
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

// Refuses with what is needed, what is free and what to do.
[[nodiscard]] tl::expected<void, std::string> check_hugepages(
    std::uint32_t needed_mb, const std::vector<HugepageSize>& sizes);

}  // namespace posthaste::controlplane
