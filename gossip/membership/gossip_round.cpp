// SPDX-License-Identifier: BSD-3-Clause
// The gossip round: what is new goes to a few members by chance, also to those just gone, so that
// one who is wrongly taken for dead hears of it.
#include <algorithm>

#include "gossip/membership/membership_state.h"

namespace posthaste::gossip::membership {

void MembershipState::gossip(std::uint64_t now_ms) {
    if (swim_queue_.empty() && user_queue_.empty()) {
        return;
    }
    const auto targets = random_slots(options_.timing.gossip_nodes, [&](const Member& member) {
        return member.here() || (member.state == NodeState::dead &&
                                 now_ms - member.changed_ms <= options_.timing.gossip_to_dead_ms);
    });
    for (const MemberSlot slot : targets) {
        PacketRoom room = packet_room();
        fill_with_broadcasts(room);
        if (room.parts.empty()) {
            return;
        }
        send_packet(table_.at(slot).at, std::move(room));
    }
}

}  // namespace posthaste::gossip::membership
