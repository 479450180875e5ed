// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/key_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace tools = posthaste::tools;

namespace {

using Numbers = std::map<posthaste::routing::AgentId, std::uint32_t>;

Numbers members(std::uint32_t agents) {
    Numbers numbers;
    for (std::uint32_t number = 0; number < agents; ++number) {
        numbers[tools::member_id(number)] = number;
    }
    return numbers;
}

std::size_t slices_of(const tools::KeyStream& stream) {
    return stream.size() / tools::KeyStream::kSliceIds;
}

}  // namespace

TEST(key_stream, ids_of_agents_and_strangers_are_all_different) {
    std::set<posthaste::routing::AgentId> ids;
    for (std::uint32_t number = 0; number < 100'000; ++number) {
        ids.insert(tools::member_id(number));
        ids.insert(tools::stranger_id(number));
    }
    EXPECT_EQ(ids.size(), 200'000U);
}

TEST(key_stream, each_slice_comes_with_its_answers) {
    const Numbers numbers = members(1'000);
    for (const auto kind : {tools::StreamKind::hits, tools::StreamKind::zipf}) {
        tools::KeyStream stream(kind, 1'000, 1);
        for (std::size_t i = 0; i < slices_of(stream); ++i) {
            const tools::KeyStream::Slice slice = stream.next();
            tools::Answers answers;
            std::uint32_t changing = 0;
            for (const auto& id : slice.ids) {
                const auto found = numbers.find(id);
                ASSERT_NE(found, numbers.end());
                answers += {1, found->second};
                changing += found->second % tools::kChangingStride == 0 ? 1 : 0;
            }
            EXPECT_EQ(answers, slice.expected);
            EXPECT_EQ(changing, slice.changing);
        }
    }
}

TEST(key_stream, hits_visit_every_agent) {
    tools::KeyStream stream(tools::StreamKind::hits, 1'000, 1);
    std::set<posthaste::routing::AgentId> seen;
    for (std::size_t i = 0; i < slices_of(stream); ++i) {
        const auto ids = stream.next().ids;
        seen.insert(ids.begin(), ids.end());
    }
    EXPECT_EQ(seen.size(), 1'000U);
}

// At exponent 0.99 the first of 1000 ranks gets 13 % of all draws.
TEST(key_stream, by_zipf_one_agent_is_asked_for_most_and_it_is_not_the_first) {
    const Numbers numbers = members(1'000);
    tools::KeyStream stream(tools::StreamKind::zipf, 1'000, 1);
    std::vector<unsigned> seen(1'000);
    for (std::size_t i = 0; i < slices_of(stream); ++i) {
        for (const auto& id : stream.next().ids) {
            ++seen[numbers.at(id)];
        }
    }
    const auto most = std::ranges::max_element(seen);
    EXPECT_NEAR(*most, static_cast<double>(stream.size()) * 0.1305, 5'000);
    EXPECT_NE(most - seen.begin(), 0);
}

TEST(key_stream, a_miss_is_nobody_and_never_comes_again) {
    const Numbers numbers = members(1'000);
    tools::KeyStream stream(tools::StreamKind::misses, 1'000, 1);
    std::set<posthaste::routing::AgentId> seen;
    const std::size_t slices = slices_of(stream) + 3;  // beyond its end
    for (std::size_t i = 0; i < slices; ++i) {
        const tools::KeyStream::Slice slice = stream.next();
        EXPECT_EQ(slice.expected, tools::Answers{});
        for (const auto& id : slice.ids) {
            ASSERT_FALSE(numbers.contains(id));
            ASSERT_TRUE(seen.insert(id).second);
        }
    }
    EXPECT_EQ(seen.size(), slices * tools::KeyStream::kSliceIds);
}

TEST(key_stream, one_seed_gives_one_stream) {
    tools::KeyStream first(tools::StreamKind::zipf, 100, 5);
    tools::KeyStream same(tools::StreamKind::zipf, 100, 5);
    tools::KeyStream other(tools::StreamKind::zipf, 100, 6);
    const auto ids = first.next().ids;
    EXPECT_TRUE(std::ranges::equal(ids, same.next().ids));
    EXPECT_FALSE(std::ranges::equal(ids, other.next().ids));
}
