// SPDX-License-Identifier: BSD-3-Clause
#include "routing/capability_index.h"

#include <algorithm>
#include <utility>

#include "routing/capability_name.h"

namespace posthaste::routing {

namespace {

std::size_t size_of(const ProviderSet* set) noexcept {
    return set == nullptr ? 0 : set->providers().size();
}

}  // namespace

CapabilityIndex::CapabilityIndex(OfferNames& names,
                                 ProviderSets& sets,
                                 Fib& fib,
                                 const CapabilityIndexOptions& options)
    : names_(names), sets_(sets), fib_(fib), options_(options) {}

CapabilityIndex::Place& CapabilityIndex::place(std::uint32_t offer) {
    if (offer > places_.size()) {
        places_.resize(std::max<std::size_t>(offer, names_.limit()));
    }
    return places_[offer - 1];
}

std::uint32_t CapabilityIndex::set_of(std::uint32_t offer) const noexcept {
    return offer == 0 || offer > places_.size() ? 0 : places_[offer - 1].set;
}

const ProviderSet* CapabilityIndex::providers_of(std::uint32_t offer) const noexcept {
    return sets_.read(set_of(offer));
}

void CapabilityIndex::apply(const OfferChange& change, std::uint64_t now_ms) {
    ++counts_.changes;
    ProviderChange mine{.remove = change.remove, .provider = change.provider};
    if (!change.remove) {
        const FibEntry* const entry = fib_.find(change.provider.agent);
        if (entry == nullptr) {
            return;  // it went again; its removal comes next
        }
        mine.provider.cell = entry->cell;
    }
    place(change.number).changes.push_back(mine);
    wait(change.number, now_ms);
}

void CapabilityIndex::wait(std::uint32_t offer, std::uint64_t now_ms) {
    Place& at = place(offer);
    if (!at.waits) {
        at.waits = true;
        at.changed_at_ms = now_ms;
        due_.push_back(offer);
    }
}

// At once where the last publication is long past, so that a single change does not wait.
bool CapabilityIndex::is_due(const Place& at, std::uint64_t now_ms) const noexcept {
    return at.published_at_ms == 0 || now_ms >= at.published_at_ms + options_.publish_ms;
}

std::optional<std::uint64_t> CapabilityIndex::next_due_ms() const {
    if (due_.empty()) {
        return std::nullopt;
    }
    const Place& first = places_[due_.front() - 1];
    return first.published_at_ms == 0 ? first.changed_at_ms
                                      : first.published_at_ms + options_.publish_ms;
}

void CapabilityIndex::publish(std::uint64_t now_ms, std::uint32_t version) {
    sets_.reclaim();
    std::size_t made = 0;
    for (std::size_t left = due_.size(); left > 0; --left) {
        if (made >= options_.providers_per_turn || sets_.retired_count() >= options_.retired_max) {
            ++counts_.delayed;
            return;
        }
        const std::uint32_t offer = due_.front();
        due_.pop_front();
        if (is_due(places_[offer - 1], now_ms)) {
            made += publish_one(offer, now_ms, version);
        } else {
            due_.push_back(offer);
        }
    }
}

void CapabilityIndex::publish_all(std::uint64_t now_ms, std::uint32_t version) {
    for (std::size_t left = due_.size(); left > 0; --left) {
        const std::uint32_t offer = due_.front();
        due_.pop_front();
        static_cast<void>(publish_one(offer, now_ms, version));
        sets_.reclaim();
    }
}

// Gives the work it was, in providers of the sets made: something for each set, and as much for
// each change, whose points on the ring are computed and sorted.
std::size_t CapabilityIndex::publish_one(std::uint32_t offer,
                                         std::uint64_t now_ms,
                                         std::uint32_t version) {
    constexpr std::size_t kEach = 16;
    Place& at = places_[offer - 1];
    at.waits = false;
    if (at.set == 0) {
        at.set = sets_.take_number();
        if (at.set == 0) {
            wait(offer, at.changed_at_ms);  // a number comes free with the next grace period
            return kEach;
        }
    }
    std::size_t work = kEach + kEach * at.changes.size();
    // Their memory goes with them: a burst of registrations may have left many.
    auto next = ProviderSet::make(sets_.read(at.set), std::exchange(at.changes, {}));
    const std::size_t size = size_of(next.get());
    if (size == 0) {
        hide(offer, at);
        return work;
    }
    sets_.publish(at.set, std::move(next));
    work += size;
    for (const std::uint32_t number : at.matches) {
        work += remake(matches_[number - 1]);
    }
    if (!show(offer, at, version)) {
        wait(offer, at.changed_at_ms);
        return work;
    }
    at.published_at_ms = now_ms;
    counts_.lag_ms_worst = std::max(counts_.lag_ms_worst, now_ms - at.changed_at_ms);
    ++counts_.published;
    return work;
}

bool CapabilityIndex::is_shown(const AgentId& id, std::uint32_t set) const {
    const FibEntry* const entry = fib_.find(capability_key(id));
    return entry != nullptr && entry->provider_set() == set;
}

// False: the Fib has no room for it now. The Fib is looked into and not remembered to be right, so
// that what is wrong there lasts until the next change at most.
bool CapabilityIndex::show(std::uint32_t offer, Place& at, std::uint32_t version) {
    const OfferNames::Name& name = names_.at(offer);
    if (name.kind != OfferKind::name || (at.in_fib && is_shown(name.id, at.set))) {
        return true;
    }
    const auto matched = matched_.find(name.id);
    if (!put_entry(name.id, at.set, 0, version)) {
        return false;
    }
    at.in_fib = true;
    if (matched != matched_.end()) {
        const std::uint32_t match = matched->second;
        matched_.erase(matched);
        leave(match, name.id);
    }
    return true;
}

bool CapabilityIndex::put_entry(const AgentId& id,
                                std::uint32_t set,
                                std::uint32_t until_ms,
                                std::uint32_t version) {
    FibEntry entry;
    entry.agent = capability_key(id);
    entry.kind = RouteKind::capability;
    entry.version = version;
    entry.fresh_until_ms = until_ms;
    entry.set_provider_set(set);
    return fib_.set(entry, 0);
}

// Nobody offers it any more. First nothing leads to the set, then it goes.
void CapabilityIndex::hide(std::uint32_t offer, Place& at) {
    const OfferNames::Name& name = names_.at(offer);
    if (at.in_fib) {
        fib_.remove(capability_key(name.id));
    }
    for (const std::uint32_t match : std::vector<std::uint32_t>(at.matches)) {
        dissolve(match);
    }
    sets_.give_back(at.set);
    at = Place{};
    names_.free(offer);
}

}  // namespace posthaste::routing
