// SPDX-License-Identifier: BSD-3-Clause
// The index's names that nobody offers but by pattern.
#include <algorithm>
#include <utility>

#include "routing/capability_index.h"
#include "routing/capability_name.h"

namespace posthaste::routing {

bool CapabilityIndex::put_matched(const AgentId& id,
                                  std::span<const std::uint32_t> patterns,
                                  std::uint32_t version) {
    if (names_.find(id) != 0) {
        return false;
    }
    std::vector<std::uint32_t> wanted(patterns.begin(), patterns.end());
    std::sort(wanted.begin(), wanted.end());
    std::erase_if(wanted, [this](std::uint32_t pattern) { return set_of(pattern) == 0; });
    const std::uint32_t number = wanted.empty() ? 0 : match_of(std::move(wanted));
    if (number == 0) {
        return false;
    }
    matches_[number - 1].names.insert(id);
    if (!put_entry(id, matches_[number - 1].set, 0, version)) {
        if (const auto held = matched_.find(id); held == matched_.end() || held->second != number) {
            leave(number, id);
        }
        return false;
    }
    const std::uint32_t before = std::exchange(matched_[id], number);
    if (before != number) {
        leave(before, id);
    }
    return true;
}

bool CapabilityIndex::put_unmatched(const AgentId& id,
                                    std::uint32_t until_ms,
                                    std::uint32_t version) {
    if (names_.find(id) != 0 || !put_entry(id, 0, until_ms == 0 ? 1 : until_ms, version)) {
        return false;
    }
    leave(std::exchange(matched_[id], 0U), id);
    return true;
}

void CapabilityIndex::forget(const AgentId& id) {
    const auto held = matched_.find(id);
    if (held == matched_.end()) {
        return;
    }
    const AgentId name = id;  // the caller's may lie in the map
    const std::uint32_t match = held->second;
    fib_.remove(capability_key(name));
    matched_.erase(held);
    leave(match, name);
}

// The match of exactly these patterns, made now if need be; 0: no set is free.
std::uint32_t CapabilityIndex::match_of(std::vector<std::uint32_t> patterns) {
    const auto [held, added] = match_numbers_.try_emplace(std::move(patterns), 0);
    if (!added) {
        return held->second;
    }
    const bool alone = held->first.size() == 1;
    const std::uint32_t set = alone ? set_of(held->first.front()) : sets_.take_number();
    if (set == 0) {
        match_numbers_.erase(held);
        return 0;
    }
    if (free_matches_.empty()) {
        matches_.emplace_back();
        free_matches_.push_back(static_cast<std::uint32_t>(matches_.size()));
    }
    held->second = free_matches_.back();
    free_matches_.pop_back();
    Match& match = matches_[held->second - 1];
    match.patterns = held->first;
    match.set = set;
    for (const std::uint32_t pattern : match.patterns) {
        place(pattern).matches.push_back(held->second);
    }
    static_cast<void>(remake(match));
    return held->second;
}

// Gives how many providers it has.
std::size_t CapabilityIndex::remake(Match& match) {
    if (match.patterns.size() == 1) {
        return 0;
    }
    std::vector<const ProviderSet*> parts;
    for (const std::uint32_t pattern : match.patterns) {
        parts.push_back(providers_of(pattern));
    }
    std::erase(parts, nullptr);
    auto next = ProviderSet::make_union(parts);
    const std::size_t size = next->providers().size();
    sets_.publish(match.set, std::move(next));
    ++counts_.published;
    return size;
}

// The last name to leave a match takes it along. 0: it had none.
void CapabilityIndex::leave(std::uint32_t match_number, const AgentId& id) {
    if (match_number == 0) {
        return;
    }
    Match& match = matches_[match_number - 1];
    match.names.erase(id);
    if (!match.names.empty()) {
        return;
    }
    for (const std::uint32_t pattern : match.patterns) {
        std::erase(place(pattern).matches, match_number);
    }
    match_numbers_.erase(match.patterns);
    if (match.patterns.size() > 1) {
        sets_.give_back(match.set);
    }
    match = Match{};
    free_matches_.push_back(match_number);
}

// One of its patterns is no more: its names are to be matched anew.
void CapabilityIndex::dissolve(std::uint32_t match_number) {
    const std::vector<AgentId> names(matches_[match_number - 1].names.begin(),
                                     matches_[match_number - 1].names.end());
    for (const AgentId& name : names) {
        forget(name);
    }
}

}  // namespace posthaste::routing
