// SPDX-License-Identifier: BSD-3-Clause
#include "routing/route_filter.h"

#include <rte_malloc.h>

namespace posthaste::routing {

std::size_t RouteFilter::heap_bytes(std::uint32_t home_lines) noexcept {
    return (std::size_t{home_lines} / kHomesPerWord + 1) * sizeof(std::uint64_t);
}

std::unique_ptr<RouteFilter> RouteFilter::create(std::uint32_t home_lines, int socket) {
    auto* const words = static_cast<std::uint64_t*>(
        rte_zmalloc_socket("route_filter", heap_bytes(home_lines), RTE_CACHE_LINE_SIZE, socket));
    return std::unique_ptr<RouteFilter>(words != nullptr ? new RouteFilter(words) : nullptr);
}

RouteFilter::~RouteFilter() {
    rte_free(words_);
}

void RouteFilter::add(std::uint32_t home, std::uint64_t hash) noexcept {
    std::uint64_t& word = words_[home / kHomesPerWord];
    std::atomic_ref<std::uint64_t>(word).store(word | bits_of(hash), std::memory_order_release);
}

void RouteFilter::replace(std::uint32_t home, std::uint64_t bits) noexcept {
    std::uint64_t& word = words_[home / kHomesPerWord];
    std::atomic_ref<std::uint64_t>(word).store(bits, std::memory_order_release);
}

}  // namespace posthaste::routing
