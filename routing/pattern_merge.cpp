// SPDX-License-Identifier: BSD-3-Clause
// PatternTable: which databases are built next, and of which patterns.
#include <algorithm>
#include <utility>

#include "routing/pattern_table.h"

namespace posthaste::routing {

namespace {

// So many databases may there be while new patterns keep coming; above that, merging goes first
// every other time.
constexpr std::size_t kDatabasesEasy = 48;

}  // namespace

std::optional<std::uint64_t> PatternTable::next_due_ms() const {
    if (building_) {
        return std::nullopt;
    }
    if (merge_pays_ && waiting_count_ == 0) {
        return 0;
    }
    return waiting_count_ == 0 ? std::nullopt
                               : std::optional(waits_since_ms_ + options_.coalesce_ms);
}

std::optional<PatternBuild> PatternTable::next_build(std::uint64_t now_ms) {
    const auto due = next_due_ms();
    if (!due || *due > now_ms) {
        return std::nullopt;
    }
    const std::size_t full = entries_.size() / kBuildPatternsMax * 2;
    const bool many = shards_.size() > kDatabasesEasy + full;
    PatternBuild build;
    if (waiting_count_ == 0 || (many && std::exchange(merge_first_, false))) {
        build = build_of_merge();
        merge_pays_ = !build.members.empty();
    }
    if (build.members.empty() && waiting_count_ > 0) {
        build = build_of_waiting();
        merge_first_ = many;
    }
    if (build.members.empty()) {
        return std::nullopt;
    }
    std::uint64_t kept = 0;
    for (const Shard& shard : shards_) {
        const auto& replaces = build.replaces;
        const bool stays =
            std::find(replaces.begin(), replaces.end(), shard.serial) == replaces.end();
        kept += stays ? shard.database->bytes() : 0;
    }
    build.bytes_max = options_.bytes_max - std::min(options_.bytes_max, kept);
    building_ = true;
    return build;
}

void PatternTable::take_in(PatternBuild& build, Shard& shard) {
    build.replaces.push_back(shard.serial);
    for (const PatternMember& member : shard.members) {
        if (const Entry* const entry = live(member)) {
            build.members.push_back({member.number, member.generation, false, entry->expression});
        }
    }
}

void PatternTable::sort_by_size() {
    std::sort(shards_.begin(), shards_.end(), [](const Shard& a, const Shard& b) {
        return std::pair(a.live, a.serial) < std::pair(b.live, b.serial);
    });
}

PatternBuild PatternTable::build_of_waiting() {
    PatternBuild build;
    std::uint64_t cost = 0;
    while (!waiting_.empty() && build.members.size() < build_max_) {
        const Waiting next = waiting_.front();
        const Entry* const entry = live({next.number, next.generation, true, nullptr});
        if (entry != nullptr) {
            if (!build.members.empty() && cost + entry->cost > kBuildCostMax) {
                break;
            }
            cost += entry->cost;
            build.members.push_back({next.number, next.generation, true, entry->expression});
        }
        waiting_.pop_front();
    }
    if (build_max_ < kBuildPatternsMax) {
        return build;  // the last one failed: nothing is risked that works
    }
    sort_by_size();
    for (Shard& shard : shards_) {
        cost += shard.cost;
        if (build.members.size() + shard.live > kQuickPatternsMax || cost > kBuildCostMax) {
            break;
        }
        take_in(build, shard);
    }
    return build;
}

// Ascending by size, each at most twice as large as those before it together: so a pattern is
// compiled again only when the number it is compiled with has grown by half.
PatternBuild PatternTable::build_of_merge() {
    sort_by_size();
    for (std::size_t first = 0; first < shards_.size(); ++first) {
        std::size_t live_together = shards_[first].live;
        std::uint64_t cost = shards_[first].cost;
        std::size_t end = first + 1;
        for (; end < shards_.size(); ++end) {
            cost += shards_[end].cost;
            if (shards_[end].live > 2 * live_together || cost > kBuildCostMax ||
                live_together + shards_[end].live > kBuildPatternsMax) {
                break;
            }
            live_together += shards_[end].live;
        }
        // Alone: to be rid of patterns that are gone.
        if (end > first + 1 || shards_[first].members.size() > 2 * shards_[first].live) {
            PatternBuild build;
            for (std::size_t i = first; i < end; ++i) {
                take_in(build, shards_[i]);
            }
            return build;
        }
    }
    return {};
}

}  // namespace posthaste::routing
