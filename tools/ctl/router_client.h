// SPDX-License-Identifier: BSD-3-Clause
// RouterClient: one connection to a router's admin socket; asks and waits, up to a time limit.
//
// Connects when first asked, and again if the router has closed the connection since. A request is
// never sent twice: what it does may have been done.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/protocol.h"

namespace posthaste::tools {

using controlplane::Json;

class RouterClient {
  public:
    RouterClient(std::string path, int timeout_ms)
        : path_(std::move(path)), timeout_ms_(timeout_ms) {}

    ~RouterClient();
    RouterClient(const RouterClient&) = delete;
    RouterClient& operator=(const RouterClient&) = delete;

    // The whole answer, ok or not. The error is a sentence saying why there is none: the router
    // cannot be reached, does not answer in time, or what it answers makes no sense.
    [[nodiscard]] tl::expected<Json, std::string> ask(const std::vector<std::string>& words);

  private:
    [[nodiscard]] tl::expected<void, std::string> connect();
    [[nodiscard]] tl::expected<void, std::string> send(std::string_view line, long deadline_ms);
    [[nodiscard]] tl::expected<std::string, std::string> receive(long deadline_ms);
    [[nodiscard]] tl::expected<void, std::string> wait(short events, long deadline_ms) const;
    [[nodiscard]] bool is_stale() const;
    void disconnect();

    std::string path_;
    int timeout_ms_;
    int fd_ = -1;
    std::string input_;
};

}  // namespace posthaste::tools
