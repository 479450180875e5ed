// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/event_stream.h"

#include <gtest/gtest.h>

namespace {

using namespace posthaste::controlplane;

TEST(event_stream, gives_one_answer_an_event_and_ends_after_the_count) {
    EventLog log;
    EventStream stream(log, EventTopic::ports, 2);
    EXPECT_TRUE(stream.is_endless());
    EXPECT_FALSE(stream.next());
    log.note({.kind = NotedKind::session_up});
    log.note({.kind = NotedKind::port_up, .at_ms = 5, .name = "edge0"});
    log.note({.kind = NotedKind::port_down, .at_ms = 6, .name = "edge0"});
    const auto first = stream.next();
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->last);
    EXPECT_EQ(first->outcome.value()["event"], "port up");
    EXPECT_EQ(first->outcome.value()["at_ms"], 5);
    EXPECT_TRUE(first->outcome.value()["agent"].is_null());
    const auto second = stream.next();
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->last);
}

TEST(event_stream, an_event_tells_how_many_were_lost_before_it) {
    EventLog log;
    EventStream stream(log, std::nullopt, 0);
    for (std::size_t i = 0; i < EventLog::kEventsKept + 3; ++i) {
        log.note({.kind = NotedKind::port_up});
    }
    EXPECT_EQ(stream.next()->outcome.value()["lost"], 3);
    EXPECT_EQ(stream.next()->outcome.value()["lost"], 0);
}

}  // namespace
