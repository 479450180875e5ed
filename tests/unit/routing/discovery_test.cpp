// SPDX-License-Identifier: BSD-3-Clause
#include "routing/discovery.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "routing/message.h"
#include "tests/support/hash_key.h"

using posthaste::routing::AgentId;
using posthaste::routing::Discovery;
using posthaste::routing::DiscoveryCounts;
using posthaste::routing::DiscoveryOptions;
using posthaste::support::hash_key;

namespace {

AgentId id_of(unsigned number) {
    AgentId id = *AgentId::from_text("50000000-0000-4000-8000-000000000000");
    id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
    id.bytes[15] = static_cast<std::uint8_t>(number);
    return id;
}

constexpr DiscoveryOptions kSmall{
    .in_flight_max = 3, .requests_per_second = 1'000, .timeout_ms = 100};

void expect_sums(const Discovery& discovery) {
    const DiscoveryCounts& counts = discovery.counts();
    EXPECT_EQ(counts.wanted,
              counts.requested + counts.suppressed + counts.rate_limited + counts.refused);
    EXPECT_EQ(counts.requested,
              discovery.in_flight() + counts.answered + counts.unanswered + counts.displaced);
}

}  // namespace

TEST(discovery, an_agent_is_asked_for_once_until_the_answer) {
    Discovery discovery(kSmall, hash_key(1));
    EXPECT_TRUE(discovery.want(id_of(1), 0));
    EXPECT_FALSE(discovery.want(id_of(1), 50));
    EXPECT_EQ(discovery.take_requests(), std::vector{id_of(1)});
    EXPECT_TRUE(discovery.take_requests().empty());
    discovery.answered(id_of(1));
    EXPECT_EQ(discovery.in_flight(), 0U);
    EXPECT_TRUE(discovery.want(id_of(1), 60));
    EXPECT_EQ(discovery.counts().suppressed, 1U);
    EXPECT_EQ(discovery.counts().answered, 1U);
    expect_sums(discovery);
}

TEST(discovery, what_is_not_answered_may_be_asked_for_again_after_the_timeout) {
    Discovery discovery(kSmall, hash_key(1));
    EXPECT_TRUE(discovery.want(id_of(1), 1'000));
    EXPECT_FALSE(discovery.want(id_of(1), 1'099));
    EXPECT_TRUE(discovery.want(id_of(1), 1'100));
    EXPECT_EQ(discovery.counts().unanswered, 1U);
    discovery.advance(10'000);
    EXPECT_EQ(discovery.counts().unanswered, 2U);
    discovery.answered(id_of(1));
    EXPECT_EQ(discovery.counts().late, 1U);
    expect_sums(discovery);
}

TEST(discovery, nobody_knows_it_when_the_last_of_those_who_were_asked_said_so) {
    Discovery discovery(kSmall, hash_key(1));
    EXPECT_TRUE(discovery.want(id_of(1), 0));
    EXPECT_FALSE(discovery.denied(id_of(1))) << "nobody was asked yet";
    discovery.asked(id_of(1), 2);
    EXPECT_FALSE(discovery.denied(id_of(1)));
    EXPECT_TRUE(discovery.denied(id_of(1)));
    EXPECT_FALSE(discovery.denied(id_of(1))) << "one answer more than asked for";
    EXPECT_EQ(discovery.counts().answered, 1U);
    expect_sums(discovery);

    // Asked again after the timeout, it counts from then on.
    EXPECT_TRUE(discovery.want(id_of(1), 100));
    discovery.asked(id_of(1), 1);
    EXPECT_TRUE(discovery.want(id_of(1), 200));
    discovery.asked(id_of(1), 2);
    EXPECT_FALSE(discovery.denied(id_of(1)));
    discovery.answered(id_of(1));
    EXPECT_FALSE(discovery.denied(id_of(1)));
    discovery.asked(id_of(1), 1);
    EXPECT_EQ(discovery.in_flight(), 0U);
    expect_sums(discovery);
}

TEST(discovery, a_claim_of_the_agent_ends_it_before_anybody_is_asked) {
    Discovery discovery(kSmall, hash_key(1));
    EXPECT_TRUE(discovery.want(id_of(1), 0));
    EXPECT_TRUE(discovery.want(id_of(2), 0));
    discovery.known(id_of(1));
    discovery.known(id_of(9));
    EXPECT_EQ(discovery.take_requests(), std::vector{id_of(2)});
    EXPECT_EQ(discovery.counts().late, 0U);
    expect_sums(discovery);
}

TEST(discovery, a_full_table_gives_up_what_waits_longest) {
    Discovery discovery(kSmall, hash_key(1));
    for (unsigned i = 1; i <= 5; ++i) {
        EXPECT_TRUE(discovery.want(id_of(i), i));
    }
    EXPECT_EQ(discovery.in_flight(), 3U);
    EXPECT_EQ(discovery.counts().displaced, 2U);
    EXPECT_FALSE(discovery.want(id_of(5), 6));
    EXPECT_TRUE(discovery.want(id_of(1), 6));
    EXPECT_EQ(discovery.take_requests(), (std::vector{id_of(4), id_of(5), id_of(1)}));
    expect_sums(discovery);
}

TEST(discovery, all_requests_together_keep_to_the_rate) {
    Discovery discovery({.in_flight_max = 1'000, .requests_per_second = 10, .timeout_ms = 60'000},
                        hash_key(1));
    unsigned asked = 0;
    for (unsigned i = 0; i < 500; ++i) {
        asked += discovery.want(id_of(i), i * 10) ? 1U : 0U;
    }
    EXPECT_GE(asked, 10U + 49U);
    EXPECT_LE(asked, 10U + 50U);
    EXPECT_EQ(discovery.counts().rate_limited, 500U - asked);
    expect_sums(discovery);
}

TEST(discovery, a_clock_that_stands_still_or_goes_back_times_nothing_out) {
    Discovery discovery(kSmall, hash_key(1));
    EXPECT_TRUE(discovery.want(id_of(1), 5'000));
    EXPECT_TRUE(discovery.want(id_of(2), 4'000));
    discovery.advance(4'000);
    discovery.advance(5'000);
    discovery.advance(5'099);
    EXPECT_EQ(discovery.in_flight(), 2U);
    discovery.advance(5'100);
    EXPECT_EQ(discovery.in_flight(), 0U);
}

TEST(discovery, what_cannot_be_an_agent_is_refused_and_so_is_all_where_nothing_may_be_asked) {
    Discovery discovery(kSmall, hash_key(1));
    EXPECT_FALSE(discovery.want(AgentId{}, 0));
    EXPECT_FALSE(discovery.want(posthaste::routing::kRouterId, 0));
    EXPECT_EQ(discovery.counts().refused, 2U);
    Discovery none({.in_flight_max = 0}, hash_key(1));
    EXPECT_FALSE(none.want(id_of(1), 0));
    Discovery mute({.requests_per_second = 0}, hash_key(1));
    EXPECT_FALSE(mute.want(id_of(1), 100'000));
    EXPECT_EQ(mute.counts().rate_limited, 1U);
    Discovery hasty({.timeout_ms = 0}, hash_key(1));
    EXPECT_TRUE(hasty.want(id_of(1), 0));
    EXPECT_TRUE(hasty.want(id_of(1), 0));
    EXPECT_EQ(hasty.counts().unanswered, 1U);
}

TEST(discovery, whatever_happens_no_agent_is_asked_for_twice_at_a_time) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed);
        Discovery discovery({.in_flight_max = 16, .requests_per_second = 200, .timeout_ms = 50},
                            hash_key(seed));
        std::map<AgentId, std::uint64_t> model;  // asked for, and when
        std::uint64_t now_ms = 0;
        for (int step = 0; step < 5'000; ++step) {
            now_ms += random() % 3 == 0 ? random() % 20 : 0;
            std::erase_if(model, [&](const auto& item) { return now_ms - item.second >= 50; });
            const AgentId agent = id_of(random() % 16);
            if (random() % 3 == 0) {
                discovery.known(agent);
                model.erase(agent);
            } else if (discovery.want(agent, now_ms)) {
                ASSERT_FALSE(model.contains(agent));
                model.emplace(agent, now_ms);
            }
            discovery.advance(now_ms);
            ASSERT_EQ(discovery.in_flight(), model.size());
            expect_sums(discovery);
        }
    }
}
