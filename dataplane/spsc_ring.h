// SPDX-License-Identifier: BSD-3-Clause
// SpscRing: a bounded queue between one producer thread and one consumer thread (rte_ring).
#pragma once

#include <span>

struct rte_ring;

namespace posthaste::dataplane {

// Elements are of a multiple of four bytes. Capacity is rounded up to a power of two minus one;
// memory is the heap's, needs no EAL.
template <typename T>
class SpscRing {
  public:
    explicit SpscRing(unsigned capacity);
    ~SpscRing();
    SpscRing(const SpscRing&) = delete;
    SpscRing& operator=(const SpscRing&) = delete;

    [[nodiscard]] bool push(const T& item) noexcept;        // producer; false: full
    [[nodiscard]] unsigned pop(std::span<T> out) noexcept;  // consumer; how many came
    [[nodiscard]] unsigned size() const noexcept;
    [[nodiscard]] unsigned capacity() const noexcept;

  private:
    rte_ring* ring_;
};

}  // namespace posthaste::dataplane
