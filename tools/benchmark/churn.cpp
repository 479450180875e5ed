// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/churn.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include "tools/benchmark/draw.h"
#include "tools/benchmark/generator.h"
#include "tools/benchmark/machine.h"
#include "tools/benchmark/pacing.h"

namespace posthaste::tools {

Churn::Churn(routing::Fib& fib, const ChurnOptions& options) : fib_(fib), options_(options) {
    thread_ = std::thread([this] { run(); });
}

Churn::~Churn() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
    for (std::uint32_t i = 0; i < kGuests; ++i) {
        fib_.remove(agent_id(kFirstGuest + i));
    }
}

// Change n is due at its own time, however late the one before was.
void Churn::run() {
    pin_to(options_.core);
    const Pace pace(rte_rdtsc(), static_cast<double>(rte_get_tsc_hz()), options_.rate);
    std::uint64_t number = 0;
    while (!stop_.load(std::memory_order_relaxed)) {
        if (rte_rdtsc() < pace.time_of(number)) {
            rte_pause();
            continue;
        }
        if (change(number)) {
            ++number;
            changes_.store(number, std::memory_order_relaxed);
        } else {
            refused_.fetch_add(1, std::memory_order_relaxed);
            fib_.reclaim();
        }
    }
}

bool Churn::change(std::uint64_t number) {
    const std::uint64_t turn = number / 4;
    if (number % 2 == 0) {
        const auto agent = static_cast<std::uint32_t>((mix(turn) >> 32) * options_.agents >> 32);
        routing::FibEntry entry = options_.route(agent);
        entry.endpoint.udp_port = static_cast<std::uint16_t>(5'000 + turn % 2);
        return fib_.set(entry, 0);
    }
    const routing::AgentId guest = agent_id(kFirstGuest + turn % kGuests);
    if (number % 4 == 1) {
        routing::FibEntry entry = options_.route(0);
        entry.agent = guest;
        return fib_.set(entry, 0);
    }
    fib_.remove(guest);
    return true;
}

}  // namespace posthaste::tools
