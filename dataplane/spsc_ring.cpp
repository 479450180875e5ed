// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/spsc_ring.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "dataplane/misrouted.h"
#include "dataplane/punt.h"
#include "dataplane/route_use.h"
#include "routing/check.h"

namespace posthaste::dataplane {

template <typename T>
SpscRing<T>::SpscRing(unsigned capacity) {
    const unsigned slots = std::bit_ceil(capacity + 1);  // one stays free
    const ssize_t bytes = rte_ring_get_memsize_elem(sizeof(T), slots);
    CHECK(bytes > 0);
    void* memory = std::aligned_alloc(RTE_CACHE_LINE_SIZE,
                                      RTE_ALIGN_CEIL(static_cast<std::size_t>(bytes), 64));
    CHECK(memory != nullptr);
    ring_ = static_cast<rte_ring*>(memory);
    CHECK(rte_ring_init(ring_, "posthaste", slots, RING_F_SP_ENQ | RING_F_SC_DEQ) == 0);
}

template <typename T>
SpscRing<T>::~SpscRing() {
    std::free(ring_);
}

template <typename T>
bool SpscRing<T>::push(const T& item) noexcept {
    return rte_ring_sp_enqueue_bulk_elem(ring_, &item, sizeof(T), 1, nullptr) == 1;
}

template <typename T>
unsigned SpscRing<T>::pop(std::span<T> out) noexcept {
    return rte_ring_sc_dequeue_burst_elem(
        ring_, out.data(), sizeof(T), static_cast<unsigned>(out.size()), nullptr);
}

template <typename T>
unsigned SpscRing<T>::size() const noexcept {
    // As rte_ring_count(), which reads both tails plainly.
    const std::uint32_t pushed = __atomic_load_n(&ring_->prod.tail, __ATOMIC_RELAXED);
    const std::uint32_t popped = __atomic_load_n(&ring_->cons.tail, __ATOMIC_RELAXED);
    return std::min((pushed - popped) & ring_->mask, ring_->capacity);
}

template <typename T>
unsigned SpscRing<T>::capacity() const noexcept {
    return rte_ring_get_capacity(ring_);
}

template class SpscRing<Punted>;
template class SpscRing<Injected>;
template class SpscRing<RouteUse>;
template class SpscRing<Misrouted>;
template class SpscRing<routing::AgentId>;

}  // namespace posthaste::dataplane
