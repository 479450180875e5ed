// SPDX-License-Identifier: BSD-3-Clause
// The reconnect machine against a script of times and link states; no devices.
#include "dataplane/reconnect.h"

#include <gtest/gtest.h>

namespace posthaste::dataplane {
namespace {

constexpr std::uint64_t kPoll = Reconnect::kPollMs;

TEST(reconnect, a_port_with_link_is_left_alone) {
    Reconnect machine(true, true);
    for (std::uint64_t now = 0; now < 10 * kPoll; ++now) {
        ASSERT_EQ(machine.poll(now, true), ReconnectStep::nothing);
    }
    EXPECT_EQ(machine.losses(), 0U);
}

TEST(reconnect, a_lost_link_pauses_the_port_before_anything_else) {
    Reconnect machine(true, true);
    EXPECT_EQ(machine.poll(0, false), ReconnectStep::pause);
    EXPECT_FALSE(machine.up());
    EXPECT_EQ(machine.losses(), 1U);
}

TEST(reconnect, no_restart_until_the_lcores_have_let_go) {
    Reconnect machine(true, true);
    ASSERT_EQ(machine.poll(0, false), ReconnectStep::pause);
    for (std::uint64_t now = 0; now < 20 * kPoll; now += kPoll / 2) {
        ASSERT_EQ(machine.poll(now, false), ReconnectStep::nothing);
        ASSERT_EQ(machine.poll(now, true), ReconnectStep::nothing);
    }
    machine.paused(20 * kPoll);
    EXPECT_EQ(machine.poll(20 * kPoll, false), ReconnectStep::restart);
}

TEST(reconnect, a_restart_is_repeated_every_period_until_the_link_is_back) {
    Reconnect machine(true, true);
    ASSERT_EQ(machine.poll(0, false), ReconnectStep::pause);
    machine.paused(3);
    std::uint64_t now = 3;
    for (std::uint32_t attempt = 1; attempt <= 5; ++attempt) {
        ASSERT_EQ(machine.poll(now, false), ReconnectStep::restart);
        ASSERT_EQ(machine.restarts(), attempt);
        machine.restarted(now);
        ASSERT_EQ(machine.poll(now + kPoll / 2, false), ReconnectStep::nothing);
        now += kPoll;
    }
    EXPECT_EQ(machine.poll(now, true), ReconnectStep::resume);
    EXPECT_TRUE(machine.up());
}

TEST(reconnect, the_peer_has_a_whole_period_to_answer_a_restart) {
    Reconnect machine(true, false);
    ASSERT_EQ(machine.poll(0, false), ReconnectStep::restart);
    machine.restarted(100);  // the restart itself took 100 ms
    EXPECT_EQ(machine.poll(kPoll, false), ReconnectStep::nothing);
    EXPECT_EQ(machine.poll(100 + kPoll, true), ReconnectStep::resume);
}

TEST(reconnect, a_link_that_comes_back_is_used_at_once) {
    Reconnect machine(true, false);
    ASSERT_EQ(machine.poll(0, false), ReconnectStep::restart);
    machine.restarted(0);
    EXPECT_EQ(machine.poll(Reconnect::kLookMs, true), ReconnectStep::resume);
}

TEST(reconnect, a_port_that_found_its_peer_is_not_restarted_while_they_agree) {
    constexpr std::uint64_t kHandshake = Reconnect::kHandshakeMs;
    Reconnect machine(true, false, true);
    ASSERT_EQ(machine.poll(0, false), ReconnectStep::nothing);
    ASSERT_EQ(machine.poll(kHandshake - 1, false), ReconnectStep::nothing);
    ASSERT_EQ(machine.poll(2 * kHandshake, false), ReconnectStep::restart);
    machine.restarted(2 * kHandshake, true);
    const std::uint64_t seen = 2 * kHandshake + kPoll;
    ASSERT_EQ(machine.poll(seen, false), ReconnectStep::nothing);
    ASSERT_EQ(machine.poll(seen + kHandshake - 1, false), ReconnectStep::nothing);
    EXPECT_EQ(machine.poll(seen + kHandshake + kPoll, true), ReconnectStep::resume);
    EXPECT_EQ(machine.restarts(), 1U);
}

TEST(reconnect, a_driver_that_comes_back_by_itself_is_never_restarted) {
    Reconnect machine(false, true);
    ASSERT_EQ(machine.poll(0, false), ReconnectStep::pause);
    machine.paused(1);
    for (std::uint64_t now = 1; now < 10 * kPoll; now += kPoll) {
        ASSERT_EQ(machine.poll(now, false), ReconnectStep::nothing);
    }
    EXPECT_EQ(machine.poll(11 * kPoll, true), ReconnectStep::resume);
    EXPECT_EQ(machine.restarts(), 0U);
}

TEST(reconnect, a_port_opened_without_its_peer_starts_by_restarting) {
    Reconnect machine(true, false);
    EXPECT_EQ(machine.poll(0, false), ReconnectStep::restart);
    EXPECT_EQ(machine.losses(), 0U);
}

TEST(reconnect, a_port_that_has_its_peer_after_all_resumes_without_a_restart) {
    Reconnect machine(true, false);
    EXPECT_EQ(machine.poll(0, true), ReconnectStep::resume);
    EXPECT_EQ(machine.restarts(), 0U);
}

TEST(reconnect, news_the_machine_did_not_ask_for_change_nothing) {
    Reconnect machine(true, true);
    machine.paused(0);
    machine.restarted(0);
    EXPECT_TRUE(machine.up());
    EXPECT_EQ(machine.poll(0, true), ReconnectStep::nothing);
}

TEST(reconnect, the_link_is_looked_at_once_a_period) {
    Reconnect machine(true, true);
    ASSERT_EQ(machine.poll(1'000, true), ReconnectStep::nothing);
    EXPECT_FALSE(machine.due(1'000 + kPoll - 1));
    EXPECT_EQ(machine.poll(1'000 + kPoll - 1, false), ReconnectStep::nothing);
    EXPECT_TRUE(machine.due(1'000 + kPoll));
    EXPECT_EQ(machine.poll(1'000 + kPoll, false), ReconnectStep::pause);
}

}  // namespace
}  // namespace posthaste::dataplane
