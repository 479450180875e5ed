// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/testpmd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <vector>

namespace posthaste::tools {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{20'000};  // for anything it is to say
constexpr milliseconds kFilling{100};      // many times all mbufs
constexpr milliseconds kWarming{100};
constexpr std::string_view kPrompt = "testpmd> ";

// A child with a pipe to its standard input and its outputs on a terminal, so that it says things
// when they happen; killed at the latest in the end.
class Session {
  public:
    explicit Session(std::vector<std::string> words) {
        int in[2];
        out_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (out_ < 0 || grantpt(out_) != 0 || unlockpt(out_) != 0 || pipe2(in, O_CLOEXEC) != 0) {
            return;
        }
        const int terminal = ::open(ptsname(out_), O_RDWR | O_NOCTTY | O_CLOEXEC);
        std::vector<char*> argv;
        for (std::string& word : words) {
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        pid_ = fork();
        if (pid_ == 0) {
            dup2(in[0], STDIN_FILENO);
            dup2(terminal, STDOUT_FILENO);
            dup2(terminal, STDERR_FILENO);
            execv(argv[0], argv.data());
            _exit(127);
        }
        ::close(in[0]);
        ::close(terminal);
        in_ = in[1];
    }

    ~Session() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        ::close(in_);
        ::close(out_);
    }

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Reads until `end` comes after what was read before; false: it ended, or took too long.
    bool read_until(std::string_view end) {
        const auto deadline = Clock::now() + kPatience;
        while (output_.find(end, seen_) == std::string::npos) {
            if (!read_some(deadline)) {
                return false;
            }
        }
        seen_ = output_.find(end, seen_) + end.size();
        return true;
    }

    // Reads for so long; false: it ended.
    bool read_for(milliseconds length) {
        const auto deadline = Clock::now() + length;
        while (Clock::now() < deadline) {
            if (!read_some(deadline) && ended_) {
                return false;
            }
        }
        return true;
    }

    // Gives a command and awaits the prompt after it.
    bool command(const std::string& words) {
        const std::string line = words + "\n";
        return ::write(in_, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
               read_until(kPrompt);
    }

    // Its own way out, so that its files and pages are gone; waits for it.
    void quit() {
        constexpr std::string_view kQuit = "quit\n";
        if (::write(in_, kQuit.data(), kQuit.size()) > 0) {
            const auto deadline = Clock::now() + kPatience;
            while (read_some(deadline)) {
            }
        }
    }

    [[nodiscard]] const std::string& output() const { return output_; }

  private:
    bool read_some(Clock::time_point deadline) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        pollfd at{out_, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&at, 1, static_cast<int>(left.count())) <= 0) {
            return false;
        }
        char text[4096];
        const ssize_t got = ::read(out_, text, sizeof text);
        ended_ = got <= 0;
        output_.append(text, ended_ ? 0 : static_cast<std::size_t>(got));
        return !ended_;
    }

    pid_t pid_ = -1;
    int in_ = -1;
    int out_ = -1;
    std::string output_;
    std::size_t seen_ = 0;
    bool ended_ = false;
};

std::vector<std::string> words_of(const TestpmdOptions& options) {
    const std::string size = ",size=" + std::to_string(options.frame_bytes);
    const std::string core = std::to_string(options.core);
    const std::string other = std::to_string(options.other_core);
    std::vector<std::string> words = {options.program,
                                      "--no-pci",
                                      "--no-telemetry",
                                      "--file-prefix",
                                      "posthaste-bench-testpmd-" + std::to_string(getpid()),
                                      "--lcores",
                                      "0@" + other + ",1@" + core,
                                      "--vdev",
                                      "net_null0" + size,
                                      "--vdev",
                                      "net_null1" + size};
    if (options.hugepages) {
        words.push_back("--in-memory");
    } else {
        words.insert(words.end(), {"--no-huge", "--no-shconf", "-m", "128"});
    }
    words.insert(
        words.end(),
        {"--", "-i", "--nb-cores=1", "--burst=64", "--total-num-mbufs=8191", "--no-lsc-interrupt"});
    return words;
}

std::string end_of(const std::string& output) {
    constexpr std::size_t kEnough = 300;
    return output.size() > kEnough ? output.substr(output.size() - kEnough) : output;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return access(name.c_str(), X_OK) == 0 ? std::optional(name) : std::nullopt;
    }
    const char* const given = std::getenv("PATH");
    std::string path = given == nullptr ? "" : given;
    path += ":/usr/local/bin:/usr/bin:";
    for (std::size_t from = 0; from < path.size();) {
        const std::size_t to = path.find(':', from);
        const std::string candidate = path.substr(from, to - from) + "/" + name;
        if (access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
        from = to + 1;
    }
    return std::nullopt;
}

std::optional<double> frames_per_second(std::string_view output) {
    constexpr std::string_view kFigure = "Rx-pps:";
    constexpr std::string_view kPort = "NIC statistics for port ";
    double sum = 0;
    bool any = false;
    std::size_t from = output.rfind(std::string(kPort) + "0");
    if (from == std::string_view::npos) {
        return std::nullopt;
    }
    while ((from = output.find(kFigure, from)) != std::string_view::npos) {
        from += kFigure.size();
        sum += std::strtod(std::string(output.substr(from, 32)).c_str(), nullptr);
        any = true;
    }
    return any ? std::optional(sum) : std::nullopt;
}

tl::expected<double, std::string> run_testpmd(const TestpmdOptions& options,
                                              std::string_view mode) {
    Session session(words_of(options));
    const auto length = milliseconds(static_cast<std::int64_t>(options.seconds * 1e3));
    // The first figures shown are since its start, the second since the first.
    const bool done = session.read_until(kPrompt) && session.command("set fwd txonly") &&
                      session.command("set txpkts " + std::to_string(options.frame_bytes)) &&
                      session.command("start") && session.read_for(kFilling) &&
                      session.command("stop") && session.command("set fwd " + std::string(mode)) &&
                      session.command("start") && session.read_for(kWarming) &&
                      session.command("show port stats all") && session.read_for(length) &&
                      session.command("show port stats all") && session.command("stop");
    if (!done) {
        return tl::unexpected("dpdk-testpmd did not do as told; it said last: " +
                              end_of(session.output()));
    }
    session.quit();
    const auto frames = frames_per_second(session.output());
    if (!frames.has_value() || *frames <= 0) {
        return tl::unexpected("dpdk-testpmd told no rate: " + end_of(session.output()));
    }
    return *frames;
}

}  // namespace posthaste::tools
