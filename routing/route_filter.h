// SPDX-License-Identifier: BSD-3-Clause
// RouteFilter: which ids a RouteTable can have, in 16 bits an id, so that a flood of strange ids is
// answered from a core's own cache and never waits for the table's lines.
//
// A Bloom filter in words (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom
// Filters", 2007): an id has four bits in one word of 64, the one of its home line; about 0.4 % of
// strange ids look known. An id's bits are set before it is in the table and taken away after it
// left, so "cannot be there" is always true. One writer (control thread), lock-free readers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "routing/prefetch.h"

namespace posthaste::routing {

class RouteFilter {
  public:
    static constexpr std::uint32_t kHomesPerWord = 8;

    // Null: no memory. Nothing can be there.
    [[nodiscard]] static std::unique_ptr<RouteFilter> create(std::uint32_t home_lines, int socket);
    ~RouteFilter();
    RouteFilter(const RouteFilter&) = delete;
    RouteFilter& operator=(const RouteFilter&) = delete;

    [[nodiscard]] static std::size_t heap_bytes(std::uint32_t home_lines) noexcept;

    [[nodiscard]] static constexpr std::uint64_t bits_of(std::uint64_t hash) noexcept {
        return std::uint64_t{1} << (hash & 63) | std::uint64_t{1} << (hash >> 6 & 63) |
               std::uint64_t{1} << (hash >> 12 & 63) | std::uint64_t{1} << (hash >> 18 & 63);
    }

    // --- the writer ---
    void add(std::uint32_t home, std::uint64_t hash) noexcept;
    // `bits`: those of all ids of these kHomesPerWord homes.
    void replace(std::uint32_t home, std::uint64_t bits) noexcept;

    // --- readers ---
    void prefetch(std::uint32_t home) const noexcept {
        prefetch_line(words_ + home / kHomesPerWord);
    }

    [[nodiscard]] bool may_have(std::uint32_t home, std::uint64_t hash) const noexcept {
        const std::uint64_t bits = bits_of(hash);
        std::atomic_ref<std::uint64_t> word(words_[home / kHomesPerWord]);
        return (word.load(std::memory_order_relaxed) & bits) == bits;
    }

  private:
    explicit RouteFilter(std::uint64_t* words) noexcept : words_(words) {}

    std::uint64_t* words_;  // hugepages
};

}  // namespace posthaste::routing
