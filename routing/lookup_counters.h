// SPDX-License-Identifier: BSD-3-Clause
// What one lcore's lookups came to. Written by the lcore, read by any thread at any time.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "routing/counter.h"

namespace posthaste::routing {

// Bucket i counts values of i bits: 2^(i-1) .. 2^i - 1; the last takes all above.
template <unsigned kBuckets>
struct Log2Histogram {
    std::array<Counter, kBuckets> bucket;

    void add(std::uint64_t value) noexcept {
        const auto bits = static_cast<unsigned>(std::bit_width(value));
        bucket[bits < kBuckets ? bits : kBuckets - 1].add(1);
    }
};

// hit_positive + hit_negative + found + unknown == lookups.
struct LookupCounters {
    Counter lookups;
    Counter batches;
    Counter hit_positive;  // answered by the lcore's cache: there
    Counter hit_negative;  // answered by the lcore's cache: not there
    Counter found;         // answered by the Fib: there
    Counter unknown;       // answered by the Fib: not there
    Counter local;         // of the destinations that were there
    Counter remote;
    Counter stale;  // there, but of a router that is out, or past its time: as good as unknown
    Counter discovery_wanted;   // unknown or stale destinations handed to the control thread
    Counter discovery_dropped;  // the ring was full
    // Relayed to here for somebody who is not here: the sum of the four below.
    Counter misrouted;
    Counter misrouted_told;      // handed to the control thread
    Counter misrouted_repeated;  // the same destination from the same router lately
    Counter misrouted_limited;   // above the rate
    Counter misrouted_dropped;   // the ring was full

    Counter cache_inserted_positive;
    Counter cache_inserted_negative;
    Counter cache_replaced;
    Counter cache_invalidated;
    Counter cache_expired;
    Counter cache_cleared;
    Counter cache_warmed;  // ids put in because they were expected
    Counter cache_on;      // a gauge: 1 while the cache pays
    Counter cache_turns;   // times it was switched

    Log2Histogram<16> batch_sizes;  // ids in a call
    // TSC a lookup, times 16; one call in kLatencySampling. Of what was announced without hashing
    // and asking for lines, which announce() has done.
    Log2Histogram<20> batch_cycles;
};

inline constexpr unsigned kLatencySampling = 16;

}  // namespace posthaste::routing
