// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/process_memory.h"

#include <jemalloc/jemalloc.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <unistd.h>

#include <fstream>

namespace posthaste::controlplane {

namespace {

std::uint64_t statistic(const char* name) {
    std::size_t value = 0;
    std::size_t size = sizeof value;
    return mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

EalMemory eal_memory() {
    EalMemory memory;
    for (unsigned i = 0; i < rte_socket_count(); ++i) {
        rte_malloc_socket_stats heap{};
        const int socket = rte_socket_id_by_idx(i);
        if (socket >= 0 && rte_malloc_get_socket_stats(socket, &heap) == 0) {
            memory.taken += heap.heap_allocsz_bytes;
            memory.total += heap.heap_totalsz_bytes;
        }
    }
    return memory;
}

HeapMemory heap_memory() {
    std::uint64_t epoch = 1;
    std::size_t size = sizeof epoch;
    mallctl("epoch", &epoch, &size, &epoch, size);  // the figures of now
    return {.allocated = statistic("stats.allocated"), .resident = statistic("stats.resident")};
}

std::uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    statm >> pages >> resident;
    return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace posthaste::controlplane
