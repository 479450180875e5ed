// SPDX-License-Identifier: BSD-3-Clause
// The two rings between one lcore and the control thread: punts up, injected frames down.
//
// Both are single-producer single-consumer and bounded (rte_ring, elements of 16 bytes). Ownership
// of the mbuf goes with the element. A full punt ring is the lcore's to count (punt_full); a full
// inject ring is the control thread's to retry or drop.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "dataplane/burst.h"
#include "dataplane/spsc_ring.h"
#include "routing/drop.h"

struct rte_mbuf;

namespace posthaste::dataplane {

struct alignas(16) Punted {
    rte_mbuf* frame = nullptr;
    std::uint16_t ingress = 0;                        // port index
    std::uint16_t adjacency = routing::kNoAdjacency;  // hold: the next hop it waits for
    PuntClass why = PuntClass::neighbour;
};

static_assert(sizeof(Punted) == 16);

enum class InjectKind : std::uint8_t {
    transmit,  // a finished frame: send it on `port`
    resubmit,  // a held frame: through the pipeline again as if received on `port`
};

struct alignas(16) Injected {
    rte_mbuf* frame = nullptr;
    std::uint16_t port = 0;
    InjectKind kind = InjectKind::transmit;
};

static_assert(sizeof(Injected) == 16);

// By PuntClass.
using PuntRings = std::array<SpscRing<Punted>, kPuntClassCount>;

// Each of at least so many frames.
[[nodiscard]] inline PuntRings make_punt_rings(std::uint32_t frames) {
    return [frames]<std::size_t... of>(std::index_sequence<of...>) {
        return PuntRings{(static_cast<void>(of), SpscRing<Punted>(frames))...};
    }
    (std::make_index_sequence<kPuntClassCount>());
}

// The stage: punted lanes go up; where the ring is full they are dropped (punt_full) instead. What
// went up may not be looked at any more.
void punt(Burst& burst, PuntRings& rings) noexcept;

extern template class SpscRing<Punted>;
extern template class SpscRing<Injected>;

}  // namespace posthaste::dataplane
