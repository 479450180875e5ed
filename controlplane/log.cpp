// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kTextBytesMax = 8'192;
constexpr std::array<char, 5> kJournalPriority = {'3', '4', '5', '6', '7'};

// Texts may carry names that strangers chose: no byte of them may move a terminal's cursor or
// begin a line of its own. Newlines of ours are kept, write() gives each line its prefix.
std::string printable(std::string_view text) {
    std::string result(text.substr(0, kTextBytesMax));
    for (char& c : result) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n') || byte == 0x7f) {
            c = '?';
        }
    }
    while (!result.empty() && result.back() == '\n') {
        result.pop_back();
    }
    return result;
}

std::string timestamp(LogLines::Time now) {
    using namespace std::chrono;
    const auto ms = floor<milliseconds>(now.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(ms / 1000 - (ms % 1000 < 0 ? 1 : 0));
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 32> date{};
    std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 48> all{};
    std::snprintf(all.data(),
                  all.size(),
                  "%s.%03dZ",
                  date.data(),
                  static_cast<int>(((ms % 1000) + 1000) % 1000));
    return all.data();
}

std::string seconds_text(LogLines::Time::duration span) {
    const auto seconds = std::chrono::round<std::chrono::seconds>(span).count();
    return std::to_string(std::max<long long>(seconds, 1)) + " s";
}

}  // namespace

LogLines::LogLines(LogLevel level, LogStyle style, LogLimits limits)
    : level_(level), style_(style), limits_(limits), tokens_(limits.burst) {}

void LogLines::add(
    LogLevel level, std::string_view site, std::string_view text, Time now, std::string& out) {
    if (level > level_) {
        return;
    }
    flush(now, out);
    const std::string clean = printable(text);
    const std::string_view key = site.empty() ? std::string_view(clean) : site;
    const auto found = std::find_if(lines_.begin(), lines_.end(), [&](const Line& line) {
        return line.entry.level == level && line.site == key;
    });
    if (found != lines_.end()) {
        ++found->entry.count;
        found->entry.text = clean;
        found->entry.last = now;
        // A clock set back ends the window too, else the line could stay unseen for hours.
        if (now - found->window_start < limits_.window && now >= found->window_start) {
            ++found->repeats;
        } else {
            found->window_start = now;
            write(level, clean, now, out);
        }
        std::rotate(found, found + 1, lines_.end());
        return;
    }
    if (lines_.size() >= limits_.distinct_max) {
        summarise(lines_.front(), now, out);
        lines_.erase(lines_.begin());
    }
    Line& line = lines_.emplace_back();
    line.entry = {level, clean, 1, now, now};
    line.site = key;
    line.window_start = now;
    write(level, clean, now, out);
}

void LogLines::flush(Time now, std::string& out) {
    for (Line& line : lines_) {
        if (line.repeats > 0 && now - line.window_start >= limits_.window) {
            summarise(line, now, out);
        }
    }
}

void LogLines::flush_all(Time now, std::string& out) {
    for (Line& line : lines_) {
        summarise(line, now, out);
    }
    tell_suppressed(now, out);
}

std::vector<LogEntry> LogLines::entries() const {
    std::vector<LogEntry> result;
    result.reserve(lines_.size());
    for (const Line& line : lines_) {
        result.push_back(line.entry);
    }
    return result;
}

void LogLines::write(LogLevel level, std::string_view text, Time now, std::string& out) {
    if (!take_token(now)) {
        ++suppressed_;
        return;
    }
    tell_suppressed(now, out);
    emit(level, text, now, out);
}

void LogLines::tell_suppressed(Time now, std::string& out) {
    if (suppressed_ > 0) {
        emit(LogLevel::warning,
             std::to_string(suppressed_) + " log lines left out: too many in a second",
             now,
             out);
        suppressed_ = 0;
    }
}

void LogLines::emit(LogLevel level, std::string_view text, Time now, std::string& out) const {
    std::string prefix;
    if (style_ == LogStyle::journal) {
        prefix = {'<', kJournalPriority[static_cast<std::size_t>(level)], '>'};
    } else {
        prefix = timestamp(now) + " " + std::string(to_text(level)) + " ";
    }
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        out.append(prefix).append(text.substr(start, end - start)).append("\n");
        start = end + 1;
    }
}

// Starts the next window; the line's next repeat is counted in it.
void LogLines::summarise(Line& line, Time now, std::string& out) {
    if (line.repeats == 0) {
        return;
    }
    const std::string text = line.entry.text + " (repeated " + std::to_string(line.repeats) +
                             (line.repeats == 1 ? " time in " : " times in ") +
                             seconds_text(now - line.window_start) + ")";
    line.repeats = 0;
    line.window_start = now;
    write(line.entry.level, text, now, out);
}

bool LogLines::take_token(Time now) {
    if (now > refilled_ && refilled_ != Time{}) {
        const std::chrono::duration<double> passed = now - refilled_;
        tokens_ =
            std::min<double>(limits_.burst, tokens_ + passed.count() * limits_.lines_per_second);
    }
    refilled_ = now;
    if (tokens_ < 1.0) {
        return false;
    }
    tokens_ -= 1.0;
    return true;
}

LogStyle log_style_of_stderr() {
    const char* stream = std::getenv("JOURNAL_STREAM");

    struct stat status {};

    if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) {
        return LogStyle::plain;
    }
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    const bool read = std::sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2;
    return read && device == status.st_dev && inode == status.st_ino ? LogStyle::journal
                                                                     : LogStyle::plain;
}

namespace {

struct ProcessLog {
    std::mutex mutex;  // over lines and over the write, so that lines come in order
    LogLines lines{LogLevel::info, log_style_of_stderr()};
};

ProcessLog& process_log() {
    static ProcessLog log;
    return log;
}

// A log that cannot be written has nobody left to tell; the rest of it is dropped.
void write_out(const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t written = ::write(STDERR_FILENO, text.data() + done, text.size() - done);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return;
        }
        done += static_cast<std::size_t>(written);
    }
}

template <typename Change>
void change_and_write(Change change) {
    ProcessLog& log = process_log();
    const std::scoped_lock lock(log.mutex);
    std::string out;
    change(log.lines, std::chrono::system_clock::now(), out);
    write_out(out);
}

}  // namespace

void set_log_level(LogLevel level) {
    ProcessLog& log = process_log();
    const std::scoped_lock lock(log.mutex);
    log.lines.set_level(level);
}

LogLevel log_level() {
    ProcessLog& log = process_log();
    const std::scoped_lock lock(log.mutex);
    return log.lines.level();
}

void log_at(LogLevel level, std::string_view site, std::string_view text) {
    change_and_write([&](LogLines& lines, LogLines::Time now, std::string& out) {
        lines.add(level, site, text, now, out);
    });
}

void log_error(std::string_view text) {
    log_at(LogLevel::error, {}, text);
}

void log_warning(std::string_view text) {
    log_at(LogLevel::warning, {}, text);
}

void log_notice(std::string_view text) {
    log_at(LogLevel::notice, {}, text);
}

void log_info(std::string_view text) {
    log_at(LogLevel::info, {}, text);
}

void log_debug(std::string_view text) {
    log_at(LogLevel::debug, {}, text);
}

void log_flush() {
    change_and_write(
        [](LogLines& lines, LogLines::Time now, std::string& out) { lines.flush(now, out); });
}

void log_flush_all() {
    change_and_write(
        [](LogLines& lines, LogLines::Time now, std::string& out) { lines.flush_all(now, out); });
}

std::vector<LogEntry> log_entries() {
    ProcessLog& log = process_log();
    const std::scoped_lock lock(log.mutex);
    return log.lines.entries();
}

}  // namespace posthaste::controlplane
