// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/churn.h"

#include <rte_cycles.h>
#include <rte_pause.h>

#include "tools/benchmark/draw.h"
#include "tools/benchmark/generator.h"
#include "tools/benchmark/machine.h"

namespace posthaste::tools {

namespace {

// So that whoever sends frames between changes is not held up for more than microseconds.
constexpr unsigned kChangesPerTurn = 4;

}  // namespace

RouteChanges::RouteChanges(routing::Fib& fib, const ChurnOptions& options)
    : fib_(fib),
      options_(options),
      pace_(rte_rdtsc(), static_cast<double>(rte_get_tsc_hz()), options.rate) {}

RouteChanges::~RouteChanges() {
    for (std::uint32_t i = 0; i < kGuests; ++i) {
        fib_.remove(agent_id(kFirstGuest + i));
    }
}

void RouteChanges::start(std::uint64_t now) noexcept {
    pace_ = Pace(now, static_cast<double>(rte_get_tsc_hz()), options_.rate);
    first_ = number_;
}

void RouteChanges::turn(std::uint64_t now) {
    for (unsigned i = 0; i < kChangesPerTurn && now >= pace_.time_of(number_ - first_); ++i) {
        if (!change(number_)) {
            refused_.fetch_add(1, std::memory_order_relaxed);
            fib_.reclaim();
            return;
        }
        ++number_;
        changes_.store(number_, std::memory_order_relaxed);
    }
}

bool RouteChanges::change(std::uint64_t number) {
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

Churn::Churn(routing::Fib& fib, const ChurnOptions& options) : changes_(fib, options) {
    thread_ = std::thread([this, core = options.core] { run(core); });
}

Churn::~Churn() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
}

void Churn::run(unsigned core) {
    pin_to(core);
    changes_.start(rte_rdtsc());
    while (!stop_.load(std::memory_order_relaxed)) {
        changes_.turn(rte_rdtsc());
        rte_pause();
    }
}

}  // namespace posthaste::tools
