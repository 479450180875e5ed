// SPDX-License-Identifier: BSD-3-Clause
// Reconnect: when a port whose peer went away is paused, restarted and put to use again.
//
// A pure state machine for one port; the control thread owns it and does what it asks. Time is an
// argument. A port is only restarted after the lcores have let go of it: the machine asks for
// `pause`, the caller publishes a World without the port and says paused() after the grace period.
#pragma once

#include <cstdint>

namespace posthaste::dataplane {

enum class ReconnectStep : std::uint8_t {
    nothing,
    pause,    // publish the port as not up; then paused()
    restart,  // Port::stop() and Port::start(); then restarted()
    resume,   // publish the port as up
};

class Reconnect {
  public:
    static constexpr std::uint64_t kPollMs = 250;  // between looks at a good link; between restarts
    static constexpr std::uint64_t kLookMs = 10;   // between looks for a link that is to come back

    // A port that started has found its peer. Both sides' drivers now agree on the rings, on
    // threads of their own, and take it badly to be stopped meanwhile (net_memif frees twice).
    static constexpr std::uint64_t kHandshakeMs = 1000;

    // `restarts`: the driver needs stop and start to see its peer again (PeerLoss restart, reopen).
    // `up`: whether the port was published as up. `started`: whether the device was started.
    Reconnect(bool restarts, bool up, bool started = false) noexcept
        : restarts_(restarts), connecting_(started), state_(up ? State::up : State::waiting) {}

    // The link needs to be looked at only then.
    [[nodiscard]] bool due(std::uint64_t now_ms) const noexcept { return now_ms >= next_poll_ms_; }

    // As often as one likes; looks at the link when it is due().
    [[nodiscard]] ReconnectStep poll(std::uint64_t now_ms, bool link_up) noexcept;
    void paused(std::uint64_t now_ms) noexcept;
    // `started`: whether Port::start() succeeded.
    void restarted(std::uint64_t now_ms, bool started = false) noexcept;

    [[nodiscard]] bool up() const noexcept { return state_ == State::up; }

    [[nodiscard]] std::uint32_t losses() const noexcept { return losses_; }

    [[nodiscard]] std::uint32_t restarts() const noexcept { return restart_count_; }

  private:
    enum class State : std::uint8_t { up, pausing, waiting, restarting };

    bool restarts_;
    bool connecting_;  // since before the next look
    State state_;
    std::uint64_t next_poll_ms_ = 0;
    std::uint64_t next_restart_ms_ = 0;
    std::uint32_t losses_ = 0;
    std::uint32_t restart_count_ = 0;
};

}  // namespace posthaste::dataplane
