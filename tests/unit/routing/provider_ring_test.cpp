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
        const std::uint32_t homes = ProviderRing::homes_for(count);
        lines.resize(homes + count / ProviderRing::kPlaces + 1);
        const auto line_count = static_cast<std::uint32_t>(lines.size());
        ProviderRing::Writer writer(lines.data(), homes, line_count);
        for (std::uint32_t i = 0; i < count; ++i) {
            writer.put({.position = positions[i], .provider = i});
        }
        EXPECT_EQ(writer.finish(), count);
        view = ProviderRing(lines.data(), homes, line_count, count);
    }

    // The number of the point; points of one position are alike.
    [[nodiscard]] std::uint32_t expected(std::uint32_t position) const {
        const auto at = std::lower_bound(positions.begin(), positions.end(), position);
        return at == positions.end() ? 0 : static_cast<std::uint32_t>(at - positions.begin());
    }

    std::vector<std::uint32_t> positions;
    std::vector<ProviderRing::Line> lines;
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
        ASSERT_EQ(ring.view.successor(position)->number(), ring.expected(position)) << position;
    }
}

// Once round from every place, by way of each point in its turn.
void check_rounds(const Ring& ring) {
    const auto count = static_cast<std::uint32_t>(ring.positions.size());
    for (std::uint32_t i = 0; i < 50; ++i) {
        const RingPoint* point = ring.view.successor(static_cast<std::uint32_t>(mix(i)));
        for (std::uint32_t step = 0; step < count; ++step) {
            const std::uint32_t number = point->number();
            ASSERT_EQ(point->position, ring.positions[number]);
            point = ring.view.next(point);
            ASSERT_EQ(point->number(), number + 1 == count ? 0 : number + 1);
        }
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
    EXPECT_EQ(key, 0xb4d1996c3ad716daU);
    EXPECT_EQ(ProviderRing::probes(key),
              (std::array<std::uint32_t, 3>{0x3ad716da, 0xb4d1996c, 0x0a0e466d}));
}

// However agents number their conversations, each probe falls everywhere alike, and near no other.
TEST(provider_ring, probes_of_conversations_that_are_numbered_in_steps_are_spread) {
    constexpr std::uint32_t kConversations = 1U << 16;
    constexpr std::uint32_t kParts = 256;
    const AgentId id = *AgentId::from_text("6ba7b814-9dad-51d1-80b4-00c04fd430c8");
    for (const std::uint64_t step : {1ULL, 2ULL, 256ULL, 1ULL << 20, 1ULL << 32, 1ULL << 47}) {
        std::array<std::array<std::uint32_t, kParts>, ProviderRing::kProbes> hits{};
        std::uint32_t near = 0;
        for (std::uint64_t i = 0; i < kConversations; ++i) {
            const auto probes = ProviderRing::probes(conversation_key(i * step, id));
            for (std::size_t probe = 0; probe < probes.size(); ++probe) {
                ++hits[probe][probes[probe] / (1U << 24)];
                near +=
                    probes[probe] / (1U << 24) == probes[(probe + 1) % probes.size()] / (1U << 24)
                        ? 1
                        : 0;
            }
        }
        constexpr std::uint32_t kMean = kConversations / kParts;
        for (const auto& of_probe : hits) {
            EXPECT_GT(*std::ranges::min_element(of_probe), kMean * 6 / 10) << step;
            EXPECT_LT(*std::ranges::max_element(of_probe), kMean * 14 / 10) << step;
        }
        EXPECT_LT(near, kConversations * ProviderRing::kProbes / kParts * 12 / 10) << step;
    }
}

TEST(provider_ring, successors_of_any_number_of_points) {
    for (const std::uint32_t count : {1U, 2U, 3U, 8U, 9U, 80U, 800U, 8'000U}) {
        const Ring ring(spread(count));
        check(ring);
        check_rounds(ring);
    }
}

TEST(provider_ring, what_has_no_room_is_not_passed_over_in_silence) {
    std::vector<ProviderRing::Line> lines(3);
    ProviderRing::Writer writer(lines.data(), 2, 3);
    for (std::uint32_t i = 0; i < 20; ++i) {
        writer.put({.position = 0xfffffff0 + i / 2, .provider = i});
    }
    EXPECT_NE(writer.finish(), 20U);
}

TEST(provider_ring, successors_where_points_fall_together) {
    std::vector<std::uint32_t> positions = spread(800);
    for (std::uint32_t i = 0; i < 300; ++i) {
        positions.push_back(0x12345678 + i / 3);
        positions.push_back(0xffffffff - i / 2);
    }
    check(Ring(positions));
    check_rounds(Ring(positions));
    for (const std::uint32_t position : {0U, 77U, 0x80000000U, 0xffffffffU}) {
        const Ring ring(std::vector<std::uint32_t>(100, position));
        check(ring);
        check_rounds(ring);
    }
}

}  // namespace

}  // namespace posthaste::routing
