// SPDX-License-Identifier: BSD-3-Clause
// LogLines with a clock of the test's own.
#include "controlplane/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

namespace {

using namespace posthaste::controlplane;
using namespace std::chrono_literals;

constexpr LogLines::Time kStart{std::chrono::seconds{1'700'000'000}};  // 2023-11-14T22:13:20Z

class log_lines : public ::testing::Test {
  protected:
    // What is written for one line at a time after the start.
    std::string add(LogLevel level,
                    std::string_view text,
                    std::chrono::milliseconds at = 0ms,
                    std::string_view site = {}) {
        std::string out;
        lines_.add(level, site, text, kStart + at, out);
        return out;
    }

    std::string flush(std::chrono::milliseconds at) {
        std::string out;
        lines_.flush(kStart + at, out);
        return out;
    }

    LogLines lines_{LogLevel::info,
                    LogStyle::journal,
                    {.window = 10'000ms, .distinct_max = 3, .lines_per_second = 10, .burst = 5}};
};

TEST_F(log_lines, the_journal_gets_a_priority_and_no_time) {
    lines_.set_level(LogLevel::debug);
    EXPECT_EQ(add(LogLevel::error, "e"), "<3>e\n");
    EXPECT_EQ(add(LogLevel::warning, "w"), "<4>w\n");
    EXPECT_EQ(add(LogLevel::notice, "n"), "<5>n\n");
    EXPECT_EQ(add(LogLevel::info, "i"), "<6>i\n");
    EXPECT_EQ(add(LogLevel::debug, "d"), "<7>d\n");
}

TEST_F(log_lines, elsewhere_time_and_level_stand_first) {
    LogLines plain(LogLevel::info, LogStyle::plain);
    std::string out;
    plain.add(LogLevel::warning, {}, "link down", kStart + 7ms, out);
    EXPECT_EQ(out, "2023-11-14T22:13:20.007Z warning link down\n");
}

TEST_F(log_lines, less_important_lines_are_left_out_and_the_level_may_change) {
    EXPECT_EQ(add(LogLevel::debug, "d"), "");
    EXPECT_TRUE(lines_.entries().empty());
    lines_.set_level(LogLevel::debug);
    EXPECT_EQ(add(LogLevel::debug, "d"), "<7>d\n");
    lines_.set_level(LogLevel::error);
    EXPECT_EQ(add(LogLevel::warning, "w"), "");
}

TEST_F(log_lines, repeats_are_counted_and_summed_up_when_the_window_ends) {
    EXPECT_EQ(add(LogLevel::error, "no buffer"), "<3>no buffer\n");
    EXPECT_EQ(add(LogLevel::error, "no buffer", 1s), "");
    EXPECT_EQ(add(LogLevel::error, "no buffer", 2s), "");
    EXPECT_EQ(flush(9'999ms), "");
    EXPECT_EQ(flush(10s), "<3>no buffer (repeated 2 times in 10 s)\n");
    EXPECT_EQ(flush(30s), "");
}

TEST_F(log_lines, a_steady_repeat_is_one_line_a_window) {
    std::string out;
    for (auto at = 0ms; at < 40s; at += 100ms) {
        out += add(LogLevel::error, "again", at);
    }
    EXPECT_EQ(out,
              "<3>again\n"
              "<3>again (repeated 99 times in 10 s)\n"
              "<3>again (repeated 100 times in 10 s)\n"
              "<3>again (repeated 100 times in 10 s)\n");
}

TEST_F(log_lines, a_line_after_a_quiet_window_is_written_at_once) {
    add(LogLevel::error, "again");
    EXPECT_EQ(add(LogLevel::error, "again", 11s), "<3>again\n");
}

TEST_F(log_lines, the_same_text_of_another_level_is_another_line) {
    add(LogLevel::error, "text");
    EXPECT_EQ(add(LogLevel::warning, "text"), "<4>text\n");
}

TEST_F(log_lines, texts_of_one_site_count_as_the_same) {
    EXPECT_EQ(add(LogLevel::error, "drop 1", 0s, "drop"), "<3>drop 1\n");
    EXPECT_EQ(add(LogLevel::error, "drop 2", 1s, "drop"), "");
    EXPECT_EQ(flush(10s), "<3>drop 2 (repeated 1 time in 10 s)\n");
}

TEST_F(log_lines, memory_is_bounded_and_nothing_is_lost_with_the_oldest) {
    for (const std::string_view text : {"a", "b", "c"}) {
        add(LogLevel::error, text);
    }
    add(LogLevel::error, "a", 1s);
    add(LogLevel::error, "a", 2s);
    add(LogLevel::error, "b", 3s);
    add(LogLevel::error, "c", 4s);
    EXPECT_EQ(add(LogLevel::error, "d", 5s), "<3>a (repeated 2 times in 5 s)\n<3>d\n");
    EXPECT_EQ(lines_.entries().size(), 3U);
}

TEST_F(log_lines, a_flood_of_different_lines_is_cut_and_told) {
    std::string out;
    for (int i = 0; i < 100; ++i) {
        out += add(LogLevel::error, "line " + std::to_string(i));
    }
    EXPECT_EQ(out, "<3>line 0\n<3>line 1\n<3>line 2\n<3>line 3\n<3>line 4\n");
    EXPECT_EQ(add(LogLevel::error, "later", 100ms),
              "<4>95 log lines left out: too many in a second\n<3>later\n");
}

TEST_F(log_lines, at_the_end_everything_held_back_is_written) {
    add(LogLevel::error, "a");
    add(LogLevel::error, "a", 1s);
    std::string out;
    lines_.flush_all(kStart + 2s, out);
    EXPECT_EQ(out, "<3>a (repeated 1 time in 2 s)\n");
}

TEST_F(log_lines, names_of_strangers_cannot_move_the_cursor_or_fake_a_line) {
    EXPECT_EQ(add(LogLevel::info, "agent \x1b[2J\r\x07 came\n"), "<6>agent ?[2J?? came\n");
    EXPECT_EQ(add(LogLevel::info, "one\ntwo"), "<6>one\n<6>two\n");
}

TEST_F(log_lines, a_clock_set_back_hides_nothing) {
    add(LogLevel::error, "a", 60s);
    EXPECT_EQ(add(LogLevel::error, "a", 1s), "<3>a\n");
    EXPECT_EQ(add(LogLevel::error, "b", 0s), "<3>b\n");
}

TEST_F(log_lines, entries_tell_how_often_and_when) {
    add(LogLevel::error, "a");
    add(LogLevel::error, "a", 3s);
    const std::vector<LogEntry> entries = lines_.entries();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].count, 2U);
    EXPECT_EQ(entries[0].first, kStart);
    EXPECT_EQ(entries[0].last, kStart + 3s);
}

TEST(log_style, stderr_is_the_journal_only_when_its_name_fits) {
    ::unsetenv("JOURNAL_STREAM");
    EXPECT_EQ(log_style_of_stderr(), LogStyle::plain);
    ::setenv("JOURNAL_STREAM", "1:1", 1);
    EXPECT_EQ(log_style_of_stderr(), LogStyle::plain);
    ::setenv("JOURNAL_STREAM", "nonsense", 1);
    EXPECT_EQ(log_style_of_stderr(), LogStyle::plain);

    struct stat status {};

    ASSERT_EQ(::fstat(2, &status), 0);
    const std::string name = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
    ::setenv("JOURNAL_STREAM", name.c_str(), 1);
    EXPECT_EQ(log_style_of_stderr(), LogStyle::journal);
    ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
