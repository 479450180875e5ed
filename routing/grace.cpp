// SPDX-License-Identifier: BSD-3-Clause
#include "routing/grace.h"

#include <rte_rcu_qsbr.h>

#include <cstdlib>
#include <new>

#include "routing/check.h"
#include "routing/thread_sanitizer.h"

namespace posthaste::routing {

namespace {

// The check may end early on what librte_hash's own check or a reader's leaving (in librte_rcu)
// left behind. For ThreadSanitizer, take from every reader what its last quiescent state or its
// going offline released.
void acquire_readers(const rte_rcu_qsbr* qsbr, unsigned readers) noexcept {
    for (unsigned id = 0; id < readers; ++id) {
        static_cast<void>(__atomic_load_n(&qsbr->qsbr_cnt[id].cnt, __ATOMIC_ACQUIRE));
    }
}

}  // namespace

Grace::Grace(unsigned readers) : readers_(readers) {
    CHECK(readers > 0);
    const std::size_t bytes = rte_rcu_qsbr_get_memsize(readers);
    void* memory = std::aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(bytes, 64));
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    qsbr_ = static_cast<rte_rcu_qsbr*>(memory);
    CHECK(rte_rcu_qsbr_init(qsbr_, readers) == 0);
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
    const bool over = rte_rcu_qsbr_check(qsbr_, token, false) == 1;
    if (kUnderThreadSanitizer && over) {
        acquire_readers(qsbr_, readers_);
    }
    return over;
}

}  // namespace posthaste::routing
