// SPDX-License-Identifier: BSD-3-Clause
// What the process has taken so far, as those say who give it: DPDK, jemalloc, the kernel.
#pragma once

#include <cstdint>

namespace posthaste::controlplane {

struct EalMemory {
    std::uint64_t taken = 0;  // bytes, of all sockets
    std::uint64_t total = 0;
};

[[nodiscard]] EalMemory eal_memory();

struct HeapMemory {
    std::uint64_t allocated = 0;  // bytes the program holds
    std::uint64_t resident = 0;   // what jemalloc keeps of the machine's memory for them
};

[[nodiscard]] HeapMemory heap_memory();

[[nodiscard]] std::uint64_t resident_bytes();

}  // namespace posthaste::controlplane
