// SPDX-License-Identifier: BSD-3-Clause
// Brings a line nearer. Not __builtin_prefetch(): gcc takes a function that does nothing else for
// one without effect, and drops the calls of it that it does not put in line.
#pragma once

namespace posthaste::routing {

inline void prefetch_line(const void* at) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(at)));
#else
    __builtin_prefetch(at);
#endif
}

}  // namespace posthaste::routing
