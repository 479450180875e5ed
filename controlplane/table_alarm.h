// SPDX-License-Identifier: BSD-3-Clause
// TableAlarm: tells when the table of agents and routes becomes full, and when it has room again.
//
// Control thread. Once each time: a full table in which agents come and go would otherwise be full
// and not full with every one of them, so there is room again only once a hundredth is free.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace posthaste::controlplane {

class TableAlarm {
  public:
    enum class Change : std::uint8_t { full, has_room };

    // None: nothing to tell.
    [[nodiscard]] std::optional<Change> observe(std::uint64_t used,
                                                std::uint64_t capacity) noexcept {
        const std::uint64_t margin = std::max<std::uint64_t>(capacity / 100, 1);
        if (!raised_ && used >= capacity) {
            raised_ = true;
            ++times_;
            return Change::full;
        }
        if (raised_ && used + margin <= capacity) {
            raised_ = false;
            return Change::has_room;
        }
        return std::nullopt;
    }

    [[nodiscard]] bool raised() const noexcept { return raised_; }

    // How often the table became full.
    [[nodiscard]] std::uint64_t times() const noexcept { return times_; }

  private:
    bool raised_ = false;
    std::uint64_t times_ = 0;
};

}  // namespace posthaste::controlplane
