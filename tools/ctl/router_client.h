// SPDX-License-Identifier: BSD-3-Clause
// RouterClient: one connection to a router's admin socket; asks and waits, up to a time limit.
//
// Connects when first asked, and again if the router has closed the connection since. A request is
// never sent twice: what it does may have been done.
#pragma once

#include <optional>
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
    // Waits for it as long as the time limit, or `patience_ms` instead; negative: for ever.
    [[nodiscard]] tl::expected<Json, std::string> ask(const std::vector<std::string>& words,
                                                      std::optional<int> patience_ms = {});
    // The next answer to the same request, after one with "more". Waits for ever.
    [[nodiscard]] tl::expected<Json, std::string> ask_on();

  private:
    [[nodiscard]] tl::expected<void, std::string> connect();
    [[nodiscard]] tl::expected<void, std::string> send(std::string_view line, long deadline_ms);
    [[nodiscard]] tl::expected<std::string, std::string> receive(long deadline_ms);
    [[nodiscard]] tl::expected<void, std::string> wait(short events, long deadline_ms) const;
    [[nodiscard]] tl::expected<Json, std::string> read_answer(long deadline_ms);
    [[nodiscard]] bool is_stale() const;
    void disconnect();

    std::string path_;
    int timeout_ms_;
    int waits_ms_ = 0;  // for the answer at present
    int fd_ = -1;
    std::string input_;
};

}  // namespace posthaste::tools
