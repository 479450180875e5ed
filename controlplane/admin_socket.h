// SPDX-License-Identifier: BSD-3-Clause
// AdminSocket: the Unix socket operators and programs talk to. Control thread; never blocks.
//
// Its epoll descriptor is to be watched by the owner's loop (EPOLLIN, level triggered) and means:
// call poll(). Bounded: connections, requests served per call, and the buffers of a connection
// (controlplane/admin_session.h). A peer that reads nothing for stall_ms while an answer waits is
// disconnected; one connection too many is told so and closed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/admin_session.h"
#include "controlplane/operations.h"

namespace posthaste::controlplane {

struct AdminSocketOptions {
    std::string path;
    unsigned connections_max = 16;
    std::uint32_t stall_ms = 5'000;
};

class AdminSocket {
  public:
    // Creates the socket (mode 0660); a dead one of that name is replaced, anything else there is
    // an error. `operations` must outlive it.
    [[nodiscard]] static tl::expected<std::unique_ptr<AdminSocket>, std::string> open(
        const AdminSocketOptions& options, Operations& operations);
    // Closes everything and removes the socket file, if it is still ours.
    ~AdminSocket();
    AdminSocket(const AdminSocket&) = delete;
    AdminSocket& operator=(const AdminSocket&) = delete;

    [[nodiscard]] int epoll_fd() const noexcept { return epoll_fd_; }

    // Serves what is ready, a bounded share of it. Call when epoll_fd() is readable, and at least
    // every second for the time limits; every turn while has_ongoing(). `now_ms` is monotonic.
    void poll(std::uint64_t now_ms);
    // Some command goes on.
    [[nodiscard]] bool has_ongoing() const noexcept;

    [[nodiscard]] unsigned connections() const noexcept { return count_; }

  private:
    struct Connection {
        Connection(int descriptor, Operations& operations) : fd(descriptor), session(operations) {}

        int fd;
        AdminSession session;
        std::uint64_t progress_ms = 0;  // when output last moved, or began to wait
        std::uint32_t interest = 0;     // epoll events asked for
    };

    AdminSocket(AdminSocketOptions options, Operations& operations);
    [[nodiscard]] tl::expected<void, std::string> listen();
    [[nodiscard]] tl::expected<void, std::string> remove_dead_socket() const;
    void accept_all(std::uint64_t now_ms);
    void admit(int fd, std::uint64_t now_ms);
    void hang_up(std::size_t slot);
    void serve(std::size_t slot, std::uint64_t now_ms);
    [[nodiscard]] bool receive(Connection& connection);
    [[nodiscard]] bool send(Connection& connection, std::uint64_t now_ms);
    void watch(std::size_t slot);
    void close(std::size_t slot);
    void set_listening(bool on);

    AdminSocketOptions options_;
    Operations& operations_;
    int epoll_fd_ = -1;
    int listen_fd_ = -1;
    dev_t device_ = 0;  // of the socket file
    ino_t inode_ = 0;
    bool listening_ = false;
    std::uint64_t resume_ms_ = 0;  // after descriptors ran out
    unsigned count_ = 0;
    std::vector<std::unique_ptr<Connection>> slots_;
};

}  // namespace posthaste::controlplane
