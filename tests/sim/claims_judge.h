// SPDX-License-Identifier: BSD-3-Clause
// ClaimsJudge: what must hold in a ClaimsWorld at every instant, and at rest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "tests/sim/claims_world.h"

namespace posthaste::sim {

class ClaimsJudge {
  public:
    // The first thing that is wrong. Positions never go back; equal positions have equal content;
    // what changes alone have told is who wins.
    [[nodiscard]] std::optional<std::string> at_any_time(const ClaimsWorld& world);
    // All that are up know the same, each as its router does; an agent with a session is routed
    // to a router that holds one, and any other to none.
    [[nodiscard]] std::optional<std::string> at_rest(const ClaimsWorld& world) const;

  private:
    using Place = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;

    [[nodiscard]] std::optional<std::string> check_rows(const Router& router);
    [[nodiscard]] static std::optional<std::string> check_refusals(const Router& router);

    std::map<Place, std::uint64_t> contents_;  // fingerprints by router and position
    // By who knows, its life and how often it forgot, and whose it is.
    std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, claims::Position> reached_;
};

// One schedule from a seed. The failure, if there is one; `steps_max` 0: as many as the seed says.
[[nodiscard]] std::optional<std::string> run_schedule(std::uint64_t seed,
                                                      const claims::Mutations& mutations);

}  // namespace posthaste::sim
