// SPDX-License-Identifier: BSD-3-Clause
#include "routing/pattern_names.h"

#include <algorithm>
#include <utility>

#include "routing/mix.h"

namespace posthaste::routing {

std::size_t PatternNames::VectorHash::operator()(
    const std::vector<std::uint32_t>& v) const noexcept {
    std::uint64_t hash = v.size();
    for (const std::uint32_t number : v) {
        hash = mix(hash * kMixStep + number);
    }
    return hash;
}

PatternNames::PatternNames(const PatternNamesOptions& options, const KeyHash::Key& key)
    : options_(options), by_id_(0, KeyedIdHash{KeyHash(key)}) {}

PatternNames::~PatternNames() = default;

void PatternNames::set_options(const PatternNamesOptions& options) {
    options_ = options;
    while (matched_.count > options_.matched_max) {
        drop(*matched_.names.first());
    }
    while (unmatched_.count > options_.unmatched_max) {
        drop(*unmatched_.names.first());
    }
}

PatternNames::Found PatternNames::find(const AgentId& id, std::uint64_t now_ms) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) {
        return {};
    }
    const Name& name = *found->second;
    if (name.combination != nullptr) {
        return {true, name.combination->first, 0};
    }
    return name.until_ms > now_ms ? Found{true, {}, name.until_ms} : Found{};
}

PatternNames::Found PatternNames::put(const AgentId& id,
                                      std::string_view name,
                                      std::span<const std::uint32_t> patterns,
                                      std::uint64_t now_ms) {
    auto& place = by_id_[id];
    if (place != nullptr) {
        leave(*place);
    } else {
        place = std::make_unique<Name>(Name{.id = id, .text = std::string(name)});
    }
    Name& put = *place;
    put.sequence = ++sequence_;
    put.until_ms = patterns.empty() ? now_ms + options_.unmatched_ttl_ms : 0;
    join(put, patterns);
    const std::size_t max = patterns.empty() ? options_.unmatched_max : options_.matched_max;
    while (queue_of(put).count > std::max<std::size_t>(max, 1)) {
        drop(*queue_of(put).names.first());
    }
    return find(id, now_ms);
}

void PatternNames::join(Name& name, std::span<const std::uint32_t> patterns) {
    if (!patterns.empty()) {
        const auto [at, made] =
            combinations_.try_emplace(std::vector(patterns.begin(), patterns.end()));
        name.combination = &*at;
        at->second.names.push_back(name);
        for (const std::uint32_t pattern : made ? patterns : std::span<const std::uint32_t>()) {
            by_pattern_[pattern].insert(&*at);
        }
    }
    Queue& queue = queue_of(name);
    queue.names.push_back(name);
    queue.last = &name;
    ++queue.count;
}

void PatternNames::leave(Name& name) {
    Queue& queue = queue_of(name);
    if (queue.last == &name) {
        queue.last = name.age.previous;
    }
    queue.names.remove(name);
    --queue.count;
    Combinations::value_type* const combination = std::exchange(name.combination, nullptr);
    if (combination == nullptr) {
        return;
    }
    combination->second.names.remove(name);
    if (!combination->second.names.empty()) {
        return;
    }
    for (const std::uint32_t pattern : combination->first) {
        const auto with = by_pattern_.find(pattern);
        with->second.erase(combination);
        if (with->second.empty()) {
            by_pattern_.erase(with);
        }
    }
    combinations_.erase(combinations_.find(combination->first));
}

void PatternNames::drop(const Name& name) {
    const AgentId id = name.id;
    leave(*by_id_.find(id)->second);
    by_id_.erase(id);
    forgotten_.push_back(id);
}

bool PatternNames::forget(const AgentId& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) {
        return false;
    }
    drop(*found->second);
    return true;
}

void PatternNames::pattern_gone(std::uint32_t pattern) {
    for (auto with = by_pattern_.find(pattern); with != by_pattern_.end();
         with = by_pattern_.find(pattern)) {
        // The combination goes with the last of its names, and the pattern's own set with it.
        drop(*(*with->second.begin())->second.names.first());
    }
}

void PatternNames::expire(std::uint64_t now_ms, std::size_t budget) {
    for (; budget > 0 && !unmatched_.names.empty(); --budget) {
        const Name& oldest = *unmatched_.names.first();
        if (oldest.until_ms > now_ms) {
            return;
        }
        drop(oldest);
    }
}

std::vector<AgentId> PatternNames::take_forgotten() {
    std::vector<AgentId> gone = std::exchange(forgotten_, {});
    std::sort(gone.begin(), gone.end());
    gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
    std::erase_if(gone, [this](const AgentId& id) { return by_id_.contains(id); });
    return gone;
}

NameBatch PatternNames::names() const {
    NameBatch batch;
    batch.sequence = sequence_;
    batch.ids.reserve(by_id_.size());
    batch.lengths.reserve(by_id_.size());
    batch.text.reserve(by_id_.size() * 32);
    visit_since(0, [&batch](const AgentId& id, std::string_view text) {
        batch.ids.push_back(id);
        batch.lengths.push_back(static_cast<std::uint8_t>(text.size()));
        batch.text += text;
    });
    return batch;
}

}  // namespace posthaste::routing
