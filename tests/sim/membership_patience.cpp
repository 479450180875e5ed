// SPDX-License-Identifier: BSD-3-Clause
// Who is taken for dead though it runs, where datagrams are lost and members are slow; and how many
// more that would be without Lifeguard.
#include <algorithm>

#include "tests/sim/membership_cluster.h"
#include "tests/sim/membership_scenarios.h"

namespace posthaste::sim {

using namespace gossip::membership;

namespace {

struct Deaths {
    std::size_t of_slow = 0;    // for others
    std::size_t by_slow = 0;    // others, for a slow one
    std::size_t unrelated = 0;  // no slow one has to do with it
    std::uint64_t suspicions = 0;
    std::uint64_t refutations = 0;
    std::string excess;

    [[nodiscard]] std::size_t all() const { return of_slow + by_slow + unrelated; }

    [[nodiscard]] std::string text() const {
        return "suspicions " + std::to_string(suspicions) + ", refutations " +
               std::to_string(refutations) + ", slow ones dead for others " +
               std::to_string(of_slow) + " times, others for them " + std::to_string(by_slow) +
               ", others for others " + std::to_string(unrelated);
    }
};

// The first ones of them. Each stands still for a second or more, is awake for up to three, and
// reads what arrived meanwhile before or after its timers.
class SlowOnes {
  public:
    SlowOnes(Cluster& cluster, const Scale& scale)
        : cluster_(cluster), most_ms_(scale.pause_seconds * 1'000ULL), due_ms_(scale.slow) {}

    // Until then, or until something is held beyond its limit, which it says.
    [[nodiscard]] std::string run(std::uint64_t end_ms);

  private:
    Cluster& cluster_;
    std::uint64_t most_ms_;
    std::vector<std::uint64_t> due_ms_;  // of each, when it stands still next
};

std::string SlowOnes::run(std::uint64_t end_ms) {
    constexpr std::uint64_t kLeastMs = 1'000;
    constexpr std::uint64_t kAwakeMaxMs = 3'000;
    constexpr std::uint64_t kStepMs = 100;
    MemberWorld& world = cluster_.world();
    std::string excess;
    while (world.now() < end_ms && excess.empty()) {
        for (Number slow = 0; slow < due_ms_.size(); ++slow) {
            if (due_ms_[slow] <= world.now()) {
                const std::uint64_t until =
                    world.now() + cluster_.dice().between(kLeastMs, most_ms_);
                world.pause(slow, until, cluster_.dice().one_in(2));
                due_ms_[slow] = until + cluster_.dice().between(0, kAwakeMaxMs);
            }
        }
        world.run(kStepMs);
        excess = cluster_.excess();
    }
    return excess;
}

Deaths count_deaths(const Scale& scale) {
    Cluster cluster(quiet_options_of(scale));
    cluster.network().set({.loss = scale.loss_percent / 100.0});
    MemberWorld& world = cluster.world();
    Deaths deaths;
    deaths.excess = SlowOnes(cluster, scale).run(world.now() + scale.seconds * 1'000);
    for (Number i = 0; i < world.size(); ++i) {
        deaths.suspicions += world.look(i).state->counters().suspicions;
        deaths.refutations += world.look(i).state->counters().refutations;
    }
    for (const Cluster::WrongDeath& death : cluster.wrong_deaths()) {
        ++(death.whom < scale.slow  ? deaths.of_slow
           : death.who < scale.slow ? deaths.by_slow
                                    : deaths.unrelated);
    }
    return deaths;
}

}  // namespace

void run_slow(const Scale& scale, Verdict& verdict) {
    const Deaths deaths = count_deaths(scale);
    verdict.notes.push_back(deaths.text());
    if (!deaths.excess.empty()) {
        verdict.wrong.push_back(deaths.excess);
    }
    if (deaths.unrelated > 0) {
        verdict.wrong.emplace_back("members were dead for others, and neither was slow");
    }
}

// Lifeguard's paper: over 50 times fewer than with SWIM.
void run_lifeguard(const Scale& scale, Verdict& verdict) {
    constexpr std::size_t kTimesFewer = 50;
    Scale plain = scale;
    plain.plain_swim = true;
    const Deaths with = count_deaths(scale);
    const Deaths without = count_deaths(plain);
    verdict.notes.push_back("with it: " + with.text());
    verdict.notes.push_back("without: " + without.text());
    if (without.all() < kTimesFewer * std::max<std::size_t>(with.all(), 1)) {
        verdict.wrong.push_back("dead though they run: " + std::to_string(with.all()) +
                                " times with Lifeguard, " + std::to_string(without.all()) +
                                " without");
    }
}

}  // namespace posthaste::sim
