// SPDX-License-Identifier: BSD-3-Clause
// What happens to simulated clusters, and what must then be true.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/membership/options.h"

namespace posthaste::sim {

// How large a run is. Zero: as the scenario says.
struct Scale {
    std::uint64_t seed = 1;
    std::uint64_t seeds = 0;
    std::uint64_t members = 0;
    std::uint64_t seconds = 0;    // of virtual time
    unsigned loss_percent = 0;    // of datagrams
    unsigned slow = 0;            // members whose loop stands still time and again
    unsigned pause_seconds = 2;   // for so long at most
    bool fast = false;            // the fast profile
    bool plain_timeouts = false;  // suspects have the same time whoever confirms
    bool plain_swim = false;      // that, and nothing else of Lifeguard
};

// Of all seeds of a run.
struct Verdict {
    std::vector<std::string> wrong;
    std::vector<double> seconds;  // each time that was measured
    std::vector<std::string> notes;
};

struct Scenario {
    std::string_view name;
    std::string_view about;
    Scale scale;                                        // where the caller says nothing
    void (*run)(const Scale& scale, Verdict& verdict);  // one seed
    // Of a whole run, where the mean of all seeds counts; none: every seed by itself.
    double (*mean_goal)(const Scale& scale) = nullptr;
};

[[nodiscard]] std::span<const Scenario> scenarios();

// membership_measures.cpp
void run_update(const Scale& scale, Verdict& verdict);
[[nodiscard]] double update_goal(const Scale& scale);
void run_crash(const Scale& scale, Verdict& verdict);
[[nodiscard]] double crash_goal(const Scale& scale);
// membership_patience.cpp
void run_slow(const Scale& scale, Verdict& verdict);
void run_lifeguard(const Scale& scale, Verdict& verdict);
// membership_scenarios.cpp
void run_heal(const Scale& scale, Verdict& verdict);
void run_life(const Scale& scale, Verdict& verdict);
void run_poison(const Scale& scale, Verdict& verdict);
// membership_chaos.cpp
void run_chaos(const Scale& scale, Verdict& verdict);

[[nodiscard]] gossip::membership::Timing timing_of(const Scale& scale);
struct ClusterOptions;
// For scenarios that have little to say at once, which the forming of a large cluster has.
[[nodiscard]] ClusterOptions quiet_options_of(const Scale& scale);

}  // namespace posthaste::sim
