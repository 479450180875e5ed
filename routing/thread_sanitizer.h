// SPDX-License-Identifier: BSD-3-Clause
// Whether this is a ThreadSanitizer build. DPDK's libraries are not instrumented, so where they
// order memory for us, such a build orders it once more in code that the tool can see.
#pragma once

namespace posthaste::routing {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kUnderThreadSanitizer = true;
#elif defined(__has_feature)
inline constexpr bool kUnderThreadSanitizer = __has_feature(thread_sanitizer);
#else
inline constexpr bool kUnderThreadSanitizer = false;
#endif

}  // namespace posthaste::routing
