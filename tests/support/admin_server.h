// SPDX-License-Identifier: BSD-3-Clause
// AdminServer: an AdminSocket over a FakeOperations in a thread of its own, as a router runs it.
//
// While a command goes on, things happen all the time.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "controlplane/admin_socket.h"
#include "tests/support/fake_operations.h"

namespace posthaste::test {

class AdminServer {
  public:
    // Listens when it returns.
    AdminServer(const std::string& path, std::uint64_t agents, unsigned connections_max = 16);
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

  private:
    void run();

    FakeOperations operations_;
    std::unique_ptr<controlplane::AdminSocket> socket_;
    int stop_fd_;
    std::thread thread_;
};

}  // namespace posthaste::test
