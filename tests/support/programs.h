// SPDX-License-Identifier: BSD-3-Clause
// Programs run by a test: to the end with pipes, or in a terminal of their own.
//
// Every wait is for an event and ends at a deadline of 20 s, as a failure.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace posthaste::test {

struct Finished {
    int status = -1;  // exit status; -1: ended by a signal, or not at all
    std::string out;
    std::string err;
};

// argv[0] is the program; the environment is ours and `environment` ("NAME=value").
[[nodiscard]] Finished run_to_end(const std::vector<std::string>& argv,
                                  const std::string& input = {},
                                  const std::vector<std::string>& environment = {});

class Terminal {
  public:
    Terminal(const std::vector<std::string>& argv, const std::vector<std::string>& environment);
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void type(const std::string& keys) const;
    // Until the screen has shown `text` since the last call; what came up to its end.
    std::string wait_for(const std::string& text);
    // Whether Ctrl-C typed now would be a signal, and not a key the program reads.
    [[nodiscard]] bool ctrl_c_is_a_signal() const;
    // Until the program has ended: its exit status.
    int wait_for_end();

  private:
    [[nodiscard]] bool read_more();

    pid_t pid_ = -1;
    int fd_ = -1;
    std::string screen_;
};

}  // namespace posthaste::test
