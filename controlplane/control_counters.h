// SPDX-License-Identifier: BSD-3-Clause
// What became of frames the lcores punted. Control thread only.
//
// Conservation: punted == consumed + resubmitted + dropped + held now + waiting in the punt rings.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "routing/drop.h"

namespace posthaste::controlplane {

struct ControlPortCounters {
    std::uint64_t punted = 0;       // taken out of the punt rings, by ingress port
    std::uint64_t consumed = 0;     // answered or learnt from
    std::uint64_t resubmitted = 0;  // back to the pipeline once the neighbour answered
    std::uint64_t dropped = 0;
    std::uint64_t originated = 0;  // frames of our own handed to the lcores, by egress port
    std::uint64_t originate_failed = 0;
    std::array<std::uint64_t, routing::kDropCount> drops{};
};

struct ControlCounters {
    explicit ControlCounters(std::size_t ports) : port(ports) {}

    std::vector<ControlPortCounters> port;
};

}  // namespace posthaste::controlplane
