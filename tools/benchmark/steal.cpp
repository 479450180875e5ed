// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/steal.h"

#include <algorithm>

namespace posthaste::tools {

void StealCount::add(const StealCount& other) noexcept {
    gaps += other.gaps;
    cycles += other.cycles;
    longest = std::max(longest, other.longest);
}

void LoopWatch::note(std::uint64_t gap) noexcept {
    count_.add({1, gap, gap});
}

bool StealReader::overlaps(std::uint64_t from, std::uint64_t to) noexcept {
    const auto windows = log_.windows();
    while (next_ < windows.size() && windows[next_].end < from) {
        ++next_;
    }
    return next_ < windows.size() && windows[next_].start <= to;
}

std::uint64_t spoilt_cycles(const StealLog& one,
                            const StealLog& other,
                            std::uint64_t from,
                            std::uint64_t to) noexcept {
    std::uint64_t sum = 0;
    for (const StealLog* const log : {&one, &other}) {
        for (const auto& [start, end] : log->windows()) {
            if (end > from && start < to) {
                sum += std::min(end, to) - std::max(start, from);
            }
        }
    }
    return std::min(sum, to - from);
}

}  // namespace posthaste::tools
