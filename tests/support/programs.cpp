// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/programs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace posthaste::test {

namespace {

constexpr int kDeadlineMs = 20'000;

// What execve() wants; made before fork(), after which a process with threads may not allocate.
class Image {
  public:
    Image(const std::vector<std::string>& argv, const std::vector<std::string>& environment)
        : texts_(argv) {
        texts_.insert(texts_.end(), environment.begin(), environment.end());
        for (char** setting = environ; *setting != nullptr; ++setting) {
            texts_.emplace_back(*setting);  // of two of one name the first counts
        }
        for (std::size_t i = 0; i < texts_.size(); ++i) {
            (i < argv.size() ? argv_ : environment_).push_back(texts_[i].data());
        }
        argv_.push_back(nullptr);
        environment_.push_back(nullptr);
    }

    [[noreturn]] void run() const {
        ::execve(argv_[0], argv_.data(), environment_.data());
        ::_exit(127);
    }

  private:
    std::vector<std::string> texts_;
    std::vector<char*> argv_;
    std::vector<char*> environment_;
};

// Closes both ends of what it still has.
struct Pipe {
    Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }

    ~Pipe() {
        close(0);
        close(1);
    }

    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    void close(std::size_t end) {
        if (ends[end] >= 0) {
            ::close(ends[end]);
        }
        ends[end] = -1;
    }

    std::array<int, 2> ends{-1, -1};
};

int exit_status(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return -1;
    }
    return WEXITSTATUS(status);
}

// False: the end, or nothing within the deadline.
bool read_some(int fd, std::string& text) {
    std::array<char, 4096> buffer;
    pollfd wanted{fd, POLLIN, 0};
    if (::poll(&wanted, 1, kDeadlineMs) <= 0) {
        return false;
    }
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return got > 0;
}

}  // namespace

Finished run_to_end(const std::vector<std::string>& argv,
                    const std::string& input,
                    const std::vector<std::string>& environment) {
    Pipe in;
    Pipe out;
    Pipe err;
    const Image image(argv, environment);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(in.ends[0], STDIN_FILENO);
        ::dup2(out.ends[1], STDOUT_FILENO);
        ::dup2(err.ends[1], STDERR_FILENO);
        image.run();
    }
    EXPECT_GT(pid, 0);
    in.close(0);
    out.close(1);
    err.close(1);
    // Inputs of tests fit into the pipe's buffer.
    EXPECT_EQ(::write(in.ends[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
    in.close(1);
    Finished finished;
    while (out.ends[0] >= 0 || err.ends[0] >= 0) {
        pollfd wanted[2] = {{out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}};
        if (::poll(wanted, 2, kDeadlineMs) <= 0) {
            ADD_FAILURE() << argv[0] << " does not end";
            ::kill(pid, SIGKILL);
            break;
        }
        if (wanted[0].revents != 0 && !read_some(out.ends[0], finished.out)) {
            out.close(0);
        }
        if (wanted[1].revents != 0 && !read_some(err.ends[0], finished.err)) {
            err.close(0);
        }
    }
    finished.status = exit_status(pid);
    return finished;
}

Terminal::Terminal(const std::vector<std::string>& argv,
                   const std::vector<std::string>& environment) {
    winsize size{};
    size.ws_row = 40;
    size.ws_col = 200;
    const Image image(argv, environment);
    pid_ = ::forkpty(&fd_, nullptr, nullptr, &size);
    if (pid_ == 0) {
        image.run();
    }
    EXPECT_GT(pid_, 0);
}

Terminal::~Terminal() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        (void)exit_status(pid_);
    }
    ::close(fd_);
}

void Terminal::type(const std::string& keys) const {
    EXPECT_EQ(::write(fd_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

std::string Terminal::wait_for(const std::string& text) {
    while (screen_.find(text) == std::string::npos) {
        if (!read_more()) {
            ADD_FAILURE() << "'" << text << "' never came; the screen shows:\n" << screen_;
            return {};
        }
    }
    const std::size_t end = screen_.find(text) + text.size();
    std::string shown = screen_.substr(0, end);
    screen_.erase(0, end);
    return shown;
}

bool Terminal::ctrl_c_is_a_signal() const {
    termios modes{};
    EXPECT_EQ(::tcgetattr(fd_, &modes), 0);
    return (modes.c_lflag & ISIG) != 0;
}

int Terminal::wait_for_end() {
    while (read_more()) {
    }
    // At the end the terminal is hung up; after the deadline it is silent.
    pollfd hung_up{fd_, POLLIN, 0};
    if (::poll(&hung_up, 1, 0) == 0) {
        ADD_FAILURE() << "the program does not end; the screen shows:\n" << screen_;
        ::kill(pid_, SIGKILL);
    }
    const int status = exit_status(pid_);
    pid_ = -1;
    return status;
}

bool Terminal::read_more() {
    return read_some(fd_, screen_);
}

}  // namespace posthaste::test
