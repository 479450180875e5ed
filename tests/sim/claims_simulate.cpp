// SPDX-License-Identifier: BSD-3-Clause
// Runs random schedules of a cluster's route plane, each from its seed.
//
//   claims_simulate [--schedules N] [--first SEED] [--mutant NAME] [--must-fail]
//
// A failure prints its seed: --first SEED --schedules 1 is the same schedule again. With a mutant,
// one rule of the protocol is off; --must-fail then ends well at the first failure, and badly if
// there is none.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/claims_judge.h"

namespace {

using posthaste::gossip::claims::Mutations;

struct Arguments {
    std::uint64_t schedules = 2'000;
    std::uint64_t first = 1;
    bool must_fail = false;
    std::string mutant;
    Mutations mutations{};
};

bool set_mutant(Mutations& mutations, const std::string& name) {
    const std::pair<const char*, bool Mutations::*> known[] = {
        {"partial-publish", &Mutations::partial_publish},
        {"no-snapshot-below-floor", &Mutations::no_snapshot_below_floor},
        {"no-self-defence", &Mutations::no_self_defence},
        {"no-floor-check", &Mutations::no_floor_check},
        {"no-floor-check-snapshot", &Mutations::no_floor_check_snapshot},
        {"no-gap-check", &Mutations::no_gap_check},
        {"no-boot-nonce", &Mutations::no_boot_nonce},
    };
    for (const auto& [text, member] : known) {
        if (name == text) {
            mutations.*member = true;
            mutations.no_fingerprint_check = true;  // which would mend what it breaks
            return true;
        }
    }
    return false;
}

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool more = i + 1 < argc;
        if (word == "--must-fail") {
            arguments.must_fail = true;
        } else if (word == "--schedules" && more) {
            arguments.schedules = std::strtoull(argv[++i], nullptr, 10);
        } else if (word == "--first" && more) {
            arguments.first = std::strtoull(argv[++i], nullptr, 10);
        } else if (word == "--mutant" && more) {
            arguments.mutant = argv[++i];
            if (!set_mutant(arguments.mutations, arguments.mutant)) {
                return false;
            }
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (!parse(argc, argv, arguments)) {
        std::fprintf(stderr,
                     "usage: %s [--schedules N] [--first SEED] [--mutant NAME] "
                     "[--must-fail]\n",
                     argv[0]);
        return 2;
    }
    std::uint64_t failures = 0;
    for (std::uint64_t i = 0; i < arguments.schedules; ++i) {
        const std::uint64_t seed = arguments.first + i;
        const auto wrong = posthaste::sim::run_schedule(seed, arguments.mutations);
        if (wrong) {
            ++failures;
            std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), wrong->c_str());
            if (arguments.must_fail) {
                return 0;
            }
        }
    }
    std::printf("%llu schedules, %llu failed\n",
                static_cast<unsigned long long>(arguments.schedules),
                static_cast<unsigned long long>(failures));
    return arguments.must_fail || failures > 0 ? 1 : 0;
}
