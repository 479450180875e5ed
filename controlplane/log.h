// SPDX-License-Identifier: BSD-3-Clause
// The log: lines to stderr, or to the journal when stderr leads there.
//
// For control-plane threads only; an lcore never logs, it counts. Repeats of a line are counted
// and summed up in one line, and the whole is bounded per second, so that an error in a loop can
// neither fill a disk nor hide the others. LogLines is the pure part: time goes in, text comes
// out. The free functions below feed the one log of the process and may be called by any
// control-plane thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/config.h"

namespace posthaste::controlplane {

enum class LogStyle : std::uint8_t {
    plain,    // 2024-05-01T12:00:00.250Z warning TEXT
    journal,  // <4>TEXT: systemd reads the priority and adds the time itself
};

struct LogLimits {
    std::chrono::milliseconds window{10'000};  // repeats within it are summed up in one line
    std::size_t distinct_max = 128;            // lines remembered at one time
    unsigned lines_per_second = 100;           // written, of all lines together
    unsigned burst = 400;
};

// One line that was logged, with how often and when: what `show log` prints.
struct LogEntry {
    LogLevel level;
    std::string text;  // as last seen
    std::uint64_t count;
    std::chrono::system_clock::time_point first;
    std::chrono::system_clock::time_point last;
};

class LogLines {
  public:
    using Time = std::chrono::system_clock::time_point;

    LogLines(LogLevel level, LogStyle style, LogLimits limits = {});

    // Appends to `out` what is to be written now: nothing, the line, or the line and summaries
    // that became due. `site` tells which messages count as the same; empty: the text does.
    void add(
        LogLevel level, std::string_view site, std::string_view text, Time now, std::string& out);
    // Appends the summaries whose window has ended.
    void flush(Time now, std::string& out);
    // Appends every summary not yet written, whether its window has ended or not.
    void flush_all(Time now, std::string& out);

    void set_level(LogLevel level) { level_ = level; }

    [[nodiscard]] LogLevel level() const { return level_; }

    // Newest last.
    [[nodiscard]] std::vector<LogEntry> entries() const;

  private:
    struct Line {
        LogEntry entry;
        std::string site;
        Time window_start;
        std::uint64_t repeats = 0;  // since window_start, not written
    };

    void write(LogLevel level, std::string_view text, Time now, std::string& out);
    void emit(LogLevel level, std::string_view text, Time now, std::string& out) const;
    void tell_suppressed(Time now, std::string& out);
    void summarise(Line& line, Time now, std::string& out);
    [[nodiscard]] bool take_token(Time now);

    LogLevel level_;
    LogStyle style_;
    LogLimits limits_;
    std::vector<Line> lines_;  // in order of their last use, at most distinct_max
    double tokens_;
    Time refilled_{};
    std::uint64_t suppressed_ = 0;  // lines the rate limit held back, not yet told
};

// Whether stderr is a socket of the journal: JOURNAL_STREAM names its device and inode.
[[nodiscard]] LogStyle log_style_of_stderr();

void set_log_level(LogLevel level);
[[nodiscard]] LogLevel log_level();

void log_error(std::string_view text);
void log_warning(std::string_view text);
void log_notice(std::string_view text);
void log_info(std::string_view text);
void log_debug(std::string_view text);
// All messages of one site count as the same: for texts with numbers or names in them.
void log_at(LogLevel level, std::string_view site, std::string_view text);
// Writes summaries that are due; the control loop calls it about once a second.
void log_flush();
// Before the process ends: everything that is still held back.
void log_flush_all();
[[nodiscard]] std::vector<LogEntry> log_entries();

}  // namespace posthaste::controlplane
