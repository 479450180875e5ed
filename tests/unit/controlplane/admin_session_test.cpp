// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/admin_session.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/fake_cluster.h"
#include "tests/support/fake_operations.h"

namespace posthaste::controlplane {
namespace {

using test::FakeOperations;

constexpr unsigned kMany = 1'000'000;

// Takes everything there is to send.
std::vector<Json> drain(AdminSession& session) {
    std::vector<Json> answers;
    const std::string text(session.output());
    session.sent(text.size());
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = text.find('\n', start);
        EXPECT_NE(end, std::string::npos) << "an answer without its newline";
        answers.push_back(Json::parse(text.substr(start, end - start), nullptr, false));
        start = end + 1;
    }
    return answers;
}

std::vector<Json> ask(AdminSession& session, std::string_view bytes) {
    session.receive(bytes);
    session.work(kMany);
    return drain(session);
}

TEST(admin_session, a_request_is_answered_with_its_id) {
    FakeOperations operations;
    AdminSession session(operations);
    const auto answers = ask(session, "{\"command\":[\"show\",\"version\"],\"id\":7}\n");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["id"], 7);
    EXPECT_EQ(answers[0]["ok"], true);
    EXPECT_EQ(answers[0]["data"]["version"], "0.1.0");
    EXPECT_FALSE(answers[0].contains("error"));
}

TEST(admin_session, an_error_has_code_message_and_details) {
    FakeOperations operations;
    AdminSession session(operations);
    const auto answers =
        ask(session,
            "{\"id\":\"x\",\"command\":[\"agent\",\"remove\"],"
            "\"arguments\":{\"agent\":\"00000000-0000-4000-8000-000000000003\"}}\n");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["id"], "x");
    EXPECT_EQ(answers[0]["ok"], false);
    EXPECT_EQ(answers[0]["error"]["code"], "conflict");
    EXPECT_EQ(answers[0]["error"]["details"].size(), 1U);
    EXPECT_FALSE(answers[0].contains("data"));
}

TEST(admin_session, a_line_may_come_byte_by_byte) {
    FakeOperations operations;
    AdminSession session(operations);
    const std::string line = "{\"command\":[\"show\",\"ports\"]}\n";
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        EXPECT_TRUE(ask(session, line.substr(i, 1)).empty());
    }
    EXPECT_EQ(ask(session, "\n").size(), 1U);
}

TEST(admin_session, pipelined_requests_are_answered_in_order_within_the_budget) {
    FakeOperations operations;
    AdminSession session(operations);
    std::string lines;
    for (int id = 0; id < 5; ++id) {
        lines += "{\"command\":[\"show\",\"version\"],\"id\":" + std::to_string(id) + "}\r\n\n";
    }
    session.receive(lines + "{\"command\":");
    session.work(3);  // an empty line counts too
    EXPECT_EQ(operations.calls, 2U);
    EXPECT_TRUE(session.has_work());
    session.work(kMany);
    EXPECT_FALSE(session.has_work());
    const auto answers = drain(session);
    ASSERT_EQ(answers.size(), 5U);
    for (int id = 0; id < 5; ++id) {
        EXPECT_EQ(answers[static_cast<std::size_t>(id)]["id"], id);
    }
}

TEST(admin_session, what_is_no_request_is_told_so_and_the_next_line_counts) {
    const char* const bad[] = {
        "hello",
        "[]",
        "\"show\"",
        "{}",
        "{\"command\":\"show\"}",
        "{\"command\":[1]}",
        "{\"command\":[\"show\",\"ports\"],\"id\":{}}",
        "{\"command\":[\"show\",\"ports\"],\"id\":1.5}",
        "{\"command\":[\"show\",\"agents\"],\"arguments\":[]}",
        "{\"command\":[\"show\",\"agents\"],\"arguments\":{\"limit\":{}}}",
        "{\"command\":[\"show\",\"agents\"],\"arguments\":{\"limit\":null}}",
        "{\"command\":[\"show\",\"agents\"],\"arguments\":{\"limit\":[[1]]}}",
        "{\"command\":[\"show\",\"ports\"]} x",
        "{\"command\":[\"\xff\"]}",
    };
    for (const char* const line : bad) {
        FakeOperations operations;
        AdminSession session(operations);
        const auto answers =
            ask(session, std::string(line) + "\n{\"command\":[\"show\",\"version\"]}\n");
        ASSERT_EQ(answers.size(), 2U) << line;
        EXPECT_EQ(answers[0]["error"]["code"], "bad_request") << line;
        EXPECT_EQ(answers[1]["ok"], true) << line;
        EXPECT_EQ(operations.calls, 1U) << line;
    }
}

TEST(admin_session, arguments_may_be_numbers_flags_and_lists) {
    FakeOperations operations(10);
    AdminSession session(operations);
    const auto answers =
        ask(session,
            "{\"command\":[\"show\",\"agents\"],\"arguments\":{\"limit\":2}}\n"
            "{\"command\":[\"show\",\"drops\"],\"arguments\":{\"all\":true}}\n"
            "{\"command\":[\"show\",\"drops\"],\"arguments\":{\"all\":false}}\n"
            "{\"command\":[\"help\"],\"arguments\":{\"words\":[\"show\",\"ports\"]}}\n");
    ASSERT_EQ(answers.size(), 4U);
    EXPECT_EQ(answers[0]["data"]["agents"].size(), 2U);
    EXPECT_GT(answers[1]["data"]["drops"].size(), 100U);
    EXPECT_EQ(answers[2]["data"]["drops"].size(), 3U);
    EXPECT_EQ(answers[3]["data"].size(), 1U);
}

TEST(admin_session, a_line_of_the_longest_length_is_taken_and_one_byte_more_ends_the_session) {
    FakeOperations operations;
    AdminSession fits(operations);
    std::string line = "{\"command\":[\"show\",\"ports\"]}";
    line.resize(kRequestBytesMax, ' ');
    EXPECT_EQ(ask(fits, line + '\n').at(0)["ok"], true);
    EXPECT_FALSE(fits.finished());

    AdminSession session(operations);
    line.push_back(' ');
    ASSERT_GE(session.room(), line.size());
    const auto answers = ask(session, line);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["error"]["code"], "bad_request");
    EXPECT_EQ(session.room(), 0U);
    EXPECT_TRUE(session.finished());
}

TEST(admin_session, requests_wait_while_answers_are_not_read) {
    FakeOperations operations(1'000);
    AdminSession session(operations);
    const std::string line = "{\"command\":[\"show\",\"agents\"],\"arguments\":{\"limit\":1000}}\n";
    std::string lines;
    for (int i = 0; i < 50; ++i) {
        lines += line;
    }
    session.receive(lines);
    session.work(kMany);
    EXPECT_LT(operations.calls, 3U);
    EXPECT_FALSE(session.has_work());
    std::size_t answers = 0;
    while (!session.output().empty()) {
        answers += drain(session).size();
        session.work(kMany);
    }
    EXPECT_EQ(answers, 50U);
}

TEST(admin_session, input_is_bounded_while_answers_are_not_read) {
    FakeOperations operations(1'000);
    AdminSession session(operations);
    const std::string line = "{\"command\":[\"show\",\"agents\"],\"arguments\":{\"limit\":1000}}\n";
    std::size_t taken = 0;
    while (session.room() >= line.size()) {
        session.receive(line);
        session.work(kMany);
        taken += line.size();
        ASSERT_LE(taken, 2 * kRequestBytesMax);
    }
    EXPECT_LT(session.output().size(), kOutputHighBytes + kAnswerBytesMax);
}

TEST(admin_session, the_last_line_needs_no_newline) {
    FakeOperations operations;
    AdminSession session(operations);
    session.receive("{\"command\":[\"show\",\"version\"]}\n{\"command\":[\"show\",\"ports\"]}");
    session.end_of_input();
    EXPECT_FALSE(session.finished());
    session.work(kMany);
    EXPECT_EQ(drain(session).size(), 2U);
    EXPECT_TRUE(session.finished());
}

class Flood : public FakeOperations {
  public:
    Outcome show_config() override { return Json{{"text", std::string(kAnswerBytesMax, 'x')}}; }

    Outcome show_version() override { return Json{{"name", "\xff\xfe"}}; }
};

TEST(admin_session, an_answer_beyond_the_limit_becomes_an_error) {
    Flood operations;
    AdminSession session(operations);
    const auto answers = ask(session, "{\"command\":[\"show\",\"config\"],\"id\":1}\n");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["id"], 1);
    EXPECT_EQ(answers[0]["error"]["code"], "too_large");
}

TEST(admin_session, bytes_that_are_no_text_are_replaced) {
    Flood operations;
    AdminSession session(operations);
    const auto answers = ask(session, "{\"command\":[\"show\",\"version\"]}\n");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["data"]["name"], "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(admin_session, deep_nesting_is_refused_without_harm) {
    FakeOperations operations;
    AdminSession session(operations);
    const auto answers = ask(session, std::string(60'000, '[') + "\n");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["error"]["code"], "bad_request");
}

TEST(admin_session, what_takes_time_is_answered_later_and_requests_behind_it_wait) {
    FakeOperations operations;
    AdminSession session(operations);
    session.receive(
        "{\"command\":[\"cluster\",\"keys\",\"list\"],\"id\":1}\n"
        "{\"command\":[\"show\",\"version\"],\"id\":2}\n");
    session.work(kMany);
    EXPECT_TRUE(session.is_waiting());
    EXPECT_TRUE(drain(session).empty());
    EXPECT_FALSE(session.has_work());
    for (unsigned turn = 0; turn < test::FakeCluster::kTurnsToAnswer; ++turn) {
        session.work(kMany);
    }
    const auto answers = drain(session);
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0]["id"], 1);
    EXPECT_EQ(answers[0]["data"]["result"], "done");
    EXPECT_FALSE(answers[0].contains("more"));
    EXPECT_EQ(answers[1]["id"], 2);
    EXPECT_FALSE(session.is_waiting());
}

TEST(admin_session, a_client_that_sends_no_more_still_gets_what_takes_time) {
    FakeOperations operations;
    AdminSession session(operations);
    session.receive("{\"command\":[\"cluster\",\"keys\",\"list\"]}");
    session.end_of_input();
    session.work(kMany);
    EXPECT_FALSE(session.finished());
    for (unsigned turn = 0; turn < test::FakeCluster::kTurnsToAnswer; ++turn) {
        session.work(kMany);
    }
    EXPECT_EQ(drain(session).size(), 1U);
    EXPECT_TRUE(session.finished());
}

TEST(admin_session, events_come_as_they_happen_until_the_next_request) {
    FakeOperations operations;
    AdminSession session(operations);
    EXPECT_TRUE(ask(session, "{\"command\":[\"events\"],\"id\":3}\n").empty());
    operations.make_event();
    operations.make_event();
    session.work(kMany);
    const auto events = drain(session);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0]["id"], 3);
    EXPECT_EQ(events[0]["more"], true);
    EXPECT_EQ(events[0]["data"]["event"], "agent attached");
    EXPECT_EQ(operations.events().watchers(), 1U);
    const auto next = ask(session, "{\"command\":[\"show\",\"version\"],\"id\":4}\n");
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(next[0]["id"], 4);
    EXPECT_EQ(operations.events().watchers(), 0U);
}

TEST(admin_session, a_request_sent_together_with_events_ends_them) {
    FakeOperations operations;
    AdminSession session(operations);
    const auto answers = ask(session,
                             "{\"command\":[\"events\"],\"id\":1}\n"
                             "{\"command\":[\"show\",\"version\"],\"id\":2}\n");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["id"], 2);
    EXPECT_FALSE(session.is_waiting());
    EXPECT_EQ(operations.events().watchers(), 0U);
    operations.make_event();
    session.work(kMany);
    EXPECT_TRUE(drain(session).empty());
}

TEST(admin_session, events_end_with_the_connection_or_after_their_count) {
    FakeOperations operations;
    AdminSession session(operations);
    EXPECT_TRUE(ask(session, "{\"command\":[\"events\",\"--count\",\"2\"]}\n").empty());
    operations.make_event();
    operations.make_event();
    operations.make_event();
    session.work(kMany);
    const auto events = drain(session);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0]["more"], true);
    EXPECT_FALSE(events[1].contains("more"));
    EXPECT_TRUE(ask(session, "{\"command\":[\"events\"]}\n").empty());
    session.end_of_input();
    session.work(kMany);
    EXPECT_TRUE(session.finished());
}

TEST(admin_session, a_watcher_that_does_not_read_holds_no_more_than_its_share) {
    FakeOperations operations;
    AdminSession session(operations);
    EXPECT_TRUE(ask(session, "{\"command\":[\"events\"]}\n").empty());
    for (std::size_t i = 0; i < 3 * EventLog::kEventsKept; ++i) {
        operations.make_event();
        session.work(1);
    }
    EXPECT_LT(session.output().size(), kOutputHighBytes + 1'024);
    static_cast<void>(drain(session));
    session.work(1);
    EXPECT_GT(drain(session).at(0)["data"]["lost"], 0);
}

TEST(admin_session, without_a_cluster_its_commands_say_so) {
    FakeOperations operations;
    operations.alone = true;
    AdminSession session(operations);
    for (const char* const line : {"{\"command\":[\"show\",\"peers\"]}\n",
                                   "{\"command\":[\"cluster\",\"check\"]}\n",
                                   "{\"command\":[\"cluster\",\"keys\",\"list\"]}\n"}) {
        const auto answers = ask(session, line);
        ASSERT_EQ(answers.size(), 1U);
        EXPECT_EQ(answers[0]["error"]["message"],
                  "this router is not in a cluster ([cluster] address)");
    }
}

}  // namespace
}  // namespace posthaste::controlplane
