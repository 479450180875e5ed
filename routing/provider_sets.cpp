// SPDX-License-Identifier: BSD-3-Clause
#include "routing/provider_sets.h"

#include <utility>

#include "routing/check.h"
#include "routing/memory_estimate.h"

namespace posthaste::routing {

namespace {

std::uint64_t planned_bytes_of(const ProviderSet& set) noexcept {
    const std::size_t here = set.local().size();
    return estimate_providers(here, set.providers().size() - here);
}

}  // namespace

ProviderSets::ProviderSets(Grace& grace, std::uint32_t capacity)
    : grace_(grace),
      capacity_(capacity),
      slots_(std::make_unique<Slot[]>(std::size_t{capacity} + 1)) {
    CHECK(capacity <= kCapacityMax);
    free_.reserve(capacity);
    for (std::uint32_t number = capacity; number > 0; --number) {
        free_.push_back(number);
    }
}

ProviderSets::~ProviderSets() {
    for (std::size_t number = 0; number <= capacity_; ++number) {
        delete slots_[number].set.load(std::memory_order_relaxed);
    }
}

std::uint32_t ProviderSets::take_number() {
    if (free_.empty()) {
        reclaim();
    }
    if (free_.empty()) {
        return 0;
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    ++taken_;
    return number;
}

void ProviderSets::publish(std::uint32_t number, std::unique_ptr<const ProviderSet> next) {
    CHECK(number >= 1 && number <= capacity_);
    if (next != nullptr) {
        bytes_ += next->memory_bytes();
        allocated_ += malloc_bytes(next->memory_bytes());
        planned_ += planned_bytes_of(*next);
    }
    std::unique_ptr<const ProviderSet> old(
        slots_[number].set.exchange(next.release(), std::memory_order_acq_rel));
    slots_[number].edition.store(++editions_, std::memory_order_release);
    if (old != nullptr) {
        bytes_ -= old->memory_bytes();
        allocated_ -= malloc_bytes(old->memory_bytes());
        planned_ -= planned_bytes_of(*old);
        retired_.push_back({.token = grace_.start(), .set = std::move(old)});
    }
}

void ProviderSets::give_back(std::uint32_t number) {
    publish(number, nullptr);
    retired_.push_back({.token = grace_.start(), .set = nullptr, .number = number});
    --taken_;
}

void ProviderSets::reclaim() {
    while (!retired_.empty() && grace_.elapsed(retired_.front().token)) {
        if (retired_.front().number != 0) {
            free_.push_back(retired_.front().number);
        }
        retired_.pop_front();
    }
}

}  // namespace posthaste::routing
