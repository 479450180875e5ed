// SPDX-License-Identifier: BSD-3-Clause
// Partitions that heal, members that leave, crash and come back, and one who sends poison.
#include "tests/sim/membership_scenarios.h"

#include "gossip/membership/packet.h"
#include "tests/sim/membership_cluster.h"

namespace posthaste::sim {

using namespace gossip::membership;

namespace {

// What remains of it for the route plane's ranges is a third.
double heal_goal(const Scale& /*scale*/) {
    return 2.5;
}

constexpr Scenario kScenarios[] = {
    {.name = "update",
     .about = "new tags known to all; the mean counts",
     .scale = {.seeds = 5, .members = 100},
     .run = run_update,
     .mean_goal = update_goal},
    {.name = "crash",
     .about = "a silent member failed for all; the mean counts",
     .scale = {.seeds = 20, .members = 5},
     .run = run_crash,
     .mean_goal = crash_goal},
    {.name = "slow",
     .about = "loss and a slow member; nobody else is taken for dead",
     .scale = {.seeds = 1, .members = 100, .seconds = 600, .loss_percent = 20, .slow = 1},
     .run = run_slow},
    {.name = "lossy",
     .about = "loss alone; nobody is taken for dead",
     .scale = {.seeds = 1, .members = 1'000, .seconds = 60, .loss_percent = 25},
     .run = run_slow},
    {.name = "lifeguard",
     .about = "loss and a slow member, with and without Lifeguard",
     .scale = {.seeds = 1, .members = 100, .seconds = 600, .loss_percent = 20, .slow = 1},
     .run = run_lifeguard},
    {.name = "heal",
     .about = "split, or mute one way, for a minute; then all alive again; the mean counts",
     .scale = {.seeds = 30, .members = 5},
     .run = run_heal,
     .mean_goal = heal_goal},
    {.name = "life",
     .about = "leave, come back, crash, come back",
     .scale = {.seeds = 10, .members = 10},
     .run = run_life},
    {.name = "poison",
     .about = "a stream of bad datagrams; joins and push/pulls go on",
     .scale = {.seeds = 10, .members = 10},
     .run = run_poison},
    {.name = "chaos",
     .about = "all of it by chance; then all agree",
     .scale = {.seeds = 30, .members = 12, .seconds = 180},
     .run = run_chaos},
};

constexpr std::uint64_t kSecond = 1'000;

// All others that run.
bool all_say(const MemberWorld& world, Number whom, std::string_view status) {
    for (Number i = 0; i < world.size(); ++i) {
        if (i != whom && world.look(i).up && world.status(i, whom) != status) {
            return false;
        }
    }
    return true;
}

bool all_come_to_say(Cluster& cluster, Number whom, std::string_view status, std::uint64_t ms) {
    return cluster.world().run_until([&] { return all_say(cluster.world(), whom, status); }, ms);
}

void count_time(Cluster& cluster, std::uint64_t since_ms, Verdict& verdict) {
    verdict.seconds.push_back(static_cast<double>(cluster.world().now() - since_ms) /
                              static_cast<double>(kSecond));
}

// Half of them, one of them, or one that hears but is not heard.
void split(Cluster& cluster, std::size_t members) {
    const unsigned kind = cluster.dice().below(3);
    const Number apart = kind == 0 ? members / 2 : 1;
    const Number first = cluster.dice().below(static_cast<unsigned>(members - apart + 1));
    for (Number in = first; in < first + apart; ++in) {
        for (Number out = 0; out < members; ++out) {
            if (out < first || out >= first + apart) {
                cluster.network().cut(in, out);
                if (kind < 2) {
                    cluster.network().cut(out, in);
                }
            }
        }
    }
}

}  // namespace

std::span<const Scenario> scenarios() {
    return kScenarios;
}

void run_heal(const Scale& scale, Verdict& verdict) {
    Cluster cluster({.members = scale.members, .timing = timing_of(scale), .seed = scale.seed});
    split(cluster, scale.members);
    cluster.world().run(60 * kSecond);
    if (cluster.wrong_deaths().empty()) {
        verdict.wrong.emplace_back("nobody noticed the split");
    }
    cluster.network().mend();
    const std::uint64_t mended = cluster.world().now();
    if (!cluster.agree_within(600 * kSecond)) {
        verdict.wrong.push_back("not healed in ten minutes: " + cluster.disagreement());
    }
    count_time(cluster, mended, verdict);
}

void run_life(const Scale& scale, Verdict& verdict) {
    Cluster cluster({.members = scale.members, .timing = timing_of(scale), .seed = scale.seed});
    cluster.network().set({.loss = scale.loss_percent / 100.0});
    MemberWorld& world = cluster.world();
    const Number whom = cluster.dice().below(static_cast<unsigned>(scale.members));
    const std::uint32_t first = world.incarnation(whom, whom);
    const std::uint64_t began = world.now();
    world.at(whom).leave(world.now());
    if (!world.run_until([&] { return world.at(whom).left(); }, 30 * kSecond)) {
        verdict.wrong.emplace_back("it cannot leave");
    }
    world.crash(whom);
    if (!all_come_to_say(cluster, whom, "left", 10 * kSecond)) {
        verdict.wrong.emplace_back("it left, but not for all");
    }
    count_time(cluster, began, verdict);
    world.run(cluster.dice().between(0, 60) * kSecond);
    cluster.restart(whom);
    if (!cluster.agree_within(60 * kSecond)) {
        verdict.wrong.push_back("back from its leave: " + cluster.disagreement());
    }
    const std::uint32_t second = world.incarnation(whom, whom);
    world.crash(whom);
    if (!all_come_to_say(cluster, whom, "failed", 60 * kSecond)) {
        verdict.wrong.emplace_back("its crash was not seen");
    }
    const std::uint64_t away = cluster.dice().between(0, 60);
    world.run(away * kSecond);
    cluster.restart(whom);
    if (!cluster.agree_within(60 * kSecond)) {
        verdict.wrong.push_back("back from its crash: " + cluster.disagreement());
    }
    // While the others still tell of the crash, it must have said a higher one than that.
    if (away <= 15 && world.incarnation(whom, whom) <= second) {
        verdict.wrong.push_back("incarnations " + std::to_string(first) + ", " +
                                std::to_string(second) + ", " +
                                std::to_string(world.incarnation(whom, whom)));
    }
    world.run(60 * kSecond);
    if (const std::string excess = cluster.quiet_excess(); !excess.empty()) {
        verdict.wrong.push_back(excess);
    }
}

// Made-up members of versions that no Serf would have, members under others' addresses, and noise.
std::vector<std::uint8_t> poison(Dice& dice, Number victim) {
    switch (dice.below(4)) {
        case 0:
            return encode(Message(Alive{.incarnation = 1,
                                        .node = "ghost-" + std::to_string(dice.below(8)),
                                        .address = std::string("\x7f\0\0\1", 4),
                                        .port = 9'999,
                                        .versions = std::string("\1\5\2\0\0\0", 6)}));
        case 1:
            return encode(Message(Alive{.incarnation = 1'000,
                                        .node = MemberWorld::name_of(victim),
                                        .address = std::string("\x7f\0\0\1", 4),
                                        .port = 9'998,
                                        .versions = std::string("\1\5\2\2\5\5", 6)}));
        case 2:
            return encode(Message(Suspect{.incarnation = 0xffff'ffff,
                                          .node = "nobody",
                                          .from = MemberWorld::name_of(victim)}));
        default: {
            std::vector<std::uint8_t> noise(dice.between(1, 1'400));
            for (std::uint8_t& octet : noise) {
                octet = static_cast<std::uint8_t>(dice.below(256));
            }
            return noise;
        }
    }
}

void run_poison(const Scale& scale, Verdict& verdict) {
    constexpr std::uint64_t kEveryMs = 5;
    Cluster cluster({.members = scale.members, .timing = timing_of(scale), .seed = scale.seed});
    MemberWorld& world = cluster.world();
    Number joining = 0;
    std::uint64_t joined_ms = 0;
    const std::uint64_t began = world.now();
    const auto exchanges = [&](Number who) {
        return world.look(who).state->counters().received[static_cast<std::size_t>(
            MessageType::push_pull)];
    };
    std::vector<std::uint64_t> before;
    for (Number i = 0; i < scale.members; ++i) {
        before.push_back(exchanges(i));
    }
    while (world.now() < began + 120 * kSecond) {
        const Number victim = cluster.dice().below(static_cast<unsigned>(scale.members));
        const Number from = cluster.dice().below(static_cast<unsigned>(scale.members));
        world.inject_bytes(victim, from, poison(cluster.dice(), from));
        world.run(kEveryMs);
        if (joining == 0 && world.now() > began + 60 * kSecond) {
            joining = cluster.add();
        } else if (joining != 0 && joined_ms == 0 && cluster.disagreement().empty()) {
            joined_ms = world.now() - began - 60 * kSecond;
        }
    }
    verdict.seconds.push_back(static_cast<double>(joined_ms) / static_cast<double>(kSecond));
    if (joined_ms == 0 || joined_ms > 10 * kSecond) {
        verdict.wrong.push_back("one could not join: " + cluster.disagreement());
    }
    for (Number i = 0; i < scale.members; ++i) {
        if (exchanges(i) < before[i] + 2) {
            verdict.wrong.push_back(MemberWorld::name_of(i) + " has no push/pulls any more");
        }
    }
    if (!cluster.wrong_deaths().empty()) {
        verdict.wrong.emplace_back("members that run were taken for dead");
    }
    if (const std::string excess = cluster.excess(); !excess.empty()) {
        verdict.wrong.push_back(excess);
    }
}

}  // namespace posthaste::sim
