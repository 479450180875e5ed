// SPDX-License-Identifier: BSD-3-Clause
#include "routing/next_hop.h"

#include "routing/fib.h"

namespace posthaste::routing {

NextHop NextHop::of(const FibEntry& entry) noexcept {
    const Endpoint& at = entry.endpoint;
    NextHop hop = elsewhere();
    if (entry.kind == RouteKind::remote) {
        hop.word_[0] = entry.fresh_until_ms;
        hop.word_[1] = entry.router | std::uint32_t{at.adjacency} << 16;
        hop.where_ = kRemote;
    } else if (entry.kind == RouteKind::local && entry.state != AgentState::stopped &&
               at.ip.family == Family::ipv4 && at.adjacency == kNoAdjacency &&
               at.port <= kPortMax) {
        std::memcpy(&hop.word_[0], at.ip.bytes.data(), 4);
        std::memcpy(&hop.word_[1], at.mac.bytes.data(), 6);
        hop.word_[2] |= std::uint32_t{__builtin_bswap16(at.udp_port)} << 16;
        hop.where_ = at.port;
    }
    return hop;
}

}  // namespace posthaste::routing
