// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/punt.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <array>

using namespace posthaste::dataplane;

namespace {

rte_mbuf* tag(std::uintptr_t number) {
    return reinterpret_cast<rte_mbuf*>(number);
}

}  // namespace

TEST(spsc_ring, holds_what_fits_and_refuses_the_next) {
    for (const unsigned wanted : {1U, 3U, 4U, 500U}) {
        SpscRing<Injected> ring(wanted);
        EXPECT_GE(ring.capacity(), wanted);
        for (unsigned i = 0; i < ring.capacity(); ++i) {
            EXPECT_TRUE(ring.push({tag(i + 1), 0, InjectKind::transmit}));
        }
        EXPECT_FALSE(ring.push({tag(1), 0, InjectKind::transmit}));
        EXPECT_EQ(ring.size(), ring.capacity());
    }
}

TEST(spsc_ring, gives_the_elements_whole_and_in_order) {
    SpscRing<Punted> ring(7);
    std::uintptr_t pushed = 0;
    std::uintptr_t popped = 0;
    for (int round = 0; round < 100; ++round) {
        while (ring.push({tag(pushed + 1),
                          static_cast<std::uint16_t>(pushed),
                          static_cast<std::uint16_t>(pushed + 7),
                          PuntClass::hold})) {
            ++pushed;
        }
        std::array<Punted, 5> out;
        const unsigned count = ring.pop(out);
        EXPECT_EQ(count, 5U);
        for (unsigned i = 0; i < count; ++i) {
            EXPECT_EQ(out[i].frame, tag(popped + 1));
            EXPECT_EQ(out[i].ingress, static_cast<std::uint16_t>(popped));
            EXPECT_EQ(out[i].adjacency, static_cast<std::uint16_t>(popped + 7));
            EXPECT_EQ(out[i].why, PuntClass::hold);
            ++popped;
        }
    }
    EXPECT_EQ(ring.size(), pushed - popped);
}

TEST(punt, a_full_ring_takes_nothing_from_another_class) {
    PuntRings rings = make_punt_rings(1);
    std::array<rte_mbuf, 4> frames{};
    Burst burst{};
    burst.received = LaneMask::first(4);
    burst.live = burst.received;
    burst.ingress = 3;
    for (unsigned lane = 0; lane < 4; ++lane) {
        burst.frame[lane] = &frames[lane];
        burst.adjacency[lane] = 9;
    }
    burst.punt(0, PuntClass::registration);
    burst.punt(1, PuntClass::registration);
    burst.punt(2, PuntClass::neighbour);
    burst.punt(3, PuntClass::hold);
    punt(burst, rings);
    EXPECT_EQ(burst.punted, LaneMask(0b1101));
    EXPECT_EQ(burst.dropped, LaneMask(0b0010));
    EXPECT_EQ(burst.reason[1], posthaste::routing::Drop::punt_full);
    Punted item;
    ASSERT_EQ(rings[2].pop(std::span(&item, 1)), 1U);
    EXPECT_EQ(item.adjacency, 9);
    ASSERT_EQ(rings[0].pop(std::span(&item, 1)), 1U);
    EXPECT_EQ(item.adjacency, posthaste::routing::kNoAdjacency);  // of held frames only
}
