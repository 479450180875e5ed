// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/move_limit.h"

#include <algorithm>
#include <utility>

namespace posthaste::gossip::claims {

bool MoveLimit::refuses(const routing::AgentId& agent, std::uint64_t now_ms) const {
    const auto found = places_.find(agent);
    if (found == places_.end()) {
        return false;
    }
    const Moves& moves = *found->second;
    const auto lately =
        std::count_if(moves.at_ms.begin(), moves.at_ms.end(), [this, now_ms](std::uint64_t at_ms) {
            return at_ms + limits_.within_ms > now_ms;
        });
    return now_ms < moves.until_ms || static_cast<std::size_t>(lately) >= limits_.moves_max;
}

tl::expected<void, std::uint64_t> MoveLimit::note(const routing::AgentId& agent,
                                                  std::uint64_t now_ms) {
    const auto found = places_.find(agent);
    if (found != places_.end()) {
        moves_.splice(moves_.begin(), moves_, found->second);
    } else {
        if (places_.size() >= limits_.agents_max && !moves_.empty()) {
            places_.erase(moves_.back().agent);
            moves_.pop_back();
        }
        moves_.push_front({.agent = agent});
        places_.emplace(agent, moves_.begin());
    }
    Moves& moves = moves_.front();
    if (now_ms < moves.until_ms) {
        return tl::unexpected(moves.until_ms);
    }
    std::erase_if(moves.at_ms, [this, now_ms](std::uint64_t at_ms) {
        return at_ms + limits_.within_ms <= now_ms;
    });
    if (now_ms >= moves.until_ms + limits_.within_ms && moves.at_ms.empty()) {
        moves.freezes = 0;
    }
    if (moves.at_ms.size() < limits_.moves_max) {
        moves.at_ms.push_back(now_ms);
        return {};
    }
    const std::uint64_t length =
        moves.freezes < 20 ? std::min(limits_.freeze_ms << moves.freezes, limits_.freeze_max_ms)
                           : limits_.freeze_max_ms;
    moves.until_ms = now_ms + length;
    ++moves.freezes;
    alarms_.push_back({agent, moves.until_ms, moves.freezes});
    return tl::unexpected(moves.until_ms);
}

std::vector<MoveLimit::Frozen> MoveLimit::frozen(std::uint64_t now_ms,
                                                 std::size_t looked_at_max) const {
    std::vector<Frozen> found;
    for (const Moves& moves : moves_) {
        if (looked_at_max-- == 0) {
            break;
        }
        if (now_ms < moves.until_ms) {
            found.push_back({moves.agent, moves.until_ms, moves.freezes});
        }
    }
    return found;
}

std::vector<MoveLimit::Frozen> MoveLimit::take_alarms() {
    return std::exchange(alarms_, {});
}

}  // namespace posthaste::gossip::claims
