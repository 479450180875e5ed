// SPDX-License-Identifier: BSD-3-Clause
// CacheSwitch: whether a route cache pays. Pure: lookups and what they cost are arguments.
//
// A cache that misses costs its own probe on top, and whether it misses depends on the traffic. So
// the lcore measures: while the cache is off, a trial every so many lookups fills and times it;
// while it is on, a reference run in as many times lookups without it. The trials are what a cache
// that is off costs; at a 64th of the lookups, less each time, even a doubled price is under 2 %.
#pragma once

#include <algorithm>
#include <cstdint>

namespace posthaste::routing {

class CacheSwitch {
  public:
    static constexpr std::uint64_t kTrial = 1U << 15;       // lookups; the first half is not timed
    static constexpr std::uint64_t kTrialEvery = 1U << 21;  // lookups, to begin with: 64 trials
    static constexpr std::uint64_t kTrialEveryMax = 32 * kTrialEvery;
    static constexpr double kGainMin = 0.97;  // on below this share of the other cost

    // `trial`: lookups in one, at least kTrial; enough that a trial can fill the cache. The time
    // between trials grows with it.
    explicit CacheSwitch(std::uint64_t trial = kTrial) noexcept
        : scale_(std::max<std::uint64_t>(trial / kTrial, 1)), every_(kTrialEvery * scale_) {}

    // When a trial is first compared with something: the first one meets no other cost yet.
    [[nodiscard]] static std::uint64_t lookups_to_decide(std::uint64_t trial) noexcept {
        return (2 * kTrial + kTrialEvery) * std::max<std::uint64_t>(trial / kTrial, 1);
    }

    // How the next lookups are to be done.
    [[nodiscard]] bool with_cache() const noexcept { return on_ != trying_; }

    // Whether this is a time to fill the cache faster than sampling would.
    [[nodiscard]] bool filling() const noexcept { return trying_ && !on_; }

    [[nodiscard]] bool on() const noexcept { return on_; }

    [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

    // Whether each call is to be timed now; otherwise one now and then is enough.
    [[nodiscard]] bool timing() const noexcept { return trying_; }

    // As observe(), not timed.
    void pass(std::uint64_t lookups) noexcept {
        done_ += lookups;
        if (done_ >= (trying_ ? kTrial * scale_ : every_)) {
            next_phase();
        }
    }

    // `lookups` were just done as with_cache() said.
    void observe(std::uint64_t lookups, std::uint64_t cycles) noexcept {
        const bool timed = !trying_ || done_ + lookups > kTrial * scale_ / 2;
        if (timed && !stolen(lookups, cycles)) {
            Cost& cost = cost_[with_cache() ? 1 : 0];
            cost.lookups += lookups;
            cost.cycles += cycles;
        }
        pass(lookups);
    }

  private:
    struct Cost {
        std::uint64_t lookups = 0;
        std::uint64_t cycles = 0;

        [[nodiscard]] double each() const noexcept {
            return static_cast<double>(cycles) / static_cast<double>(lookups);
        }
    };

    // The core was taken away meanwhile: no lookup takes this long.
    [[nodiscard]] static bool stolen(std::uint64_t lookups, std::uint64_t cycles) noexcept {
        constexpr std::uint64_t kCyclesMax = 2'000;
        return cycles > lookups * kCyclesMax;
    }

    void next_phase() noexcept {
        done_ = 0;
        if (!trying_) {
            cost_[on_ ? 0 : 1] = {};  // what the trial will measure anew
            trying_ = true;
            return;
        }
        trying_ = false;
        if (cost_[0].lookups != 0 && cost_[1].lookups != 0) {
            const bool pays = cost_[1].each() < cost_[0].each() * (on_ ? 1.0 : kGainMin);
            turns_ += pays != on_ ? 1 : 0;
            // A cache that does not pay is tried less and less often.
            every_ =
                pays || on_ ? kTrialEvery * scale_ : std::min(every_ * 2, kTrialEveryMax * scale_);
            on_ = pays;
        }
        cost_[on_ ? 1 : 0] = {};
    }

    bool on_ = false;
    bool trying_ = true;  // begins with a trial
    std::uint64_t scale_;
    std::uint64_t every_;
    std::uint64_t done_ = 0;
    std::uint64_t turns_ = 0;
    Cost cost_[2];  // without, with
};

}  // namespace posthaste::routing
