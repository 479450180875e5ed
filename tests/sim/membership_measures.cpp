// SPDX-License-Identifier: BSD-3-Clause
// How long things take.
#include <algorithm>

#include "tests/sim/membership_cluster.h"
#include "tests/sim/membership_scenarios.h"

namespace posthaste::sim {

using namespace gossip::membership;

namespace {

constexpr double kMsPerSecond = 1'000;

void time_seen(Cluster& cluster, std::size_t count, std::uint64_t most_ms, Verdict& verdict) {
    const std::uint64_t began = cluster.world().now();
    const bool seen = cluster.wait_seen(count, most_ms);
    // A miss counts as all the time there was: no mean hides it.
    verdict.seconds.push_back(static_cast<double>(cluster.world().now() - began) / kMsPerSecond);
    if (!seen) {
        verdict.notes.push_back("not seen by all in time, members missing: " +
                                std::to_string(count - cluster.seen()));
    }
}

}  // namespace

Timing timing_of(const Scale& scale) {
    Timing timing = scale.fast ? fast_timing() : lan_timing();
    if (scale.plain_timeouts || scale.plain_swim) {
        timing.suspicion_max_multiplier = 1;
    }
    return timing;
}

ClusterOptions quiet_options_of(const Scale& scale) {
    constexpr std::uint32_t kBroadcastsMax = 64;
    ClusterOptions options{
        .members = scale.members, .timing = timing_of(scale), .seed = scale.seed};
    if (scale.members > 128) {
        options.limits.broadcasts_max = kBroadcastsMax;
    }
    if (scale.plain_swim) {
        options.lifeguard = {.awareness = false, .asked_suspects = false};
    }
    return options;
}

// memberlist's own queue, simulated: 0.68 s at 100 members, 1.01 s at 1 000; with a quarter of the
// datagrams lost 0.89 s and 1.33 s. There 15 % more.
double update_goal(const Scale& scale) {
    constexpr std::uint64_t kSmall = 100;
    if (scale.loss_percent > 0) {
        return scale.members <= kSmall ? 1.02 : 1.53;
    }
    return scale.members <= kSmall ? 0.7 : 1.05;
}

// A member has new tags; until all have heard of them.
void run_update(const Scale& scale, Verdict& verdict) {
    constexpr unsigned kUpdates = 10;
    constexpr std::uint64_t kMostMs = 10'000;
    constexpr std::uint64_t kApartMs = 5'000;
    Cluster cluster(quiet_options_of(scale));
    cluster.network().set({.loss = scale.loss_percent / 100.0});
    for (unsigned i = 0; i < kUpdates; ++i) {
        const Number whom = cluster.dice().below(static_cast<unsigned>(scale.members));
        cluster.world().run(cluster.dice().between(0, kApartMs));
        cluster.watch(MemberEventKind::updated, whom);
        static_cast<void>(cluster.world().at(whom).set_tags({{"n", std::to_string(i)}}));
        time_seen(cluster, scale.members - 1, kMostMs, verdict);
        cluster.world().run(kApartMs);
    }
}

// Serf itself, five on one host and stopped 48 times: 5.8 s, the median 5.7. Half a probe interval
// of that is the wait for somebody to ask, and we ask twice as often.
double crash_goal(const Scale& scale) {
    constexpr std::uint64_t kSmall = 5;
    if (scale.fast) {
        return 1.5;
    }
    return scale.members <= kSmall ? 5.6 : 10;
}

// A member falls silent; until all others have it failed.
void run_crash(const Scale& scale, Verdict& verdict) {
    constexpr std::uint64_t kMostMs = 60'000;
    constexpr std::uint64_t kApartMs = 5'000;
    Cluster cluster(quiet_options_of(scale));
    const std::size_t crashes = std::max<std::size_t>(1, scale.members / 20);
    for (std::size_t i = 1; i <= crashes; ++i) {
        cluster.world().run(cluster.dice().between(0, kApartMs));
        const Number whom = scale.members - i;
        cluster.watch(MemberEventKind::failed, whom);
        cluster.world().crash(whom);
        time_seen(cluster, scale.members - i, kMostMs, verdict);
        if (cluster.seen() < scale.members - i) {
            verdict.wrong.emplace_back("a crash was not seen by all in a minute");
        }
        cluster.world().run(kApartMs);
    }
    if (!cluster.wrong_deaths().empty()) {
        verdict.wrong.emplace_back("members that run were taken for dead");
    }
}

}  // namespace posthaste::sim
