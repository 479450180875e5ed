// SPDX-License-Identifier: BSD-3-Clause
// Everything at once, by chance: crashes, starts, leaves, pauses, cuts, loss and new tags. Then it
// is calm, and all must agree again.
#include <algorithm>

#include "tests/sim/membership_cluster.h"
#include "tests/sim/membership_scenarios.h"

namespace posthaste::sim {

using namespace gossip::membership;

namespace {

constexpr std::uint64_t kSecond = 1'000;

class Chaos {
  public:
    Chaos(const Scale& scale, Verdict& verdict)
        : verdict_(verdict),
          cluster_({.members = scale.members, .timing = timing_of(scale), .seed = scale.seed}),
          world_(cluster_.world()),
          tags_(scale.members) {}

    void run(std::uint64_t seconds);

  private:
    void step();
    void change_weather();
    void cut_somewhere();
    void judge();
    [[nodiscard]] bool tags_agree() const;

    Number anyone() { return cluster_.dice().below(static_cast<unsigned>(world_.size())); }

    Verdict& verdict_;
    Cluster cluster_;
    MemberWorld& world_;
    std::vector<Tags> tags_;
    unsigned changes_ = 0;
};

void Chaos::change_weather() {
    Dice& dice = cluster_.dice();
    cluster_.network().set({.loss = static_cast<double>(dice.below(40)) / 100,
                            .duplicated = static_cast<double>(dice.below(30)) / 100,
                            .late = static_cast<double>(dice.below(30)) / 100,
                            .delay_max_ms = dice.between(0, 50),
                            .late_ms = dice.between(0, 2'000)});
}

// One way or both, one pair or all of one member's.
void Chaos::cut_somewhere() {
    Dice& dice = cluster_.dice();
    const Number one = anyone();
    const bool whole = dice.one_in(3);
    const bool both = dice.one_in(2);
    for (Number other = whole ? 0 : anyone(); other < world_.size(); ++other) {
        cluster_.network().cut(one, other);
        if (both) {
            cluster_.network().cut(other, one);
        }
        if (!whole) {
            return;
        }
    }
}

void Chaos::step() {
    Dice& dice = cluster_.dice();
    const Number who = anyone();
    const bool up = world_.look(who).up;
    const bool leaving = world_.look(who).state->leaving();
    switch (dice.below(9)) {
        case 0:
            world_.crash(who);
            break;
        case 1:
        case 2:
            if (!up || leaving) {
                world_.crash(who);
                cluster_.restart(who);
                tags_[who] = {};
            }
            break;
        case 3:
            if (up) {
                world_.at(who).leave(world_.now());
            }
            break;
        case 4:
            if (up) {
                world_.pause(who, world_.now() + dice.between(100, 8'000), dice.one_in(2));
            }
            break;
        case 5:
            cut_somewhere();
            break;
        case 6:
            cluster_.network().mend();
            break;
        case 7:
            change_weather();
            break;
        default:
            if (up && !leaving) {
                tags_[who] = {{"n", std::to_string(++changes_)}};
                static_cast<void>(world_.at(who).set_tags(tags_[who]));
            }
            break;
    }
}

bool Chaos::tags_agree() const {
    for (Number who = 0; who < world_.size(); ++who) {
        for (Number whom = 0; whom < world_.size(); ++whom) {
            if (world_.look(who).up && world_.look(whom).up &&
                world_.look(who).state->member(MemberWorld::name_of(whom))->tags != tags_[whom]) {
                return false;
            }
        }
    }
    return true;
}

void Chaos::judge() {
    if (!cluster_.agree_within(900 * kSecond)) {
        verdict_.wrong.push_back("no agreement in 15 minutes of calm: " + cluster_.disagreement());
        return;
    }
    if (!tags_agree()) {
        verdict_.wrong.emplace_back("tags differ");
    }
    // What was in flight has its time; after that nobody has anything to say any more.
    world_.run(120 * kSecond);
    for (const std::string& wrong : {cluster_.disagreement(), cluster_.quiet_excess()}) {
        if (!wrong.empty()) {
            verdict_.wrong.push_back("later: " + wrong);
        }
    }
}

void Chaos::run(std::uint64_t seconds) {
    const std::uint64_t end = world_.now() + seconds * kSecond;
    while (world_.now() < end) {
        step();
        world_.run(cluster_.dice().between(100, 6'000));
        if (const std::string excess = cluster_.excess(); !excess.empty()) {
            verdict_.wrong.push_back(excess);
            return;
        }
    }
    cluster_.network().mend();
    cluster_.network().set({});
    // Two must be there that know of the others, or that the others know.
    for (Number i = 0; i < world_.size(); ++i) {
        if (world_.look(i).up && world_.look(i).state->leaving()) {
            world_.crash(i);
        }
        if (i < 2 && !world_.look(i).up) {
            cluster_.restart(i);
            tags_[i] = {};
        }
    }
    const std::uint64_t calm = world_.now();
    judge();
    verdict_.seconds.push_back(static_cast<double>(world_.now() - calm - 120 * kSecond) /
                               static_cast<double>(kSecond));
}

}  // namespace

void run_chaos(const Scale& scale, Verdict& verdict) {
    Chaos chaos(scale, verdict);
    chaos.run(scale.seconds);
}

}  // namespace posthaste::sim
