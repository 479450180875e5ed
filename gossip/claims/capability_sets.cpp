// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/capability_sets.h"

#include <xxhash.h>

#include <algorithm>
#include <tuple>

#include "gossip/claims/octets.h"
#include "routing/capability_name.h"
#include "routing/check.h"
#include "routing/pattern.h"
#include "routing/text.h"

namespace posthaste::gossip::claims {

namespace {

using routing::Offer;
using routing::OfferKind;

bool before(const Offer& one, const Offer& other) {
    return std::tie(one.kind, one.text) < std::tie(other.kind, other.text);
}

bool is_good(const Offer& offer) {
    if (offer.priority > routing::kProviderPriorityMax || offer.weight == 0 ||
        offer.weight > routing::kProviderWeightMax) {
        return false;
    }
    if (offer.kind == OfferKind::name) {
        return routing::is_capability_name(offer.text);
    }
    return !offer.text.empty() && offer.text.size() <= routing::kPatternTextMax &&
           routing::is_printable_utf8(offer.text);
}

}  // namespace

std::string set_text(std::span<const Offer> offers) {
    if (offers.empty()) {
        return {};
    }
    std::vector<Offer> sorted(offers.begin(), offers.end());
    std::sort(sorted.begin(), sorted.end(), before);
    Octets out;
    out.u16(static_cast<std::uint16_t>(sorted.size()));
    for (const Offer& offer : sorted) {
        out.u8(static_cast<std::uint8_t>(offer.kind));
        out.u16(offer.priority);
        out.u16(offer.weight);
        out.u8(static_cast<std::uint8_t>(offer.text.size()));
        out.text(offer.text);
    }
    return {out.bytes().begin(), out.bytes().end()};
}

tl::expected<std::vector<Offer>, Refusal> offers_of(std::string_view text) {
    std::vector<Offer> offers;
    if (text.empty()) {
        return offers;
    }
    OctetReader in({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    const std::size_t count = in.u16();
    if (count == 0 || count > kSetOffersMax) {
        return tl::unexpected(Refusal::bad_set);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t kind = in.u8();
        Offer offer;
        offer.kind = static_cast<OfferKind>(kind);
        offer.priority = in.u16();
        offer.weight = in.u16();
        offer.text = in.text(in.u8());
        if (!in.good() || kind > static_cast<std::uint8_t>(OfferKind::regex) || !is_good(offer) ||
            (!offers.empty() && !before(offers.back(), offer))) {
            return tl::unexpected(Refusal::bad_set);
        }
        offers.push_back(std::move(offer));
    }
    if (in.left() != 0) {
        return tl::unexpected(Refusal::bad_set);
    }
    return offers;
}

CapabilitySets::CapabilitySets(const SetLimits& limits, std::uint64_t seed)
    : limits_(limits), seed_(seed), sets_(1) {}

std::uint64_t CapabilitySets::hash_of(std::string_view text) const noexcept {
    if (text.empty()) {
        return 0;
    }
    return std::max<std::uint64_t>(XXH3_64bits_withSeed(text.data(), text.size(), seed_), 1);
}

std::uint32_t CapabilitySets::find(std::uint64_t hash) const noexcept {
    const auto found = places_.find(hash);
    return found == places_.end() ? kNone : found->second;
}

bool CapabilitySets::has_room(std::uint64_t sets, std::uint64_t bytes) const noexcept {
    return places_.size() + sets <= limits_.sets_max && bytes_ + bytes <= limits_.bytes_max;
}

tl::expected<std::uint32_t, Refusal> CapabilitySets::intern(std::string_view text) {
    const std::uint64_t hash = hash_of(text);
    if (const std::uint32_t known = find(hash); known != kNone) {
        ++sets_[known].references;
        return known;
    }
    if (!has_room(1, text.size())) {
        return tl::unexpected(Refusal::sets_full);
    }
    std::uint32_t place = static_cast<std::uint32_t>(sets_.size());
    if (free_.empty()) {
        sets_.emplace_back();
    } else {
        place = free_.back();
        free_.pop_back();
    }
    sets_[place] = {hash, 1, std::string(text)};
    places_.emplace(hash, place);
    bytes_ += text.size();
    return place;
}

void CapabilitySets::hold(std::uint32_t set) noexcept {
    if (set != kNone) {
        ++sets_[set].references;
    }
}

void CapabilitySets::release(std::uint32_t set) {
    if (set == kNone) {
        return;
    }
    Set& held = sets_[set];
    CHECK(held.references > 0);
    if (--held.references == 0) {
        bytes_ -= held.text.size();
        places_.erase(held.hash);
        held = {};
        free_.push_back(set);
    }
}

std::string_view CapabilitySets::text(std::uint32_t set) const noexcept {
    return sets_[set].text;
}

std::uint64_t CapabilitySets::hash(std::uint32_t set) const noexcept {
    return sets_[set].hash;
}

}  // namespace posthaste::gossip::claims
