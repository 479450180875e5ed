// SPDX-License-Identifier: BSD-3-Clause
// A program run by a test, killed without warning at the latest when the test ends.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

namespace posthaste::support {

class ChildProcess {
  public:
    explicit ChildProcess(std::vector<std::string> words) {
        std::vector<char*> arguments;
        for (std::string& word : words) {
            arguments.push_back(word.data());
        }
        arguments.push_back(nullptr);
        int input[2];
        if (pipe2(input, O_CLOEXEC) != 0) {
            return;
        }
        pid_ = fork();
        if (pid_ == 0) {
            dup2(input[0], STDIN_FILENO);
            execv(arguments[0], arguments.data());
            _exit(127);
        }
        ::close(input[0]);
        input_ = input[1];
    }

    ~ChildProcess() {
        kill_hard();
        if (input_ >= 0) {
            ::close(input_);
        }
    }

    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    // SIGKILL, and waits until the process is gone.
    void kill_hard() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
    }

    [[nodiscard]] bool running() {
        if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = -1;
        }
        return pid_ > 0;
    }

  private:
    pid_t pid_ = -1;
    int input_ = -1;
};

}  // namespace posthaste::support
