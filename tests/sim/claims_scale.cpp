// SPDX-License-Identifier: BSD-3-Clause
// Measures the route plane of a large cluster under virtual time, and fails where a goal is missed.
//
//   claims_scale [--routers N] [--agents PER_ROUTER] [--heal-agents PER_ROUTER] [--seconds N]
//
// Virtual times and bytes are the same in every run; processor times are only told. The suite runs
// a small size; the whole one is --agents 10000 --heal-agents 100000, and takes minutes and 8 GB.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/claims_cluster.h"
#include "tests/sim/claims_world.h"
#include "tests/support/numbered_id.h"
#include "tests/support/store_damage.h"

namespace {

using namespace posthaste;
namespace claims = gossip::claims;
using sim::ClaimsCluster;

constexpr double kPushGoalMs = 50;
constexpr double kHealGoalMs = 3'000;
constexpr double kSteadyGoal = 60'000;  // bytes a second into a router, at 1,000 changes a second
constexpr unsigned kSteadyRouters = 100;
constexpr unsigned kPushes = 20;
constexpr unsigned kHealRouters = 5;
constexpr unsigned kSets = 4;  // few, so that most agents of a router share theirs
constexpr std::uint64_t kSettleMs = 60'000;

struct Arguments {
    unsigned routers = 100;
    unsigned agents = 20;
    unsigned heal_agents = 4'000;
    unsigned seconds = 1;
};

double processor_s() {
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

bool told(const char* what, double value, double goal, const char* unit, double spent_s) {
    const bool reached = value <= goal;
    std::printf("%-58s %10.1f %s, goal: at most %.0f%s (%.2f s of processor)\n",
                what,
                value,
                unit,
                goal,
                reached ? "" : "  MISSED",
                spent_s);
    return reached;
}

claims::Attachment attachment(unsigned agent) {
    claims::Attachment made;
    made.offers.push_back(*routing::offer_from_text("tool/v" + std::to_string(agent % kSets)));
    return made;
}

void attach(ClaimsCluster& cluster, unsigned router, unsigned agent) {
    if (!cluster[router].own().attach(
            support::numbered_id(agent), attachment(agent), cluster.now_ms(router))) {
        std::printf("an agent was refused\n");
        std::exit(1);
    }
}

void must(bool holds, const char* what) {
    if (!holds) {
        std::printf("%s\n", what);
        std::exit(1);
    }
}

void tell_longest(ClaimsCluster& cluster, const char* during) {
    const sim::LongestCalls longest = cluster.take_longest();
    std::printf("  longest calls, %s:", during);
    for (std::size_t kind = 0; kind < longest.size(); ++kind) {
        std::printf(" %s %.2f ms", sim::kPlaneCallNames[kind], longest[kind]);
    }
    std::printf("\n");
}

// Fingerprints are those of the records, and nobody refused what a good router does not send.
void check(ClaimsCluster& cluster) {
    for (unsigned i = 0; i < cluster.size(); ++i) {
        for (const claims::DigestRow& row : cluster[i].store().rows()) {
            must(claims::StoreDamage::is_whole(cluster[i].store(), row.router),
                 "a fingerprint is not of its records");
        }
        for (const claims::Refusal refusal : {claims::Refusal::malformed,
                                              claims::Refusal::slow_peer,
                                              claims::Refusal::out_of_order,
                                              claims::Refusal::fingerprint_mismatch,
                                              claims::Refusal::store_full,
                                              claims::Refusal::unknown_set}) {
            must(cluster[i].counters().refused[static_cast<std::size_t>(refusal)] == 0,
                 "something was refused");
        }
        must(cluster[i].counters().fingerprint_mismatches == 0, "a fingerprint differs");
    }
}

bool known_everywhere(ClaimsCluster& cluster, unsigned agent, unsigned router) {
    for (unsigned i = 0; i < cluster.size(); ++i) {
        const auto best = cluster[i].store().best(support::numbered_id(agent));
        if (!best || number(best->router) != router + 1) {
            return false;
        }
    }
    return true;
}

// From the attach of one agent until all routers route to it; the slowest of some.
bool measure_push(ClaimsCluster& cluster, unsigned first_agent) {
    const double before = processor_s();
    std::uint64_t slowest = 0;
    for (unsigned i = 0; i < kPushes; ++i) {
        const unsigned router = i * 7 % cluster.size();
        attach(cluster, router, first_agent + i);
        const std::uint64_t start = cluster.now_ms();
        while (!known_everywhere(cluster, first_agent + i, router)) {
            cluster.tick();
            must(cluster.now_ms() < start + kSettleMs, "an update is not known to all");
        }
        slowest = std::max(slowest, cluster.now_ms() - start);
        cluster.tick();  // another phase of the timers
    }
    return told("an update known to all, slowest of 20",
                static_cast<double>(slowest),
                kPushGoalMs,
                "ms",
                processor_s() - before);
}

// Agents go and come back elsewhere, `per_second` changes in all, as many of either; bytes a second
// into the router that got most.
double steady_bytes(ClaimsCluster& cluster,
                    unsigned agents,
                    unsigned per_second,
                    unsigned seconds) {
    sim::Dice dice(per_second);
    std::vector<unsigned> at(agents, 0);  // router + 1, or 0
    for (unsigned agent = 0; agent < agents; ++agent) {
        at[agent] = agent % cluster.size() + 1;
    }
    unsigned owed = 0;
    std::optional<unsigned> away;
    for (unsigned i = 0; i < cluster.size(); ++i) {
        static_cast<void>(cluster.take_bytes_in(i));
    }
    for (unsigned ms = 0; ms < seconds * 1'000; ++ms) {
        for (owed += per_second; owed >= 1'000; owed -= 1'000) {
            if (away) {
                at[*away] = dice.below(cluster.size()) + 1;
                attach(cluster, at[*away] - 1, *away);
                away.reset();
                continue;
            }
            away = dice.below(agents);
            const unsigned router = at[*away] - 1;
            cluster[router].own().detach(support::numbered_id(*away), cluster.now_ms(router));
            at[*away] = 0;
        }
        cluster.tick();
    }
    std::uint64_t most = 0;
    for (unsigned i = 0; i < cluster.size(); ++i) {
        most = std::max(most, cluster.take_bytes_in(i));
    }
    // As it was, for whoever measures next.
    for (unsigned agent = 0; agent < agents; ++agent) {
        if (at[agent] != agent % cluster.size() + 1) {
            if (at[agent] != 0) {
                cluster[at[agent] - 1].own().detach(support::numbered_id(agent),
                                                    cluster.now_ms(at[agent] - 1));
            }
            attach(cluster, agent % cluster.size(), agent);
        }
    }
    must(cluster.settle(kSettleMs), "it does not settle");
    return static_cast<double>(most) / seconds;
}

bool measure_steady(ClaimsCluster& cluster, unsigned agents, unsigned seconds) {
    const double before = processor_s();
    const double all = steady_bytes(cluster, agents, 1'000, seconds);
    const double few_agents = steady_bytes(cluster, agents / 2, 1'000, seconds);
    const double half = steady_bytes(cluster, agents, 500, seconds);
    const double quarter = steady_bytes(cluster, agents, 250, seconds);
    const double spent = processor_s() - before;
    // Linear in changes, above what is paid for digests.
    const bool by_size = cluster.size() != kSteadyRouters ||
                         told("bytes a second into a router, 1,000 changes a second",
                              all,
                              kSteadyGoal,
                              "bytes",
                              spent);
    const bool by_agents = told("the same, of half as many agents, % more or less",
                                100 * std::abs(few_agents / all - 1),
                                5,
                                "%",
                                0);
    const bool by_changes = cluster.size() != kSteadyRouters ||
                            told("500 changes more beside twice 250 more, % apart",
                                 100 * std::abs((half - quarter) * 2 / (all - half) - 1),
                                 20,
                                 "%",
                                 0);
    return by_size && by_agents && by_changes;
}

// Two routers and three others that do not see each other, while each gets half of its agents; from
// the end of that until all know the same.
bool measure_heal(unsigned agents) {
    const double before = processor_s();
    ClaimsCluster cluster({.routers = kHealRouters,
                           .records_max = kHealRouters * agents + 1'000,
                           .time_calls = true});
    const auto attach_all = [&](unsigned from, unsigned to) {
        for (unsigned router = 0; router < kHealRouters; ++router) {
            for (unsigned i = from; i < to; ++i) {
                attach(cluster, router, router * agents + i);
            }
        }
    };
    attach_all(0, agents / 2);
    cluster.connect();
    must(cluster.settle(kSettleMs), "it does not settle");
    for (const unsigned router : {2U, 3U, 4U}) {
        cluster.set_side(router, 1);
    }
    cluster.connect();
    attach_all(agents / 2, agents);
    must(cluster.settle(kSettleMs), "a part does not settle");
    for (unsigned router = 0; router < kHealRouters; ++router) {
        cluster.set_side(router, 0);
    }
    tell_longest(cluster, "formation");
    const double at_heal = processor_s();
    const std::uint64_t start = cluster.now_ms();
    cluster.connect();
    must(cluster.settle(kSettleMs), "it does not heal");
    const bool reached = told("partition of 5 routers healed",
                              static_cast<double>(cluster.now_ms() - start),
                              kHealGoalMs,
                              "ms",
                              processor_s() - at_heal);
    tell_longest(cluster, "healing");
    check(cluster);
    std::printf(
        "  of %u agents a router; %.2f s of processor in all\n", agents, processor_s() - before);
    return reached;
}

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string word = argv[i];
        const auto value = static_cast<unsigned>(std::strtoul(argv[i + 1], nullptr, 10));
        if (word == "--routers") {
            arguments.routers = value;
        } else if (word == "--agents") {
            arguments.agents = value;
        } else if (word == "--heal-agents") {
            arguments.heal_agents = value;
        } else if (word == "--seconds") {
            arguments.seconds = value;
        } else {
            return false;
        }
    }
    return argc % 2 == 1 && arguments.routers > 1 && arguments.agents > 1 && arguments.seconds > 0;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (!parse(argc, argv, arguments)) {
        std::fprintf(stderr,
                     "usage: %s [--routers N] [--agents N] [--heal-agents N] [--seconds N]\n",
                     argv[0]);
        return 2;
    }
    bool good = arguments.heal_agents == 0 || measure_heal(arguments.heal_agents);
    const double before = processor_s();
    const unsigned agents = arguments.routers * arguments.agents;
    ClaimsCluster cluster({.routers = arguments.routers,
                           .records_max = agents + agents / 4 + arguments.routers * kSets * 2 +
                                          20'000 * arguments.seconds});
    for (unsigned agent = 0; agent < agents; ++agent) {
        attach(cluster, agent % arguments.routers, agent);
    }
    const std::uint64_t start = cluster.now_ms();
    cluster.connect();
    must(cluster.settle(kSettleMs), "it does not settle");
    std::printf(
        "%u routers with %u agents in all know each other's after %llu ms "
        "(%.2f s of processor)\n",
        arguments.routers,
        agents,
        static_cast<unsigned long long>(cluster.now_ms() - start),
        processor_s() - before);
    good = measure_push(cluster, agents) && good;
    good = measure_steady(cluster, agents, arguments.seconds) && good;
    check(cluster);
    return good ? 0 : 1;
}
