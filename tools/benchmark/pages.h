// SPDX-License-Identifier: BSD-3-Clause
// The memory a benchmark finds, and the pages it got: figures depend on them. Reads /proc.
#pragma once

#include <cstdint>
#include <string>

namespace posthaste::tools {

struct Pages {
    std::string transparent;         // hugepages for malloc: always, madvise or never
    std::uint64_t mine_kib = 0;      // of those, in this process
    std::uint64_t free_kib = 0;      // of ordinary memory, with what can be given back
    std::uint64_t reserved_kib = 0;  // free reserved hugepages of the default size
};

[[nodiscard]] Pages pages_now();

// Reads a byte of each page of the heap and of what else is anonymous and mostly in use. Under a
// hypervisor that takes idle memory away, who touches it first waits 100 us and more for 2 MiB.
void touch_idle_memory();

// Has malloc ask the kernel for transparent hugepages, as jemalloc does in the router: glibc reads
// its tunables when a program starts, so that is done over once, with `argv`. Says so on stderr
// where it cannot.
void have_malloc_use_hugepages(char** argv);

}  // namespace posthaste::tools
