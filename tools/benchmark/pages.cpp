// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/pages.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

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

struct Range {
    std::uintptr_t first = 0;
    std::uintptr_t last = 0;  // behind it
};

// Private memory without a file of which at least half is there: what is reserved only is left out.
std::vector<Range> memory_in_use() {
    std::ifstream smaps("/proc/self/smaps");
    std::vector<Range> ranges;
    Range range;
    bool ours = false;
    for (std::string line; std::getline(smaps, line);) {
        std::istringstream words(line);
        std::string word;
        words >> word;
        if (word == "Rss:") {
            std::uint64_t kib = 0;
            words >> kib;
            if (ours && kib * 1'024 >= (range.last - range.first) / 2) {
                ranges.push_back(range);
            }
        } else if (!word.ends_with(':')) {
            // first-last access offset device inode, and a name, if it has one
            std::array<std::string, 5> more;
            for (std::string& each : more) {
                words >> each;
            }
            const std::size_t dash = word.find('-');
            range = {std::strtoull(word.c_str(), nullptr, 16),
                     std::strtoull(word.c_str() + dash + 1, nullptr, 16)};
            ours = more[0] == "rw-p" && (more[4].empty() || more[4] == "[heap]");
        }
    }
    return ranges;
}

// By the kernel, which says no where something has been given back since the range was found.
void read_each_page(const Range& range) {
    constexpr std::uintptr_t kPage = 4'096;
    constexpr std::size_t kAtOnce = 512;
    std::array<char, kAtOnce> bytes;
    std::array<iovec, kAtOnce> from;
    const iovec to{bytes.data(), bytes.size()};
    for (std::uintptr_t at = range.first; at < range.last;) {
        std::size_t count = 0;
        for (; count < kAtOnce && at < range.last; at += kPage) {
            from[count++] = {reinterpret_cast<void*>(at), 1};
        }
        static_cast<void>(process_vm_readv(getpid(), &to, 1, from.data(), count, 0));
    }
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

void touch_idle_memory() {
    for (const Range& range : memory_in_use()) {
        read_each_page(range);
    }
}

Pages pages_now() {
    constexpr const char* kMemory = "/proc/meminfo";
    return {transparent_hugepages(),
            number("/proc/self/smaps_rollup", "AnonHugePages"),
            number(kMemory, "MemAvailable"),
            number(kMemory, "HugePages_Free") * number(kMemory, "Hugepagesize")};
}

}  // namespace posthaste::tools
