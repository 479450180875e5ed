// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/membership_network.h"

namespace posthaste::sim {

Network::Network(MemberWorld& world, std::uint64_t seed) : dice_(seed) {
    world.copies = [this](Number from, Number to, std::vector<std::uint64_t>& delays_ms) {
        copies(from, to, delays_ms);
    };
    world.stream_delay = [this](Number from, Number to, bool connect) {
        return stream_delay(from, to, connect);
    };
}

std::uint64_t Network::delay_ms() {
    std::uint64_t delay = dice_.between(weather_.delay_min_ms, weather_.delay_max_ms);
    if (weather_.late > 0 && dice_.chance(weather_.late)) {
        delay += dice_.between(0, weather_.late_ms);
    }
    return delay;
}

void Network::copies(Number from, Number to, std::vector<std::uint64_t>& delays_ms) {
    if (is_cut(from, to) || (weather_.loss > 0 && dice_.chance(weather_.loss))) {
        return;
    }
    delays_ms.push_back(delay_ms());
    if (weather_.duplicated > 0 && dice_.chance(weather_.duplicated)) {
        delays_ms.push_back(delay_ms());
    }
}

// Linux sends a SYN again after 1 s, data after 200 ms, then each time after twice as long.
std::uint64_t Network::stream_delay(Number from, Number to, bool connect) {
    constexpr std::uint64_t kConnectAgainMs = 1'000;
    constexpr std::uint64_t kDataAgainMs = 200;
    constexpr unsigned kTries = 7;
    if (is_cut(from, to)) {
        return gossip::membership::kNever;
    }
    std::uint64_t delay = delay_ms();
    std::uint64_t again_ms = connect ? kConnectAgainMs : kDataAgainMs;
    for (unsigned i = 0; i < kTries; ++i) {
        if (!dice_.chance(weather_.loss)) {
            return delay;
        }
        delay += again_ms;
        again_ms *= 2;
    }
    return gossip::membership::kNever;
}

}  // namespace posthaste::sim
