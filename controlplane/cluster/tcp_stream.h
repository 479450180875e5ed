// SPDX-License-Identifier: BSD-3-Clause
// TcpStream: one non-blocking connection and the bytes that wait for it. Its owner says how many
// may wait.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "controlplane/cluster/watch.h"

namespace posthaste::controlplane {

class TcpStream {
  public:
    enum class Read : std::uint8_t { bytes, nothing, ended };

    TcpStream(Descriptor socket, Readiness as, bool connecting)
        : socket_(std::move(socket)), as_(as), connecting_(connecting), writing_(connecting) {}

    // False: it cannot be watched.
    [[nodiscard]] bool watch(Watch& watch);

    [[nodiscard]] bool connecting() const noexcept { return connecting_; }

    // The socket of a connection under way is ready: false, it could not be had.
    [[nodiscard]] bool finish_connect(Watch& watch);

    [[nodiscard]] Read read(std::span<std::uint8_t> room, std::size_t& count);

    // Where bytes to send are appended; then flush().
    [[nodiscard]] std::vector<std::uint8_t>& out() noexcept { return out_; }

    [[nodiscard]] std::size_t waiting() const noexcept { return out_.size() - sent_; }

    // Sends what the socket takes; what it does not take waits for it to become writable. False:
    // the connection is broken.
    [[nodiscard]] bool flush(Watch& watch);
    // Gives up on what the peer still says, so that closing does not take back what we said.
    void discard_input();

  private:
    void want_writing(Watch& watch, bool writing);

    Descriptor socket_;
    Readiness as_;
    bool connecting_;
    bool writing_;  // is watched for
    std::vector<std::uint8_t> out_;
    std::size_t sent_ = 0;
};

}  // namespace posthaste::controlplane
