// SPDX-License-Identifier: BSD-3-Clause
#include "routing/provider_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "routing/mix.h"
#include "routing/provider_set.h"

namespace posthaste::routing {

namespace {

struct Ring {
    explicit Ring(std::vector<std::uint32_t> at) : positions(std::move(at)) {
        std::sort(positions.begin(), positions.end());
        const auto count = static_cast<std::uint32_t>(positions.size());
        points.resize(count + ProviderRing::kSentinels);
        for (std::uint32_t i = 0; i < count; ++i) {
            points[i] = {.position = positions[i], .provider = i};
        }
        starts.resize(ProviderRing::buckets_for(count) + 1);
        ProviderRing::index(points.data(), count, starts.data());
        view = ProviderRing(points.data(), count, starts.data());
    }

    [[nodiscard]] std::uint32_t expected(std::uint32_t position) const {
        const auto at = std::lower_bound(positions.begin(), positions.end(), position);
        return at == positions.end() ? 0 : static_cast<std::uint32_t>(at - positions.begin());
    }

    std::vector<std::uint32_t> positions;
    std::vector<RingPoint> points;
    std::vector<std::uint32_t> starts;
    ProviderRing view;
};

void check(const Ring& ring) {
    std::vector<std::uint32_t> asked = {0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    for (const std::uint32_t position : ring.positions) {
        asked.insert(asked.end(), {position - 1, position, position + 1});
    }
    for (std::uint32_t i = 0; i < 1'000; ++i) {
        asked.push_back(static_cast<std::uint32_t>(mix(i + 12'345)));
    }
    for (const std::uint32_t position : asked) {
        ASSERT_EQ(ring.view.successor(position), ring.expected(position)) << position;
    }
}

std::vector<std::uint32_t> spread(std::uint32_t count) {
    std::vector<std::uint32_t> positions;
    for (std::uint32_t i = 0; i < count; ++i) {
        positions.push_back(static_cast<std::uint32_t>(mix(i)));
    }
    return positions;
}

// Worked out from the words above the two functions, not by them: a contract between boxes.
TEST(provider_ring, places_are_the_same_on_every_box) {
    const AgentId id = *AgentId::from_text("00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(ProviderRing::positions(id),
              (std::array<std::uint32_t, 8>{0x1d22c272,
                                            0x776281e2,
                                            0xf908abcb,
                                            0xc34d3b41,
                                            0xdc0a2f33,
                                            0xebeaf92e,
                                            0xfaad8281,
                                            0xa3be9e79}));
    const std::uint64_t key = conversation_key(0x0123456789abcdef, id);
    EXPECT_EQ(key, 0xf9f4ad6f55fabd7aU);
    EXPECT_EQ(ProviderRing::probes(key),
              (std::array<std::uint32_t, 3>{0x55fabd7a, 0xf9f4ad6f, 0x09e1fd6b}));
}

TEST(provider_ring, successors_of_any_number_of_points) {
    for (const std::uint32_t count : {1U, 2U, 3U, 8U, 9U, 80U, 800U, 8'000U}) {
        check(Ring(spread(count)));
    }
}

TEST(provider_ring, successors_where_points_fall_together) {
    std::vector<std::uint32_t> positions = spread(800);
    for (std::uint32_t i = 0; i < 300; ++i) {
        positions.push_back(0x12345678 + i / 3);
        positions.push_back(0xffffffff - i / 2);
    }
    check(Ring(positions));
    check(Ring(std::vector<std::uint32_t>(100, 0)));
    check(Ring(std::vector<std::uint32_t>(100, 0xffffffff)));
    check(Ring(std::vector<std::uint32_t>(100, 77)));
}

}  // namespace

}  // namespace posthaste::routing
