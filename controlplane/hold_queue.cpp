// SPDX-License-Identifier: BSD-3-Clause
// The queue of frames that wait for a neighbour.
#include "controlplane/hold_queue.h"

#include <algorithm>

namespace posthaste::controlplane {

using routing::Drop;

bool HoldQueue::hold(std::uint64_t neighbour, HeldFrame frame, std::uint64_t now_ms) {
    if (frames_.size() >= limits_.total || size_for(neighbour) >= limits_.per_neighbour) {
        return false;
    }
    if (frame.lifetime_ms == 0) {
        frame.lifetime_ms = routing::kLifetimeDefaultMs;
    }
    frame.held_at_ms = now_ms;
    const Place place(neighbour, ++sequence_);
    const bool dies_first = frame.lifetime_ms <= limits_.hold_ms;
    const std::uint64_t wait_ms = std::min(frame.lifetime_ms, limits_.hold_ms);
    frames_.emplace(
        place,
        Waiting{frame, now_ms + wait_ms, dies_first ? Drop::lifetime : Drop::neighbour_unresolved});
    expiries_.emplace(now_ms + wait_ms, place);
    ++counts_[neighbour];
    return true;
}

void HoldQueue::release(std::uint64_t neighbour, std::vector<HeldFrame>& out) {
    for (auto at = first_of(neighbour); at != frames_.end() && at->first.first == neighbour;) {
        out.push_back(at->second.frame);
        at = forget(at);
    }
}

void HoldQueue::drop(std::uint64_t neighbour, Drop why, std::vector<DroppedFrame>& out) {
    for (auto at = first_of(neighbour); at != frames_.end() && at->first.first == neighbour;) {
        out.push_back({at->second.frame, why});
        at = forget(at);
    }
}

void HoldQueue::drop_adjacency(std::uint64_t neighbour,
                               std::uint16_t adjacency,
                               Drop why,
                               std::vector<DroppedFrame>& out) {
    for (auto at = first_of(neighbour); at != frames_.end() && at->first.first == neighbour;) {
        if (at->second.frame.adjacency != adjacency) {
            ++at;
            continue;
        }
        out.push_back({at->second.frame, why});
        at = forget(at);
    }
}

void HoldQueue::expire(std::uint64_t now_ms, std::vector<DroppedFrame>& out) {
    while (!expiries_.empty() && expiries_.begin()->first <= now_ms) {
        const auto at = frames_.find(expiries_.begin()->second);
        out.push_back({at->second.frame, at->second.when_expired});
        forget(at);
    }
}

void HoldQueue::drop_all(Drop why, std::vector<DroppedFrame>& out) {
    for (const auto& [place, waiting] : frames_) {
        out.push_back({waiting.frame, why});
    }
    frames_.clear();
    expiries_.clear();
    counts_.clear();
}

std::optional<std::uint64_t> HoldQueue::next_deadline_ms() const {
    if (expiries_.empty()) {
        return std::nullopt;
    }
    return expiries_.begin()->first;
}

std::size_t HoldQueue::size_for(std::uint64_t neighbour) const {
    const auto found = counts_.find(neighbour);
    return found == counts_.end() ? 0 : found->second;
}

HoldQueue::Frames::iterator HoldQueue::first_of(std::uint64_t neighbour) {
    return frames_.lower_bound(Place(neighbour, 0));
}

HoldQueue::Frames::iterator HoldQueue::forget(Frames::iterator at) {
    expiries_.erase({at->second.expires_at_ms, at->first});
    const auto count = counts_.find(at->first.first);
    if (--count->second == 0) {
        counts_.erase(count);
    }
    return frames_.erase(at);
}

}  // namespace posthaste::controlplane
