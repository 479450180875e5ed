// SPDX-License-Identifier: BSD-3-Clause
// What is in, what matches, and what becomes of a build. Which build is next: pattern_merge.cpp.
#include "routing/pattern_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "routing/check.h"

namespace posthaste::routing {

std::uint32_t expected_bytes(const ReadPattern& pattern) noexcept {
    return 2'048 + 128 * pattern.positions + 512 * std::min(pattern.wildcards, 100U);
}

PatternBuilt build_patterns(PatternBuild build) {
    std::vector<NumberedExpression> expressions;
    expressions.reserve(build.members.size());
    for (std::uint32_t i = 0; i < build.members.size(); ++i) {
        expressions.push_back({i, *build.members[i].expression});
    }
    auto database = PatternDatabase::compile(expressions, build.bytes_max);
    return {std::move(build), std::move(database)};
}

bool added_matches(const PatternDatabase& database,
                   std::span<const PatternMember> members,
                   std::string_view name,
                   PatternScratch& scratch) noexcept {
    std::array<std::uint32_t, kPatternMatchesMax> places;
    const auto found = database.match(name, scratch, places);
    return found.overflow || std::any_of(places.begin(),
                                         places.begin() + found.count,
                                         [members](std::uint32_t at) { return members[at].added; });
}

std::optional<std::string> PatternTable::refuse(std::uint64_t expected) const {
    if (bytes() + expected <= options_.bytes_max) {
        return std::nullopt;
    }
    return "the compiled patterns would take more than " + std::to_string(options_.bytes_max) +
           " bytes";
}

void PatternTable::add(std::uint32_t number, ReadPattern pattern, std::uint64_t now_ms) {
    const Entry entry{
        .generation = ++generations_,
        .cost = pattern.positions + std::min(pattern.wildcards, kPatternPositionsMax),
        .bytes = expected_bytes(pattern),
        .expression = std::make_shared<const std::string>(std::move(pattern.expression))};
    CHECK(entries_.emplace(number, entry).second);
    wait_again(number, now_ms);
}

void PatternTable::wait_again(std::uint32_t number, std::uint64_t now_ms) {
    Entry& entry = entries_.at(number);
    entry.shard = kWaits;
    if (waiting_count_ == 0) {
        waits_since_ms_ = now_ms;
    }
    ++waiting_count_;
    waiting_bytes_ += entry.bytes;
    waiting_.push_back({number, entry.generation});
}

bool PatternTable::remove(std::uint32_t number) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) {
        return false;
    }
    const Entry entry = std::move(found->second);
    entries_.erase(found);
    if (entry.shard == kWaits) {
        --waiting_count_;
        waiting_bytes_ -= entry.bytes;
    }
    for (Shard& shard : shards_) {
        if (shard.serial == entry.shard) {
            --shard.live;
            shard.cost -= entry.cost;
        }
    }
    drop_empty();
    merge_pays_ = true;
    failed_.erase(number);
    retry_failed();
    return true;
}

void PatternTable::retry_failed() {
    for (const auto& [number, why] : std::exchange(failed_, {})) {
        wait_again(number, waits_since_ms_);
    }
}

void PatternTable::set_options(const PatternTableOptions& options) {
    const bool more_room = options.bytes_max > options_.bytes_max;
    options_ = options;
    if (more_room) {
        retry_failed();
    }
}

PatternState PatternTable::state(std::uint32_t number) const {
    const std::uint64_t shard = entries_.at(number).shard;
    return shard == kWaits           ? PatternState::waiting
           : shard == kCannotBeBuilt ? PatternState::failed
                                     : PatternState::ready;
}

std::string_view PatternTable::failure(std::uint32_t number) const {
    const auto failed = failed_.find(number);
    return failed == failed_.end() ? std::string_view() : failed->second;
}

void PatternTable::drop_empty() {
    std::erase_if(shards_, [](const Shard& shard) { return shard.live == 0; });
}

std::uint64_t PatternTable::bytes() const noexcept {
    std::uint64_t bytes = waiting_bytes_;
    for (const Shard& shard : shards_) {
        bytes += shard.database->bytes();
    }
    return bytes;
}

// The entry of a member, unless its number is nobody's or another pattern's by now.
PatternTable::Entry* PatternTable::live(const PatternMember& member) {
    const auto found = entries_.find(member.number);
    return found != entries_.end() && found->second.generation == member.generation ? &found->second
                                                                                    : nullptr;
}

PatternTable::Adopted PatternTable::adopt(PatternBuilt built) {
    CHECK(std::exchange(building_, false));
    ++counts_.builds;
    counts_.merges += built.build.adds() ? 0 : 1;
    if (built.database.has_value() && !scratch_.fit(**built.database)) {
        built.database = tl::unexpected(PatternDatabase::Failure{
            PatternDatabase::kNoPattern, "no memory to match names with the compiled patterns"});
    }
    if (!built.database.has_value()) {
        ++counts_.failures;
        give_back(built.build, built.database.error());
        return {0, {}, std::move(built.database.error().reason)};
    }
    Adopted adopted;
    Shard shard{++serials_, std::move(*built.database), {}, 0, 0};
    const auto& replaces = built.build.replaces;
    for (PatternMember& member : built.build.members) {
        Entry* const entry = live(member);
        if (entry != nullptr) {
            entry->shard = shard.serial;
            ++shard.live;
            shard.cost += entry->cost;
            if (member.added) {
                --waiting_count_;
                waiting_bytes_ -= entry->bytes;
                adopted.added.push_back(member.number);
            }
        }
        member.expression = nullptr;
    }
    shard.members = std::move(built.build.members);
    std::erase_if(shards_, [&replaces](const Shard& old) {
        return std::find(replaces.begin(), replaces.end(), old.serial) != replaces.end();
    });
    adopted.database = adopted.added.empty() ? 0 : shard.serial;
    shards_.push_back(std::move(shard));
    drop_empty();
    build_max_ = kBuildPatternsMax;
    merge_pays_ = true;
    waits_since_ms_ = 0;  // who came meanwhile has waited enough
    return adopted;
}

// What was new waits again, fewer at a time; the one that is to blame does not.
void PatternTable::give_back(const PatternBuild& build, const PatternDatabase::Failure& failure) {
    if (!build.adds()) {
        merge_pays_ = false;
        return;
    }
    const auto added = static_cast<std::size_t>(
        std::count_if(build.members.begin(), build.members.end(), [](const PatternMember& member) {
            return member.added;
        }));
    for (std::size_t i = added; i-- > 0;) {
        const PatternMember& member = build.members[i];
        Entry* const entry = live(member);
        if (entry == nullptr) {
            continue;
        }
        // compile() numbers the members by their place.
        if (failure.number == i || (added == 1 && build.replaces.empty())) {
            entry->shard = kCannotBeBuilt;
            --waiting_count_;
            waiting_bytes_ -= entry->bytes;
            failed_.emplace(member.number, failure.reason);
        } else {
            waiting_.push_front({member.number, member.generation});
        }
    }
    build_max_ = std::max<std::size_t>(added / 2, 1);
}

// All are found before some are left out: what is gone takes nobody's place, and the same ones stay
// however the patterns lie in databases.
PatternDatabase::Matches PatternTable::match(std::string_view name,
                                             std::span<std::uint32_t> numbers) {
    found_.clear();
    for (const Shard& shard : shards_) {
        places_.resize(std::max(places_.size(), shard.members.size()));
        const auto found = shard.database->match(name, scratch_, places_);
        for (std::size_t i = 0; i < found.count; ++i) {
            const PatternMember& member = shard.members[places_[i]];
            if (live(member) != nullptr) {
                found_.push_back(member.number);
            }
        }
    }
    const std::size_t count = std::min(found_.size(), numbers.size());
    std::partial_sort_copy(found_.begin(),
                           found_.end(),
                           numbers.begin(),
                           numbers.begin() + static_cast<std::ptrdiff_t>(count));
    const bool overflow = count < found_.size();
    counts_.overflows += overflow ? 1 : 0;
    return {count, overflow};
}

bool PatternTable::added_match(const Adopted& adopted, std::string_view name) {
    const auto shard =
        std::find_if(shards_.begin(), shards_.end(), [&adopted](const Shard& candidate) {
            return candidate.serial == adopted.database;
        });
    return shard != shards_.end() &&
           added_matches(*shard->database, shard->members, name, scratch_);
}

}  // namespace posthaste::routing
