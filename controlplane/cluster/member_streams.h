// SPDX-License-Identifier: BSD-3-Clause
// MemberStreams: membership's TCP connections, one exchange each. Does what Membership asks for and
// tells it what came. kStreamsMax at most, of which others may open kAcceptedMax and one address
// kAcceptedOfOneMax, those that linger among them, so that there are always some for us. Each has
// kWaitingMax bytes to send at most; one that is closed has kLingerMs to take the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "controlplane/cluster/tcp_stream.h"
#include "gossip/membership/membership.h"

namespace posthaste::controlplane {

class MemberStreams {
  public:
    static constexpr std::size_t kStreamsMax = 256;
    static constexpr std::size_t kAcceptedMax = 192;
    static constexpr std::size_t kAcceptedOfOneMax = 48;
    static constexpr std::size_t kWaitingMax = 32U << 20;
    static constexpr std::uint64_t kLingerMs = 10'000;

    MemberStreams(Watch& watch,
                  gossip::membership::Membership& membership,
                  const routing::IpAddress& local);

    void accept(const Descriptor& listener, std::uint64_t now_ms);
    // The stream's socket is ready. True: there is more than a turn's share.
    bool serve(gossip::membership::StreamId number, const TurnBudget& budget, std::uint64_t now_ms);
    void apply(std::vector<gossip::membership::StreamOut> wanted, std::uint64_t now_ms);
    void end_lingering(std::uint64_t now_ms);

    [[nodiscard]] std::size_t count() const noexcept { return streams_.size(); }

    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

  private:
    struct Stream {
        TcpStream tcp;
        std::optional<SocketAddress> caller{};  // of one that was accepted
        bool closing = false;
        std::uint64_t until_ms = 0;  // of closing
    };

    using Streams = std::unordered_map<gossip::membership::StreamId, Stream>;

    [[nodiscard]] gossip::membership::StreamId next_number();
    [[nodiscard]] bool accepts_from(const SocketAddress& caller) const;
    void connect(const gossip::membership::StreamOut& wanted);
    void write(Streams::iterator stream, std::span<const std::uint8_t> bytes);
    void close(Streams::iterator stream, std::uint64_t now_ms);
    // Membership hears of it unless it was the one to end it.
    void end(Streams::iterator stream);

    Watch& watch_;
    gossip::membership::Membership& membership_;
    routing::IpAddress local_;
    Streams streams_;
    gossip::membership::StreamId next_ = gossip::membership::kAcceptedStreams;
    std::vector<std::uint8_t> room_;
    std::uint64_t refused_ = 0;
};

}  // namespace posthaste::controlplane
