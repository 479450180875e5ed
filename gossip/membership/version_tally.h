// SPDX-License-Identifier: BSD-3-Clause
// VersionTally: which protocol and delegate versions members have, and whether a member may come in
// beside them. One that does not fit would stop every push/pull of memberlist's peers, who check
// all members that they know each time, dead ones too until they forget them; so it is kept out
// here.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "gossip/membership/message.h"

namespace posthaste::gossip::membership {

class VersionTally {
  public:
    // Six bytes here and below.
    void add(std::string_view versions) noexcept { change(versions, 1); }

    void remove(std::string_view versions) noexcept { change(versions, -1); }

    [[nodiscard]] bool fits(std::string_view versions) const noexcept {
        return versions.size() == std::tuple_size_v<Versions> && octet(versions, 0) != 0 &&
               half_fits(versions, 0) && half_fits(versions, 3);
    }

  private:
    using Counts = std::array<std::int32_t, 256>;

    static std::uint8_t octet(std::string_view versions, std::size_t at) noexcept {
        return static_cast<std::uint8_t>(versions[at]);
    }

    void change(std::string_view versions, std::int32_t by) noexcept {
        for (std::size_t i = 0; i < counts_.size() && i < versions.size(); ++i) {
            counts_[i][octet(versions, i)] += by;
        }
    }

    // min, max and current from `at` on.
    [[nodiscard]] bool half_fits(std::string_view versions, std::size_t at) const noexcept {
        const std::uint8_t min = octet(versions, at);
        const std::uint8_t max = octet(versions, at + 1);
        const std::uint8_t current = octet(versions, at + 2);
        if (min > current || current > max) {
            return false;
        }
        for (std::size_t version = 0; version < 256; ++version) {
            const bool outside = version < min || version > max;
            if ((counts_[at + 2][version] != 0 && outside) ||
                (counts_[at][version] != 0 && version > current) ||
                (counts_[at + 1][version] != 0 && version < current)) {
                return false;
            }
        }
        return true;
    }

    std::array<Counts, 6> counts_{};
};

}  // namespace posthaste::gossip::membership
