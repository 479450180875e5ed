// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/interrupt_thread.h"

#include <rte_alarm.h>

#include <atomic>

namespace posthaste::dataplane {

namespace {

// Lives on the caller's stack until `done`.
struct Errand {
    DeviceCall call;
    std::uint16_t ethdev;
    int result = 0;
    std::atomic<bool> done{false};
};

void run(void* argument) {
    auto* const errand = static_cast<Errand*>(argument);
    errand->result = errand->call(errand->ethdev);
    errand->done.store(true, std::memory_order_release);
    errand->done.notify_one();
}

}  // namespace

int call_on_interrupt_thread(DeviceCall call, std::uint16_t ethdev) {
    Errand errand{call, ethdev};
    constexpr std::uint64_t kSoonUs = 1;
    if (rte_eal_alarm_set(kSoonUs, run, &errand) != 0) {
        return call(ethdev);
    }
    errand.done.wait(false, std::memory_order_acquire);
    return errand.result;
}

}  // namespace posthaste::dataplane
