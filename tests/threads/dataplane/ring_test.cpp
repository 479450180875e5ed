// SPDX-License-Identifier: BSD-3-Clause
// Goal: what goes with an element through a ring arrives with it, and in order. Method: two
// threads over a small ring; each element points at memory the producer wrote just before.
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "dataplane/punt.h"

using namespace posthaste::dataplane;

namespace {

constexpr std::uint32_t kItems = 50'000;

template <typename T>
struct Tally {
    std::uint32_t seen = 0;
    std::uint32_t wrong = 0;
};

template <typename T, typename Check>
Tally<T> consume(SpscRing<T>& ring, Check check) {
    Tally<T> tally;
    std::array<T, 32> out;
    while (tally.seen < kItems) {
        const unsigned count = ring.pop(out);
        for (unsigned i = 0; i < count; ++i) {
            tally.wrong += check(out[i], tally.seen + i) ? 0U : 1U;
        }
        tally.seen += count;
        if (count == 0) {
            std::this_thread::yield();
        }
    }
    return tally;
}

template <typename T, typename Make>
void produce(SpscRing<T>& ring, Make make) {
    for (std::uint32_t i = 0; i < kItems; ++i) {
        const T item = make(i);
        while (!ring.push(item)) {
            std::this_thread::yield();
        }
    }
}

// Stands in for the frame that goes with an element: memory of its own.
rte_mbuf* frame_at(std::vector<std::uint32_t>& frames, std::uint32_t i) {
    frames[i] = i ^ 0x5a5a5a5aU;
    return reinterpret_cast<rte_mbuf*>(&frames[i]);
}

bool frame_holds(const rte_mbuf* frame, std::uint32_t i) {
    return *reinterpret_cast<const std::uint32_t*>(frame) == (i ^ 0x5a5a5a5aU);
}

}  // namespace

TEST(spsc_ring, punted_frames_arrive_whole_and_in_order) {
    SpscRing<Punted> ring(255);
    std::vector<std::uint32_t> frames(kItems);
    std::jthread producer([&] {
        produce(ring, [&](std::uint32_t i) {
            return Punted{frame_at(frames, i),
                          static_cast<std::uint16_t>(i),
                          static_cast<std::uint16_t>(i >> 3),
                          PuntClass::hold};
        });
    });
    const auto tally = consume(ring, [&](const Punted& item, std::uint32_t i) {
        return item.frame == reinterpret_cast<rte_mbuf*>(&frames[i]) &&
               frame_holds(item.frame, i) && item.ingress == static_cast<std::uint16_t>(i) &&
               item.adjacency == static_cast<std::uint16_t>(i >> 3);
    });
    EXPECT_EQ(tally.wrong, 0U);
    EXPECT_EQ(ring.size(), 0U);
}

TEST(spsc_ring, injected_frames_arrive_whole_and_in_order) {
    SpscRing<Injected> ring(255);
    std::vector<std::uint32_t> frames(kItems);
    std::jthread producer([&] {
        produce(ring, [&](std::uint32_t i) {
            return Injected{frame_at(frames, i),
                            static_cast<std::uint16_t>(i),
                            i % 2 == 0 ? InjectKind::transmit : InjectKind::resubmit};
        });
    });
    const auto tally = consume(ring, [&](const Injected& item, std::uint32_t i) {
        return frame_holds(item.frame, i) && item.port == static_cast<std::uint16_t>(i) &&
               (item.kind == InjectKind::transmit) == (i % 2 == 0);
    });
    EXPECT_EQ(tally.wrong, 0U);
}
