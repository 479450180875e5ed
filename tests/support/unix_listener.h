// SPDX-License-Identifier: BSD-3-Clause
// A Unix socket bound to a path, listening or as a dead process leaves it behind.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

namespace posthaste::support {

class UnixListener {
  public:
    explicit UnixListener(const std::string& path, int type = SOCK_STREAM)
        : fd_(socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        EXPECT_EQ(listen(fd_, 1), 0);
    }

    ~UnixListener() { die(); }

    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;

    // As the kernel does for a killed process: the descriptor goes, the file stays.
    void die() {
        if (fd_ >= 0) {
            ::close(fd_);
            fd_ = -1;
        }
    }

    [[nodiscard]] bool has_caller() const {
        const int caller = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (caller >= 0) {
            ::close(caller);
        }
        return caller >= 0;
    }

    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

}  // namespace posthaste::support
