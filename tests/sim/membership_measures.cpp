// SPDX-License-Identifier: BSD-3-Clause
// How long things take, and what a lossy network and a slow member do to the others.
#include <algorithm>

#include "tests/sim/membership_cluster.h"
#include "tests/sim/membership_scenarios.h"

namespace posthaste::sim {

using namespace gossip::membership;

namespace {

constexpr double kMsPerSecond = 1'000;

ClusterOptions options_of(const Scale& scale) {
    // Nothing here has more to say at once; the forming of a large cluster would.
    constexpr std::uint32_t kBroadcastsMax = 64;
    ClusterOptions options{
        .members = scale.members, .timing = timing_of(scale), .seed = scale.seed};
    if (scale.members > 128) {
        options.limits.broadcasts_max = kBroadcastsMax;
    }
    return options;
}

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
    if (scale.plain_timeouts) {
        timing.suspicion_max_multiplier = 1;
    }
    return timing;
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
    Cluster cluster(options_of(scale));
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

double crash_goal(const Scale& scale) {
    constexpr std::uint64_t kSmall = 5;
    if (scale.fast) {
        return 1.5;
    }
    return scale.members <= kSmall ? 7 : 11;
}

// A member falls silent; until all others have it failed.
void run_crash(const Scale& scale, Verdict& verdict) {
    constexpr std::uint64_t kMostMs = 60'000;
    constexpr std::uint64_t kApartMs = 5'000;
    Cluster cluster(options_of(scale));
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

// Loss, and one whose loop stands still for one to two seconds time and again.
void run_slow(const Scale& scale, Verdict& verdict) {
    constexpr std::uint64_t kAwakeMaxMs = 3'000;
    Cluster cluster(options_of(scale));
    cluster.network().set({.loss = scale.loss_percent / 100.0});
    MemberWorld& world = cluster.world();
    const Number slow = scale.members / 2;
    const std::uint64_t end = world.now() + scale.seconds * 1'000;
    std::string excess;
    while (world.now() < end && excess.empty()) {
        const std::uint64_t pause_ms = cluster.dice().between(1'000, 2'000);
        world.pause(slow, world.now() + pause_ms, cluster.dice().one_in(2));
        world.run(pause_ms + cluster.dice().between(0, kAwakeMaxMs));
        excess = cluster.excess();
    }
    if (!excess.empty()) {
        verdict.wrong.push_back(excess);
    }
    std::uint64_t suspicions = 0;
    std::uint64_t refutations = 0;
    for (Number i = 0; i < world.size(); ++i) {
        suspicions += world.look(i).state->counters().suspicions;
        refutations += world.look(i).state->counters().refutations;
    }
    std::size_t of_slow = 0;
    std::size_t by_slow = 0;
    for (const Cluster::WrongDeath& death : cluster.wrong_deaths()) {
        if (death.whom == slow) {
            ++of_slow;
        } else if (death.who == slow) {
            ++by_slow;
        } else {
            verdict.wrong.push_back(MemberWorld::name_of(death.whom) + " was dead for " +
                                    MemberWorld::name_of(death.who));
        }
    }
    verdict.notes.push_back("suspicions " + std::to_string(suspicions) + ", refutations " +
                            std::to_string(refutations) + ", the slow one dead for others " +
                            std::to_string(of_slow) + " times, others for it " +
                            std::to_string(by_slow));
}

}  // namespace posthaste::sim
