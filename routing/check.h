// SPDX-License-Identifier: BSD-3-Clause
// CHECK, always on, and DCHECK, on in debug builds: the program is wrong, so it stops.
//
// For invariants only; what a frame, a person or the world can cause is never checked this way.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace posthaste::routing {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) noexcept {
    std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
    std::abort();
}

}  // namespace posthaste::routing

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) [[unlikely]] {                                        \
            ::posthaste::routing::check_failed(#condition, __FILE__, __LINE__); \
        }                                                                       \
    } while (false)

#ifdef NDEBUG
#define DCHECK(condition)     \
    do {                      \
        if (false) {          \
            CHECK(condition); \
        }                     \
    } while (false)
#else
#define DCHECK(condition) CHECK(condition)
#endif
