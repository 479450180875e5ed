// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/pages.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace posthaste::tools {

namespace {

// What stands after `label` and a colon in a file of /proc; empty without.
std::string field(const char* path, const std::string& label) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const std::size_t colon = line.find(':');
        if (line.starts_with(label) && colon != std::string::npos &&
            line.find_first_not_of(" \t", label.size()) == colon) {
            const std::size_t value = line.find_first_not_of(" \t", colon + 1);
            return value == std::string::npos ? "" : line.substr(value);
        }
    }
    return {};
}

std::uint64_t number(const char* path, const std::string& label) {
    return std::strtoull(field(path, label).c_str(), nullptr, 10);
}

std::string transparent_hugepages() {
    std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
    std::string line;
    std::getline(file, line);
    const std::size_t open = line.find('[');
    const std::size_t close = line.find(']');
    return close == std::string::npos ? "never" : line.substr(open + 1, close - open - 1);
}

constexpr const char* kMallocPages = "glibc.malloc.hugetlb=1";  // madvise: glibc 2.35 and later

}  // namespace

void have_malloc_use_hugepages(char** argv) {
    const char* const now = std::getenv("GLIBC_TUNABLES");
    if (now != nullptr && std::strstr(now, "glibc.malloc.hugetlb") != nullptr) {
        return;
    }
    const std::string all = now == nullptr ? kMallocPages : std::string(now) + ":" + kMallocPages;
    setenv("GLIBC_TUNABLES", all.c_str(), 1);
    execv("/proc/self/exe", argv);
    std::fputs("posthaste-bench: malloc stays with 4 KiB pages\n", stderr);
}

Pages pages_now() {
    constexpr const char* kMemory = "/proc/meminfo";
    return {transparent_hugepages(),
            number("/proc/self/smaps_rollup", "AnonHugePages"),
            number(kMemory, "MemAvailable"),
            number(kMemory, "HugePages_Free") * number(kMemory, "Hugepagesize")};
}

}  // namespace posthaste::tools
