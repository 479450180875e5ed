// SPDX-License-Identifier: BSD-3-Clause
// FakeCluster: a cluster of three routers and a Serf agent, whose route planes are real.
//
// This router is "west-1"; "west-2" is connected, "west-3" failed. Agent 1 is claimed by the first
// two, agents 2 and 3 by the second, and agent 3 moved here too often. Time passes, and what waits
// is carried, whenever it is asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlplane/cluster/cluster_commands.h"
#include "tests/support/plane_pair.h"

namespace posthaste::test {

class FakeCluster final : public controlplane::ClusterSource {
  public:
    static constexpr unsigned kTurnsToAnswer = 4;

    FakeCluster();

    [[nodiscard]] std::string node() const override { return "west-1"; }

    [[nodiscard]] std::string name() const override { return "lab"; }

    [[nodiscard]] std::uint16_t port() const override { return 7'946; }

    [[nodiscard]] std::vector<gossip::membership::MemberView> members() const override;
    [[nodiscard]] std::vector<controlplane::RouterMember> routers() const override;
    [[nodiscard]] const controlplane::RouterMember* router(
        gossip::claims::RouterId id) const override;

    [[nodiscard]] const gossip::membership::MembershipCounters& counters() const override {
        return counters_;
    }

    [[nodiscard]] controlplane::ClusterCounters sockets() const override { return {}; }

    [[nodiscard]] controlplane::ClusterRoutesCounts feed() const override { return {}; }

    [[nodiscard]] unsigned health_score() const override { return 1; }

    [[nodiscard]] std::size_t keys() const override { return 2; }

    [[nodiscard]] gossip::claims::RoutePlane& routes() override { return group[1]; }

    [[nodiscard]] std::uint64_t now_ms() const override;

    [[nodiscard]] std::uint64_t claims_ms() const override { return group.now_ms; }

    void join(const std::vector<gossip::membership::SocketAddress>& seeds) override {
        joined = seeds;
    }

    void leave() override { left = true; }

    [[nodiscard]] bool leaving() const override { return left; }

    [[nodiscard]] tl::expected<void, std::string> force_leave(std::string_view member,
                                                              bool prune) override;
    [[nodiscard]] tl::expected<std::uint32_t, std::string> ask_keys(
        gossip::membership::KeyAction action, std::string_view key) override;

    // Either of the two lacks a change of the other, and from now on they are never quite equal.
    void fall_apart();

    // Who is told the answers; null: nobody answers.
    controlplane::ClusterCommands* answers_to = nullptr;
    mutable support::PlaneGroup group{2};
    std::vector<gossip::membership::SocketAddress> joined;
    std::string forced;
    std::string asked_key;
    bool left = false;
    bool carries = true;  // bytes between the routers

  private:
    void attach(std::size_t router, std::uint64_t agent) const;

    gossip::membership::MembershipCounters counters_;
    std::vector<controlplane::RouterMember> routers_;
    mutable std::optional<gossip::membership::KeyAnswers> answer_;
    std::uint32_t asked_ = 0;
    mutable unsigned answer_in_ = 0;
    bool changes_ = false;
    mutable std::uint64_t next_agent_ = 1'000;
};

}  // namespace posthaste::test
