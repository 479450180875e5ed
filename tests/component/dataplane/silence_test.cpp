// SPDX-License-Identifier: BSD-3-Clause
// Goal: a worker allocates nothing after its constructor. Method: malloc counts per thread while
// bursts of every kind go through; sanitizers bring their own malloc, so there it is skipped.
#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <cstdlib>

#include "tests/support/ring_router.h"

#if defined(__has_feature)
#define POSTHASTE_HAS_FEATURE(x) __has_feature(x)
#else
#define POSTHASTE_HAS_FEATURE(x) 0
#endif

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !POSTHASTE_HAS_FEATURE(address_sanitizer) && !POSTHASTE_HAS_FEATURE(thread_sanitizer)
#define POSTHASTE_COUNTS_MALLOC 1
#endif

namespace {

thread_local std::uint64_t allocations = 0;

}  // namespace

#ifdef POSTHASTE_COUNTS_MALLOC
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
    ++allocations;
    return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
    ++allocations;
    return __libc_calloc(count, bytes);
}

void* realloc(void* old, std::size_t bytes) {
    ++allocations;
    return __libc_realloc(old, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
    ++allocations;
    return __libc_memalign(alignment, bytes);
}
}
#endif

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;

namespace {

// Everything an edge port may see, from one agent.
std::vector<FrameBytes> frames_of_every_kind() {
    std::vector<FrameBytes> frames;
    for (std::uint32_t to = kReceiver; to <= kRemoteIpv6; ++to) {
        FrameSpec spec;
        spec.destination = agent(to);
        spec.flags = routing::flag::want_error;
        spec.payload.assign(to == kReceiver ? 1500 : 60, 1);
        frames.push_back(build(spec));
    }
    frames.push_back(build(control_spec(routing::Type::heartbeat)));
    frames.push_back(build(control_spec(routing::Type::register_agent)));
    frames.push_back(FrameBytes(60, 0));
    return frames;
}

}  // namespace

TEST(silence, a_worker_allocates_nothing_after_its_constructor) {
#ifndef POSTHASTE_COUNTS_MALLOC
    GTEST_SKIP() << "a sanitizer brings its own malloc";
#endif
    RingRouterOptions options;
    options.worker.punt_ring = 63;
    options.worker.tx_backlog = 64;  // runs full
    options.tx_ring = 64;
    RingRouter router(options);
    const std::vector<FrameBytes> frames = frames_of_every_kind();
    const std::uint64_t at_start = allocations;
    EXPECT_GT(at_start, 0U);  // the count works
    std::uint64_t by_worker = 0;
    for (std::uint32_t turn = 0; turn < 200; ++turn) {
        for (const FrameBytes& bytes : frames) {
            router.arrive(kEdge, bytes);
        }
        const std::uint64_t before = allocations;
        router.worker().run_once(turn);
        Punted held;
        if (router.worker().punts(PuntClass::hold).pop(std::span(&held, 1)) == 1 &&
            !router.worker().inject().push({held.frame, held.ingress, InjectKind::resubmit})) {
            rte_pktmbuf_free(held.frame);
        }
        by_worker += allocations - before;
        router.discard(kEdge);
    }
    EXPECT_EQ(by_worker, 0U);
    EXPECT_GT(router.port(kEdge).answered.read(), 0U);
    EXPECT_GT(router.port(kEdge).resubmitted.read(), 0U);
    EXPECT_GT(router.drops(kEdge, routing::Drop::tx_full), 0U);
    EXPECT_GT(router.drops(kEdge, routing::Drop::punt_full), 0U);
}
