// SPDX-License-Identifier: BSD-3-Clause
// EventLoop: the control thread's life, from ready to gone.
//
// Waits at most a millisecond for signals and operators, then lets the Conductor do one cycle.
// SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reloads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "controlplane/admin_socket.h"
#include "controlplane/box.h"
#include "controlplane/conductor.h"
#include "controlplane/live_operations.h"
#include "controlplane/options.h"

namespace posthaste::controlplane {

// Blocks the signals the loop reads, in this thread and those it starts, and holds their
// descriptor.
class SignalSource {
  public:
    SignalSource();
    ~SignalSource();
    SignalSource(const SignalSource&) = delete;
    SignalSource& operator=(const SignalSource&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_; }

    // The next pending signal's number; nullopt: none.
    [[nodiscard]] std::optional<int> next() const noexcept;

  private:
    int fd_ = -1;
};

class EventLoop {
  public:
    [[nodiscard]] static tl::expected<std::unique_ptr<EventLoop>, std::string> open(
        Box& box, const SignalSource& signals, const Options& options, const std::string& socket);
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Until a signal or idleness ends it. Gives the exit code.
    [[nodiscard]] int run();

  private:
    EventLoop(Box& box, const SignalSource& signals, const Options& options);
    void wait(bool busy);
    void watch_table();
    void watch_store();
    void serve_signals();
    void begin_drain(const std::string& why);
    // Nobody waits for us any more: there is no cluster, or it knows that we go.
    [[nodiscard]] bool has_left() const;
    // Nothing received for `idle_ms` and nothing under way.
    [[nodiscard]] bool idle_for(std::uint64_t idle_ms, std::uint64_t now_ms);
    [[nodiscard]] bool finished(std::uint64_t now_ms);
    [[nodiscard]] int close();

    Box& box_;
    const SignalSource& signals_;
    Conductor conductor_;
    LiveOperations operations_;
    std::unique_ptr<AdminSocket> admin_;
    int epoll_fd_ = -1;
    std::optional<std::uint32_t> exit_when_idle_ms_;
    std::uint64_t received_ = 0;        // when last looked at
    std::uint64_t received_at_ms_ = 0;  // when it last changed
    std::optional<std::uint64_t> drain_until_ms_;
    bool stop_now_ = false;
};

}  // namespace posthaste::controlplane
