// SPDX-License-Identifier: BSD-3-Clause
// Conservation: does every frame the box received show up exactly once, and every mbuf at home?
//
// For after the workers have stopped and the ports are closed: before, bursts are under way and
// device rings hold mbufs.
#pragma once

#include <cstdint>
#include <string>

#include "controlplane/box.h"

namespace posthaste::controlplane {

struct Conservation {
    // lcores: received + resubmitted + copied == sent + punted + dropped
    std::uint64_t received = 0;
    std::uint64_t resubmitted = 0;
    std::uint64_t copied = 0;
    std::uint64_t sent = 0;
    std::uint64_t punted = 0;
    std::uint64_t dropped = 0;
    // control thread: punted == consumed + resubmitted + control_dropped
    std::uint64_t consumed = 0;
    std::uint64_t control_resubmitted = 0;
    std::uint64_t control_dropped = 0;
    std::uint64_t mbufs_out = 0;  // not back in their pools

    [[nodiscard]] bool holds() const noexcept;
    [[nodiscard]] std::string to_text() const;
};

[[nodiscard]] Conservation check_conservation(const Box& box);

}  // namespace posthaste::controlplane
