// SPDX-License-Identifier: BSD-3-Clause
// Route planes joined by connections that a test carries bytes over by hand.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "gossip/claims/route_plane.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace posthaste::support {

// Planes 1, 2, ... of one cluster. Time passes when a test says so.
class PlaneGroup {
  public:
    explicit PlaneGroup(std::size_t count,
                        const gossip::claims::PlaneOptions& options = small_options())
        : options_(options) {
        for (std::size_t i = 0; i < count; ++i) {
            add(i + 1, {1, 100 + i});
        }
    }

    [[nodiscard]] static gossip::claims::PlaneOptions small_options() {
        gossip::claims::PlaneOptions options;
        options.store.limits.records_max = 10'000;
        options.digest_ms = 100;
        options.chunk_entries = 4;
        return options;
    }

    // Nothing is told unless it is asked about.
    [[nodiscard]] static gossip::claims::PlaneOptions silent_options() {
        gossip::claims::PlaneOptions options = small_options();
        options.push_ms = 1'000'000;
        options.digest_ms = 1'000'000;
        return options;
    }

    [[nodiscard]] static gossip::claims::RouterId id(std::size_t number) {
        return gossip::claims::RouterId{number};
    }

    void add(std::size_t number, const gossip::claims::Generation& generation) {
        add(number, generation, options_);
    }

    // One that is set up otherwise.
    void add(std::size_t number,
             const gossip::claims::Generation& generation,
             const gossip::claims::PlaneOptions& options) {
        planes_.resize(std::max(planes_.size(), number));
        planes_[number - 1] = std::make_unique<gossip::claims::RoutePlane>(
            options, id(number), generation, number, hash_key(number));
    }

    gossip::claims::RoutePlane& operator[](std::size_t number) { return *planes_[number - 1]; }

    // A connection that `from` begins.
    void connect(std::size_t from, std::size_t to) {
        const auto link = static_cast<gossip::claims::ConnectionId>(++links_made_);
        links_.push_back({link, from, to});
        static_cast<void>((*this)[from].connect(link, true, id(to), now_ms));
        static_cast<void>((*this)[to].connect(link, false, std::nullopt, now_ms));
    }

    void connect_all() {
        for (std::size_t from = 1; from <= planes_.size(); ++from) {
            for (std::size_t to = from + 1; to <= planes_.size(); ++to) {
                connect(from, to);
            }
        }
    }

    void cut(std::size_t one, std::size_t other) {
        std::erase_if(links_, [&](const Link& link) {
            const bool hit =
                (link.from == one && link.to == other) || (link.from == other && link.to == one);
            if (hit) {
                (*this)[link.from].disconnect(link.id, now_ms);
                (*this)[link.to].disconnect(link.id, now_ms);
            }
            return hit;
        });
    }

    // Whatever waits is carried once, in pieces of at most `piece` bytes; true: there was some.
    bool carry(std::size_t piece = 65'536) {
        bool any = false;
        for (const Link& link : links_) {
            for (const auto& [from, to] :
                 {std::pair(link.from, link.to), std::pair(link.to, link.from)}) {
                const auto bytes = (*this)[from].take_output(link.id, piece, now_ms);
                (*this)[to].receive(link.id, bytes, now_ms);
                any = any || !bytes.empty();
            }
        }
        return any;
    }

    void pass(std::uint64_t ms, std::uint64_t step_ms = 10) {
        for (const std::uint64_t until = now_ms + ms; now_ms < until; now_ms += step_ms) {
            for (const auto& plane : planes_) {
                plane->on_timer(now_ms);
            }
            while (carry()) {
            }
        }
    }

    // Whether all planes know the same.
    [[nodiscard]] bool agree() const {
        return std::all_of(planes_.begin(), planes_.end(), [this](const auto& plane) {
            return plane->store().root() == planes_.front()->store().root();
        });
    }

    std::uint64_t now_ms = 1'000'000;

  private:
    struct Link {
        gossip::claims::ConnectionId id;
        std::size_t from;
        std::size_t to;
    };

    gossip::claims::PlaneOptions options_;
    std::vector<std::unique_ptr<gossip::claims::RoutePlane>> planes_;
    std::vector<Link> links_;
    std::uint32_t links_made_ = 0;
};

}  // namespace posthaste::support
