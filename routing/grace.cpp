// SPDX-License-Identifier: BSD-3-Clause
#include "routing/grace.h"

#include <rte_rcu_qsbr.h>

#include <cstdlib>
#include <new>

namespace posthaste::routing {

Grace::Grace(unsigned readers) : readers_(readers) {
    const std::size_t bytes = rte_rcu_qsbr_get_memsize(readers);
    void* memory = std::aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(bytes, 64));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    qsbr_ = static_cast<rte_rcu_qsbr*>(memory);
    rte_rcu_qsbr_init(qsbr_, readers);
}

Grace::~Grace() {
    std::free(qsbr_);
}

void Grace::online(unsigned id) noexcept {
    rte_rcu_qsbr_thread_register(qsbr_, id);
    rte_rcu_qsbr_thread_online(qsbr_, id);
}

void Grace::quiescent(unsigned id) noexcept {
    rte_rcu_qsbr_quiescent(qsbr_, id);
}

void Grace::offline(unsigned id) noexcept {
    rte_rcu_qsbr_thread_offline(qsbr_, id);
    rte_rcu_qsbr_thread_unregister(qsbr_, id);
}

std::uint64_t Grace::start() noexcept {
    return rte_rcu_qsbr_start(qsbr_);
}

bool Grace::elapsed(std::uint64_t token) noexcept {
    return rte_rcu_qsbr_check(qsbr_, token, false) == 1;
}

}  // namespace posthaste::routing
