// SPDX-License-Identifier: BSD-3-Clause
// Dice: the chance of a simulation, all from its seed.
#pragma once

#include <cstdint>
#include <random>

namespace posthaste::sim {

// Uniform numbers that are the same with every standard library.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    [[nodiscard]] std::uint64_t word() { return engine_(); }

    // 0 .. count - 1.
    [[nodiscard]] unsigned below(unsigned count) {
        return static_cast<unsigned>(engine_() % count);
    }

    [[nodiscard]] bool one_in(unsigned count) { return below(count) == 0; }

    // Both may come.
    [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
        return least + engine_() % (most - least + 1);
    }

    [[nodiscard]] bool chance(double part) {
        constexpr double kScale = 0x1p-53;
        return static_cast<double>(engine_() >> 11) * kScale < part;
    }

  private:
    std::mt19937_64 engine_;
};

}  // namespace posthaste::sim
