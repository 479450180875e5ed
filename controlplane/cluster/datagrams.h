// SPDX-License-Identifier: BSD-3-Clause
// Datagrams: membership's UDP socket, read and written many at a time. What the socket does not
// take waits, kWaitingMax at most; what comes on top is dropped and counted: gossip repeats itself.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "controlplane/cluster/watch.h"
#include "gossip/membership/view.h"

namespace posthaste::controlplane {

class Datagrams {
  public:
    static constexpr std::size_t kWaitingMax = 4'096;

    using Take = std::function<void(const SocketAddress& from, std::span<const std::uint8_t>)>;

    explicit Datagrams(Descriptor socket);
    ~Datagrams();
    Datagrams(const Datagrams&) = delete;
    Datagrams& operator=(const Datagrams&) = delete;

    [[nodiscard]] bool watch(Watch& watch);
    // True: there is more than a turn's share.
    bool receive(const TurnBudget& budget, const Take& take);
    void send(gossip::membership::DatagramOut datagram);
    // A turn's share at most.
    void flush(Watch& watch);

    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

    // The kernel refused them: no route, or a family that is not ours.
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

  private:
    struct Room;

    Descriptor socket_;
    std::unique_ptr<Room> room_;
    std::deque<gossip::membership::DatagramOut> out_;
    bool writing_ = false;
    std::uint64_t dropped_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace posthaste::controlplane
