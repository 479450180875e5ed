// SPDX-License-Identifier: BSD-3-Clause
// Runs clusters of members under virtual time, each from its seed, and says what took how long.
//
//   membership_simulate [--scenario NAME] [--seed N] [--seeds N] [--members N] [--seconds N]
//                       [--loss PERCENT] [--slow N] [--pause SECONDS] [--fast]
//                       [--plain-timeouts] [--plain-swim]
//
// A failure prints how to run that seed alone.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>

#include "tests/sim/membership_scenarios.h"

namespace {

using posthaste::sim::Scale;
using posthaste::sim::Scenario;
using posthaste::sim::Verdict;

struct Arguments {
    std::string scenario;  // empty: all
    Scale scale;
    std::optional<std::uint64_t> loss;
    std::optional<std::uint64_t> slow;
    std::uint64_t pause = 0;  // 0: as it is
    bool help = false;
};

bool number_of(const char* text, std::uint64_t& number) {
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, number);
    return error == std::errc() && stop == end;
}

bool parse(int argc, char** argv, Arguments& arguments) {
    Scale& scale = arguments.scale;
    std::uint64_t loss = 0;
    std::uint64_t slow = 0;
    using Option = std::pair<std::string, std::uint64_t*>;
    const Option numbers[] = {{"--seed", &scale.seed},
                              {"--seeds", &scale.seeds},
                              {"--members", &scale.members},
                              {"--seconds", &scale.seconds},
                              {"--loss", &loss},
                              {"--slow", &slow},
                              {"--pause", &arguments.pause}};
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const auto* const known = std::ranges::find(numbers, word, &Option::first);
        if (known != std::end(numbers) && i + 1 < argc) {
            if (!number_of(argv[++i], *known->second)) {
                return false;
            }
            if (known->second == &loss) {
                arguments.loss = loss;
            } else if (known->second == &slow) {
                arguments.slow = slow;
            }
        } else if (word == "--scenario" && i + 1 < argc) {
            arguments.scenario = argv[++i];
        } else if (word == "--fast") {
            scale.fast = true;
        } else if (word == "--plain-timeouts") {
            scale.plain_timeouts = true;
        } else if (word == "--plain-swim") {
            scale.plain_swim = true;
        } else if (word == "--help") {
            arguments.help = true;
        } else {
            return false;
        }
    }
    return scale.members != 1 && loss <= 100;
}

void print_usage(const char* program, std::FILE* to) {
    std::fprintf(to,
                 "usage: %s [--scenario NAME] [--seed FIRST] [--seeds N] [--members N]\n"
                 "       [--seconds N] [--loss PERCENT] [--slow N] [--pause SECONDS] [--fast]\n"
                 "       [--plain-timeouts] [--plain-swim]\n\n",
                 program);
    for (const Scenario& scenario : posthaste::sim::scenarios()) {
        std::fprintf(to,
                     "  %-9.*s %.*s\n",
                     static_cast<int>(scenario.name.size()),
                     scenario.name.data(),
                     static_cast<int>(scenario.about.size()),
                     scenario.about.data());
    }
}

Scale scale_of(const Scenario& scenario, const Arguments& arguments) {
    Scale scale = arguments.scale;
    scale.seeds = scale.seeds != 0 ? scale.seeds : scenario.scale.seeds;
    scale.members = scale.members != 0 ? scale.members : scenario.scale.members;
    scale.seconds = scale.seconds != 0 ? scale.seconds : scenario.scale.seconds;
    scale.loss_percent =
        static_cast<unsigned>(arguments.loss.value_or(scenario.scale.loss_percent));
    scale.slow = static_cast<unsigned>(arguments.slow.value_or(scenario.scale.slow));
    scale.pause_seconds =
        arguments.pause != 0 ? static_cast<unsigned>(arguments.pause) : scale.pause_seconds;
    return scale;
}

void print_replay(const Scenario& scenario, const Scale& scale) {
    std::printf(
        "  again: membership_simulate --scenario %.*s --seed %llu --seeds 1 "
        "--members %llu --seconds %llu --loss %u --slow %u --pause %u%s%s%s\n",
        static_cast<int>(scenario.name.size()),
        scenario.name.data(),
        static_cast<unsigned long long>(scale.seed),
        static_cast<unsigned long long>(scale.members),
        static_cast<unsigned long long>(scale.seconds),
        scale.loss_percent,
        scale.slow,
        scale.pause_seconds,
        scale.fast ? " --fast" : "",
        scale.plain_timeouts ? " --plain-timeouts" : "",
        scale.plain_swim ? " --plain-swim" : "");
}

// False: something was wrong.
bool judge_mean(const Scenario& scenario, const Scale& scale, std::vector<double> seconds) {
    if (seconds.empty()) {
        return scenario.mean_goal == nullptr;
    }
    std::ranges::sort(seconds);
    const double mean =
        std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(seconds.size());
    std::printf("  %zu times: mean %.2f s, median %.2f, 95 %% %.2f, least %.2f, most %.2f\n",
                seconds.size(),
                mean,
                seconds[seconds.size() / 2],
                seconds[seconds.size() * 95 / 100],
                seconds.front(),
                seconds.back());
    if (scenario.mean_goal != nullptr && mean > scenario.mean_goal(scale)) {
        std::printf("  WRONG: the mean is to be at most %.2f s\n", scenario.mean_goal(scale));
        return false;
    }
    return true;
}

// False: something was wrong.
bool run(const Scenario& scenario, const Scale& scale) {
    std::printf("%.*s: %llu seeds from %llu, %llu members, %u %% lost\n",
                static_cast<int>(scenario.name.size()),
                scenario.name.data(),
                static_cast<unsigned long long>(scale.seeds),
                static_cast<unsigned long long>(scale.seed),
                static_cast<unsigned long long>(scale.members),
                scale.loss_percent);
    bool good = true;
    std::vector<double> seconds;
    for (std::uint64_t i = 0; i < scale.seeds; ++i) {
        Scale one = scale;
        one.seed += i;
        Verdict verdict;
        scenario.run(one, verdict);
        seconds.insert(seconds.end(), verdict.seconds.begin(), verdict.seconds.end());
        for (const std::string& note : verdict.notes) {
            std::printf(
                "  seed %llu: %s\n", static_cast<unsigned long long>(one.seed), note.c_str());
        }
        for (const std::string& wrong : verdict.wrong) {
            std::printf("  WRONG, seed %llu: %s\n",
                        static_cast<unsigned long long>(one.seed),
                        wrong.c_str());
        }
        if (!verdict.wrong.empty()) {
            good = false;
            print_replay(scenario, one);
        }
    }
    return judge_mean(scenario, scale, std::move(seconds)) && good;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (!parse(argc, argv, arguments) || arguments.help) {
        print_usage(argv[0], arguments.help ? stdout : stderr);
        return arguments.help ? 0 : 2;
    }
    bool good = true;
    bool found = false;
    for (const Scenario& scenario : posthaste::sim::scenarios()) {
        if (arguments.scenario.empty() || arguments.scenario == scenario.name) {
            found = true;
            good = run(scenario, scale_of(scenario, arguments)) && good;
        }
    }
    if (!found) {
        print_usage(argv[0], stderr);
        return 2;
    }
    return good ? 0 : 1;
}
