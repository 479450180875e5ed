// SPDX-License-Identifier: BSD-3-Clause
// HoldQueue: frames that wait for a neighbour's MAC. Control thread only.
//
// Bounded per neighbour and in total; frames are opaque handles whose owner gets every one back
// exactly once: resubmitted, or dropped with a reason. Keeps the order of arrival per neighbour.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "routing/drop.h"
#include "routing/fib.h"

namespace posthaste::controlplane {

struct HeldFrame {
    std::uint64_t handle = 0;   // the caller's, e.g. an mbuf's address
    std::uint16_t ingress = 0;  // port index, for the caller
    std::uint16_t adjacency = routing::kNoAdjacency;
    std::uint32_t lifetime_ms = 0;  // left when it was handed over; 0: the default
    std::uint64_t held_at_ms = 0;   // set by hold()
};

struct DroppedFrame {
    HeldFrame frame;
    routing::Drop why = routing::Drop::none;
};

struct HoldLimits {
    std::uint32_t per_neighbour = 0;
    std::uint32_t total = 0;
    std::uint32_t hold_ms = 0;
};

class HoldQueue {
  public:
    explicit HoldQueue(const HoldLimits& limits) : limits_(limits) {}

    // False: one of the bounds is reached and nothing is kept.
    [[nodiscard]] bool hold(std::uint64_t neighbour, HeldFrame frame, std::uint64_t now_ms);
    // Everything that waits for this neighbour, oldest first; appended to `out`.
    void release(std::uint64_t neighbour, std::vector<HeldFrame>& out);
    void drop(std::uint64_t neighbour, routing::Drop why, std::vector<DroppedFrame>& out);
    // Only the frames that wait for one of the neighbour's adjacencies.
    void drop_adjacency(std::uint64_t neighbour,
                        std::uint16_t adjacency,
                        routing::Drop why,
                        std::vector<DroppedFrame>& out);
    // Frames whose lifetime (lifetime) or longest wait (neighbour_unresolved) is over.
    void expire(std::uint64_t now_ms, std::vector<DroppedFrame>& out);
    void drop_all(routing::Drop why, std::vector<DroppedFrame>& out);

    [[nodiscard]] std::optional<std::uint64_t> next_deadline_ms() const;

    [[nodiscard]] std::size_t size() const noexcept { return frames_.size(); }

    [[nodiscard]] std::size_t size_for(std::uint64_t neighbour) const;

    void set_limits(const HoldLimits& limits) noexcept { limits_ = limits; }

  private:
    using Place = std::pair<std::uint64_t, std::uint64_t>;  // neighbour, sequence

    struct Waiting {
        HeldFrame frame;
        std::uint64_t expires_at_ms;
        routing::Drop when_expired;
    };

    using Frames = std::map<Place, Waiting>;

    [[nodiscard]] Frames::iterator first_of(std::uint64_t neighbour);
    Frames::iterator forget(Frames::iterator at);

    HoldLimits limits_;
    Frames frames_;
    std::set<std::pair<std::uint64_t, Place>> expiries_;
    std::unordered_map<std::uint64_t, std::uint32_t> counts_;
    std::uint64_t sequence_ = 0;
};

}  // namespace posthaste::controlplane
