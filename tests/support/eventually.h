// SPDX-License-Identifier: BSD-3-Clause
// Waiting in tests for what gives no event of its own: a link, another process's frame.
#pragma once

#include <poll.h>

#include <chrono>

namespace posthaste::support {

// Asks until `condition` holds, or gives up after `limit`. What `condition` does besides (poll a
// queue, drive a state machine) happens every few milliseconds.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        ::poll(nullptr, 0, 2);
    }
    return true;
}

}  // namespace posthaste::support
