// SPDX-License-Identifier: BSD-3-Clause
// Push/pull: now and then two members tell each other all they know, so that what gossip missed is
// repaired. The more members, the rarer.
#include <cmath>

#include "gossip/membership/membership_state.h"

namespace posthaste::gossip::membership {

std::uint64_t MembershipState::push_pull_period() const {
    constexpr std::size_t kAllAtOnce = 32;  // up to so many, at the plain interval
    const std::uint64_t interval = options_.timing.push_pull_interval_ms;
    if (known_count() <= kAllAtOnce) {
        return interval;
    }
    const double doublings =
        std::log2(static_cast<double>(known_count())) - std::log2(static_cast<double>(kAllAtOnce));
    return interval * (static_cast<std::uint64_t>(std::ceil(doublings)) + 1);
}

void MembershipState::on_push_pull_timer(std::uint64_t now_ms) {
    if (push_pull_due_ms_ > now_ms) {
        return;
    }
    push_pull_due_ms_ = now_ms + push_pull_period();
    for (const MemberSlot slot :
         random_slots(1, [](const Member& member) { return member.state == NodeState::alive; })) {
        open_stream(
            Purpose::exchange, table_.at(slot).at, now_ms + options_.timing.stream_timeout_ms);
    }
}

PushPull MembershipState::state_to_push(bool join) const {
    PushPull state{.join = join};
    state.nodes.reserve(known_count());
    for (const MemberSlot slot : table_.ring()) {
        const Member& member = table_.at(slot);
        state.nodes.push_back({.name = member.name,
                               .address = member.address,
                               .port = member.port,
                               .meta = member.meta,
                               .incarnation = member.incarnation,
                               .state = member.state,
                               .versions = member.versions});
    }
    state.user_state = layer_->user_state();
    return state;
}

// Row by row: one that does not fit is left out, so that nobody can stop all exchanges by a member
// that was made up. If no row fits the peer is not of our kind, and nothing else of it counts.
void MembershipState::merge(const PushPull& remote, std::uint64_t now_ms) {
    std::size_t fitting = 0;
    std::size_t foreign = 0;
    for (const PushNode& row : remote.nodes) {
        if (row.state == NodeState::alive) {
            const bool fits = alive({.incarnation = row.incarnation,
                                     .node = row.name,
                                     .address = row.address,
                                     .port = row.port,
                                     .meta = row.meta,
                                     .versions = row.versions},
                                    now_ms);
            ++(fits ? fitting : foreign);
        } else if (row.state == NodeState::left) {
            dead({.incarnation = row.incarnation, .node = row.name, .from = row.name}, now_ms);
        } else {
            // Somebody else's word for its death is a suspicion here.
            suspect({.incarnation = row.incarnation, .node = row.name, .from = options_.name},
                    now_ms);
        }
    }
    if (!remote.user_state.empty() && (fitting > 0 || foreign == 0)) {
        layer_->merge_user_state(remote.user_state, remote.join, now_ms);
    }
}

}  // namespace posthaste::gossip::membership
