// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/admin_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>

namespace posthaste::test {

AdminServer::AdminServer(const std::string& path, std::uint64_t agents, unsigned connections_max)
    : operations_(agents), stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
    auto socket = controlplane::AdminSocket::open(
        {.path = path, .connections_max = connections_max, .stall_ms = 5'000}, operations_);
    EXPECT_TRUE(socket.has_value()) << socket.error();
    if (socket) {
        socket_ = std::move(*socket);
        thread_ = std::thread([this] { run(); });
    }
}

AdminServer::~AdminServer() {
    ::eventfd_write(stop_fd_, 1);
    if (thread_.joinable()) {
        thread_.join();
    }
    ::close(stop_fd_);
}

void AdminServer::run() {
    pollfd wanted[2] = {{socket_->epoll_fd(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    while (::poll(wanted, 2, socket_->has_ongoing() ? 1 : 1'000) >= 0 && wanted[1].revents == 0) {
        if (socket_->has_ongoing()) {
            operations_.make_event();
        }
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        socket_->poll(static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
    }
}

}  // namespace posthaste::test
