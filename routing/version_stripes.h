// SPDX-License-Identifier: BSD-3-Clause
// VersionStripes: a version per stripe of ids, by which route caches know what to disbelieve.
//
// Stripe by the top bits of an id's hash. The control thread changes the route first and then
// bumps the stripe; a cache reads the version before it looks the route up, and believes the copy
// only while the version is the same. So a copy of the old route is disbelieved once bump() is
// over, and a copy made by who read the new version is of the new route. (Bumping first would let
// a reader take the new version along with the old route, and keep it.) An invalidation is one
// store, whatever the number of lcores and of cached ids.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/check.h"
#include "routing/prefetch.h"

namespace posthaste::routing {

class VersionStripes {
  public:
    // Lives in memory that is given to it, all zero. The count is a power of two, 2 .. 2^30.
    explicit VersionStripes(std::span<std::atomic<std::uint32_t>> versions)
        : shift_(64U - static_cast<unsigned>(std::countr_zero(versions.size()))),
          versions_(versions.data()) {
        CHECK(std::has_single_bit(versions.size()) && versions.size() >= 2);
    }

    // Control thread, after the change is visible and before what it replaced is retired.
    void bump(std::uint64_t hash) noexcept {
        std::atomic<std::uint32_t>& version = versions_[hash >> shift_];
        version.store(version.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

    // Any thread; before the route is read.
    [[nodiscard]] std::uint32_t read(std::uint64_t hash) const noexcept {
        return versions_[hash >> shift_].load(std::memory_order_acquire);
    }

    [[nodiscard]] std::uint32_t count() const noexcept { return 1U << (64U - shift_); }

    void prefetch(std::uint64_t hash) const noexcept { prefetch_line(address(hash)); }

    [[nodiscard]] const void* address(std::uint64_t hash) const noexcept {
        return &versions_[hash >> shift_];
    }

  private:
    unsigned shift_;
    std::atomic<std::uint32_t>* versions_;
};

}  // namespace posthaste::routing
