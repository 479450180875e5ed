// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/record.h"

#include <gtest/gtest.h>

namespace {

using namespace posthaste::gossip::claims;
using posthaste::routing::AgentState;

TEST(decides, names_the_first_field_in_which_two_claims_differ) {
    const Claimant base{RouterId{1}, {.epoch = 1, .mobility = 1, .since = 1}};
    Claimant other = base;
    EXPECT_EQ(decides(base, other), Precedence::none);
    other.router = RouterId{2};
    EXPECT_EQ(decides(base, other), Precedence::router);
    other.body.since = 2;
    EXPECT_EQ(decides(base, other), Precedence::since);
    other.body.mobility = 2;
    EXPECT_EQ(decides(base, other), Precedence::mobility);
    other.body.epoch = 2;
    EXPECT_EQ(decides(base, other), Precedence::epoch);
    other.body.sticky = true;
    EXPECT_EQ(decides(base, other), Precedence::sticky);
    other.body.state = AgentState::draining;
    EXPECT_EQ(decides(base, other), Precedence::state);
    EXPECT_TRUE(holds_over(base, other));
    other.body.state = base.body.state;
    EXPECT_TRUE(holds_over(other, base));
    EXPECT_EQ(kPrecedenceNames[static_cast<std::size_t>(Precedence::mobility)], "mobility");
}

}  // namespace
