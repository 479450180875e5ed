// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/misrouted.h"

#include "dataplane/segments.h"
#include "routing/capability_name.h"
#include "routing/mix.h"
#include "routing/outer_layout.h"

namespace posthaste::dataplane {

namespace {

// Whoever makes others meet here has them reported again, at the rate of all.
std::size_t place_of(const Misrouted& frame) noexcept {
    using routing::outer::load;
    const std::uint8_t* const id = frame.destination.bytes.data();
    const std::uint8_t* const ip = frame.from.bytes.data();
    const std::uint64_t to = load<std::uint64_t>(id) ^ routing::mix(load<std::uint64_t>(id + 8));
    const std::uint64_t from = load<std::uint64_t>(ip) ^ routing::mix(load<std::uint64_t>(ip + 8));
    return routing::mix(to + routing::mix(from)) % MisroutedReports::kRemembered;
}

}  // namespace

bool MisroutedReports::take(const Misrouted& frame,
                            std::uint32_t now_ms,
                            routing::LookupCounters& counters) noexcept {
    Reported& reported = reported_[place_of(frame)];
    if (reported.frame == frame && now_ms - reported.at_ms < kRepeatMs) {
        counters.misrouted_repeated.add(1);
        return false;
    }
    if (!rate_.take(now_ms)) {
        counters.misrouted_limited.add(1);
        return false;
    }
    reported = {frame, now_ms};
    return true;
}

void report_misrouted(const Burst& burst,
                      MisroutedReports& reports,
                      SpscRing<Misrouted>& ring,
                      routing::LookupCounters& counters) noexcept {
    if (!burst.misrouted.any()) [[likely]] {
        return;
    }
    counters.misrouted.add(burst.misrouted.count());
    for (const unsigned lane : burst.misrouted) {
        const std::uint8_t* const bytes = bytes_of(burst.frame[lane]);
        const routing::AgentId& destination = header_of(bytes, burst.view[lane]).destination;
        const Misrouted frame{
            burst.to_capability.has(lane) ? routing::capability_key(destination) : destination,
            routing::outer_source(bytes, burst.view[lane]).ip};
        if (!reports.take(frame, burst.now_ms, counters)) {
            continue;
        }
        if (ring.push(frame)) {
            counters.misrouted_told.add(1);
        } else {
            counters.misrouted_dropped.add(1);
        }
    }
}

}  // namespace posthaste::dataplane
