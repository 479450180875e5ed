// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/settle.h"

#include <rte_mbuf.h>

#include "routing/check.h"

namespace posthaste::dataplane {

namespace {

// How many lanes in a row have the same value: mostly all.
template <typename T, typename Count>
void count_rows(LaneMask lanes, const std::array<T, kBurstMax>& values, Count&& count) noexcept {
    T value{};
    unsigned row = 0;
    for (const unsigned lane : lanes) {
        if (row != 0 && values[lane] != value) {
            count(value, row);
            row = 0;
        }
        value = values[lane];
        ++row;
    }
    if (row != 0) {
        count(value, row);
    }
}

}  // namespace

bool conserved(const Burst& burst) noexcept {
    const LaneMask places[] = {burst.live, burst.finished, burst.sent, burst.punted, burst.dropped};
    LaneMask all;
    unsigned lanes = 0;
    for (const LaneMask place : places) {
        all |= place;
        lanes += place.count();
    }
    return all == burst.received && lanes == burst.received.count() &&
           !((burst.answered | burst.answer_refused) - burst.dropped).any() &&
           !(burst.answered & burst.answer_refused).any();
}

void count(const Burst& burst, WorkerCounters& worker) noexcept {
    DCHECK(conserved(burst));
    DCHECK(!(burst.live | burst.finished).any());
    PortCounters& counters = worker.port[burst.ingress];
    switch (burst.origin) {
        case Origin::received:
            counters.received.add(burst.received.count());
            counters.received_bytes.add(burst.received_bytes);
            break;
        case Origin::resubmitted:
            counters.resubmitted.add(burst.received.count());
            break;
        case Origin::copied:
            counters.copied.add(burst.received.count());
            break;
    }
    counters.sent.add(burst.sent.count());
    count_rows(burst.sent, burst.egress, [&worker](std::uint16_t port, unsigned lanes) {
        worker.port[port].queued.add(lanes);
    });
    count_rows(burst.messages, burst.performative, [&worker](std::uint8_t code, unsigned lanes) {
        worker.performatives[code].add(lanes);
    });
    if (burst.punted.any()) {
        counters.punted.add(burst.punted.count());
    }
    if (burst.dropped.any()) {
        counters.dropped.add(burst.dropped.count());
        counters.answered.add(burst.answered.count());
        counters.queued.add(burst.answered.count());
        counters.answers_suppressed.add(burst.answer_refused.count());
        for (const unsigned lane : burst.dropped) {
            counters.drops[static_cast<std::size_t>(burst.reason[lane])].add(1);
        }
    }
}

void release(Burst& burst) noexcept {
    std::array<rte_mbuf*, kBurstMax> dead;
    unsigned dead_count = 0;
    for (const unsigned lane : burst.dropped - burst.answered) {
        dead[dead_count++] = burst.frame[lane];
    }
    if (dead_count > 0) {
        rte_pktmbuf_free_bulk(dead.data(), dead_count);
    }
    for (const unsigned lane : burst.surplus_of) {
        rte_pktmbuf_free(burst.surplus[lane]);
    }
}

}  // namespace posthaste::dataplane
