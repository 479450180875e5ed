// SPDX-License-Identifier: BSD-3-Clause
// A simulated cluster of whole members (SWIM and the Serf layer), with what its judges look at: who
// heard of what and when, and who was taken for dead though it runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/membership_network.h"

namespace posthaste::sim {

struct ClusterOptions {
    std::size_t members = 5;
    gossip::membership::Timing timing = gossip::membership::lan_timing();
    std::uint64_t seed = 1;
    gossip::membership::MembershipLimits limits{};
    gossip::membership::Lifeguard lifeguard{};
};

class Cluster {
  public:
    // Forms it: at the end all know all, and nothing is left to say.
    explicit Cluster(const ClusterOptions& options);

    [[nodiscard]] MemberWorld& world() { return world_; }

    [[nodiscard]] Network& network() { return network_; }

    [[nodiscard]] Dice& dice() { return dice_; }

    [[nodiscard]] gossip::membership::MembershipOptions options_of(Number number) const;
    // One more, that has to find the others by its seed.
    Number add();

    void restart(Number number) { world_.restart(number, options_of(number)); }

    // How many saw that happen to `whom` since watch(); each counts once.
    void watch(gossip::membership::MemberEventKind kind, Number whom);

    [[nodiscard]] std::size_t seen() const { return seen_; }

    // Until so many saw it, to the millisecond. False: not in that time.
    [[nodiscard]] bool wait_seen(std::size_t count, std::uint64_t ms);

    struct WrongDeath {
        std::uint64_t ms = 0;
        Number who = 0;
        Number whom = 0;
    };

    // Members that run, taken for dead; the first ones.
    [[nodiscard]] const std::vector<WrongDeath>& wrong_deaths() const { return wrong_deaths_; }

    // What of the members that run is not as it should be: every other one that runs is alive at
    // each, by its last incarnation; every other is not. Empty: all well.
    [[nodiscard]] std::string disagreement() const;
    [[nodiscard]] bool agree_within(std::uint64_t ms);
    // What is held beyond its limit, or for nothing once it is calm. Empty: all well.
    [[nodiscard]] std::string excess() const;
    [[nodiscard]] std::string quiet_excess() const;

  private:
    void form_by_joining();
    void form_by_telling();
    void on_event(Number who, const gossip::membership::MemberEvent& event);

    ClusterOptions options_;
    MemberWorld world_;
    Network network_;
    Dice dice_;
    gossip::membership::MemberEventKind watched_kind_{};
    std::string watched_;
    std::vector<bool> saw_;
    std::size_t seen_ = 0;
    std::vector<WrongDeath> wrong_deaths_;
};

}  // namespace posthaste::sim
