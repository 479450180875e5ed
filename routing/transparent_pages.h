// SPDX-License-Identifier: BSD-3-Clause
// Asks the kernel for large pages where much memory is to be filled at once: a fault for each 4 KiB
// would cost more than what is written there, and who reads it needs fewer entries of the TLB. Any
// thread; a hint, without which all works the same.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace posthaste::routing {

// For the whole large pages in a piece of memory that is about to be written for the first time.
inline void prefer_large_pages(void* memory, std::size_t bytes) noexcept {
    constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;
    const auto start = reinterpret_cast<std::uintptr_t>(memory);
    const std::uintptr_t first = (start + kLargePage - 1) / kLargePage * kLargePage;
    const std::uintptr_t end = (start + bytes) / kLargePage * kLargePage;
    if (first < end) {
        static_cast<void>(madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
    }
}

}  // namespace posthaste::routing
