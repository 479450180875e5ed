// SPDX-License-Identifier: BSD-3-Clause
// What a router hears that sent a frame to where the agent is not.
#include <gtest/gtest.h>

#include "tests/support/plane_pair.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::support::numbered_id;
using posthaste::support::PlaneGroup;

std::uint64_t sent(PlaneGroup& group, std::size_t from, MessageKind kind) {
    return group[from].counters().sent[static_cast<std::size_t>(kind)];
}

TEST(not_here, an_answer_that_named_the_wrong_router_holds_no_more) {
    PlaneGroup group(2, PlaneGroup::silent_options());
    group.connect(1, 2);
    group.pass(20);
    group[1].discover(numbered_id(1));
    // Somebody's answer, of a keyspace that nobody can read from here.
    Discovered answer{.agent = numbered_id(1), .found = true, .router = RouterId{2}};
    answer.at = {{1, 101}, 5};
    group[1].receive(1, encode(answer, cluster_hash("posthaste")), group.now_ms);
    ASSERT_TRUE(group[1].store().best(numbered_id(1)));
    group.pass(10);
    static_cast<void>(group[1].take_changes());
    group[2].tell_not_here(RouterId{1}, numbered_id(2));
    group.carry();
    EXPECT_TRUE(group[1].store().best(numbered_id(1))) << "that was another agent";
    group[2].tell_not_here(RouterId{1}, numbered_id(1));
    group.carry();
    group.pass(10);
    EXPECT_FALSE(group[1].store().best(numbered_id(1)));
    EXPECT_EQ(group[1].take_changes(), std::vector{numbered_id(1)});
}

TEST(not_here, who_is_believed_to_have_the_agent_is_read_anew_without_a_claim_elsewhere) {
    PlaneGroup group(2, PlaneGroup::silent_options());
    ASSERT_TRUE(group[2].own().attach(numbered_id(1), {}, group.now_ms));
    group.connect(1, 2);
    group.pass(20);
    ASSERT_TRUE(group[1].store().best(numbered_id(1)));
    ASSERT_TRUE(group[2].own().detach(numbered_id(1), group.now_ms));
    group[2].tell_not_here(RouterId{1}, numbered_id(1));
    group.pass(20);
    EXPECT_FALSE(group[1].store().best(numbered_id(1)));
}

TEST(not_here, a_flood_of_frames_is_told_at_a_rate_and_answered_with_one_root) {
    PlaneOptions options = PlaneGroup::silent_options();
    options.not_here_per_second = 10;
    PlaneGroup group(2, options);
    group.connect(1, 2);
    group.pass(20);
    const auto roots = sent(group, 1, MessageKind::digest_root);
    for (std::uint32_t frame = 0; frame < 1'000; ++frame) {
        group[2].tell_not_here(RouterId{1}, numbered_id(frame));
    }
    group.pass(20);
    EXPECT_EQ(sent(group, 2, MessageKind::not_here), 10U);
    EXPECT_EQ(group[2].counters().refused[static_cast<std::size_t>(Refusal::rate_limited)], 990U);
    EXPECT_EQ(sent(group, 1, MessageKind::digest_root), roots + 1);
    group.pass(1'000, 100);
    group[2].tell_not_here(RouterId{1}, numbered_id(1));
    EXPECT_EQ(sent(group, 2, MessageKind::not_here), 11U);
}

}  // namespace
