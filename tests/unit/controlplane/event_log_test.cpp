// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/event_log.h"

#include <gtest/gtest.h>

#include <set>

namespace {

using namespace posthaste::controlplane;

TEST(event_log, a_watcher_sees_what_comes_after_it_in_order) {
    EventLog log;
    log.note({.kind = NotedKind::port_up, .name = "before"});
    EventLog::Watcher watcher(log, std::nullopt);
    EXPECT_EQ(watcher.next(), nullptr);
    log.note({.kind = NotedKind::port_up, .name = "edge0"});
    log.note({.kind = NotedKind::port_down, .name = "edge0"});
    const NotedEvent* event = watcher.next();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->kind, NotedKind::port_up);
    EXPECT_EQ(event->name, "edge0");
    event = watcher.next();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->kind, NotedKind::port_down);
    EXPECT_EQ(watcher.next(), nullptr);
    EXPECT_EQ(watcher.take_lost(), 0U);
}

TEST(event_log, a_slow_watcher_loses_the_oldest_and_is_told_how_many) {
    EventLog log;
    EventLog::Watcher watcher(log, std::nullopt);
    for (std::size_t i = 0; i < EventLog::kEventsKept + 5; ++i) {
        log.note({.kind = NotedKind::session_up, .at_ms = i});
    }
    const NotedEvent* const event = watcher.next();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->at_ms, 5U);
    EXPECT_EQ(watcher.take_lost(), 5U);
    EXPECT_EQ(watcher.take_lost(), 0U);
}

TEST(event_log, agents_are_noted_only_while_somebody_watches) {
    EventLog log;
    EXPECT_FALSE(log.wants(EventTopic::agents));
    EXPECT_TRUE(log.wants(EventTopic::routes));
    log.note({.kind = NotedKind::agent_attached});
    EXPECT_EQ(log.noted(), 0U);
    {
        EventLog::Watcher watcher(log, std::nullopt);
        EXPECT_TRUE(log.wants(EventTopic::agents));
        log.note({.kind = NotedKind::agent_attached});
        EXPECT_NE(watcher.next(), nullptr);
        EXPECT_EQ(log.watchers(), 1U);
    }
    EXPECT_FALSE(log.wants(EventTopic::agents));
}

TEST(event_log, a_watcher_of_one_topic_sees_no_other) {
    EventLog log;
    EventLog::Watcher watcher(log, topic_from_text("members"));
    log.note({.kind = NotedKind::port_up});
    log.note({.kind = NotedKind::member_failed});
    const NotedEvent* const event = watcher.next();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->kind, NotedKind::member_failed);
    EXPECT_EQ(watcher.next(), nullptr);
    EXPECT_EQ(topic_from_text("weather"), std::nullopt);
}

TEST(event_log, the_last_of_some_kinds_come_newest_first) {
    EventLog log;
    for (std::uint64_t i = 0; i < 2 * EventLog::kEventsKept; ++i) {
        log.note({.kind = i % 2 == 0 ? NotedKind::conflict : NotedKind::session_up, .at_ms = i});
    }
    const auto last = log.last(bit_of(NotedKind::conflict), 2);
    ASSERT_EQ(last.size(), 2U);
    EXPECT_EQ(last[0].at_ms, 2 * EventLog::kEventsKept - 2);
    EXPECT_EQ(last[1].at_ms, 2 * EventLog::kEventsKept - 4);
    EXPECT_EQ(log.counts()[static_cast<std::size_t>(NotedKind::conflict)], EventLog::kEventsKept);
}

TEST(event_log, the_last_of_a_kind_are_kept_whatever_else_happens) {
    EventLog log;
    for (std::uint64_t i = 0; i < EventLog::kLastKept + 3; ++i) {
        log.note({.kind = NotedKind::name_conflict, .at_ms = i});
    }
    log.note({.kind = NotedKind::inconsistent, .at_ms = 1'000});
    for (std::uint64_t i = 0; i < 2 * EventLog::kEventsKept; ++i) {
        log.note({.kind = NotedKind::conflict});
    }
    const auto last =
        log.last(bit_of(NotedKind::name_conflict) | bit_of(NotedKind::inconsistent), 1'000);
    ASSERT_EQ(last.size(), EventLog::kLastKept + 1);
    EXPECT_EQ(last.front().kind, NotedKind::inconsistent);
    EXPECT_EQ(last.back().at_ms, 3U);
}

TEST(event_log, texts_are_cut) {
    EventLog log;
    log.note({.kind = NotedKind::user_event, .name = std::string(9'999, 'x')});
    EXPECT_EQ(log.last(~std::uint64_t{0}, 1).at(0).name.size(), EventLog::kTextBytesMax);
}

TEST(event_log, every_kind_has_a_name_of_its_own) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kNotedKinds; ++i) {
        EXPECT_TRUE(names.insert(name_of(static_cast<NotedKind>(i))).second);
        EXPECT_FALSE(name_of(static_cast<NotedKind>(i)).empty());
    }
}

}  // namespace
