// SPDX-License-Identifier: BSD-3-Clause
// PlainHead: the first bytes of a plain frame's copies (routing/plain_frame.h) that leave on one
// port. They are rewritten once; from one recipient to the next only addresses, UDP port and
// checksums change. Lcore.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/world.h"

namespace posthaste::dataplane {

class PlainHead {
  public:
    // All that rewriting changes lies in these; every message is longer.
    static constexpr std::uint32_t kBytes = 64;

    // For copies of the lane's frame towards `to` and those like it. False: they have to be
    // resolved and rewritten one by one.
    [[nodiscard]] bool prepare(const Burst& burst,
                               unsigned lane,
                               const routing::FibEntry& to,
                               const World& world) noexcept;

    // Whether the copy to this one leaves on the same port, and nothing else differs.
    [[nodiscard]] bool serves(const routing::FibEntry& to) const noexcept {
        return to.endpoint.port == egress_ && is_simple(to);
    }

    // Writes the first kBytes.
    void write(std::uint8_t* frame, const routing::FibEntry& to) const noexcept;

    [[nodiscard]] std::uint16_t egress() const noexcept { return egress_; }

  private:
    // An agent here, its MAC known, reached over IPv4.
    [[nodiscard]] static bool is_simple(const routing::FibEntry& to) noexcept {
        return to.kind == routing::RouteKind::local &&
               to.endpoint.adjacency == routing::kNoAdjacency &&
               to.endpoint.ip.family == routing::Family::ipv4;
    }

    std::array<std::uint8_t, kBytes> head_;  // to the first recipient
    std::uint64_t ip_sum_ = 0;  // what the checksums' complements are without what differs
    std::uint64_t udp_sum_ = 0;
    bool checksum_ = false;
    std::uint16_t egress_ = 0;
};

}  // namespace posthaste::dataplane
