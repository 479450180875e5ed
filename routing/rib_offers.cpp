// SPDX-License-Identifier: BSD-3-Clause
// What the Rib's agents offer: held by number in their records, told to the capability index by
// difference.
#include <algorithm>
#include <utility>

#include "routing/rib.h"
#include "routing/rib_checks.h"

namespace posthaste::routing {

namespace {

constexpr auto kByNumber = [](const HeldOffer& a, const HeldOffer& b) {
    return a.number < b.number;
};

// What is left of a table of so many for that origin.
template <typename Count>
constexpr Count share_of(Count max, Origin origin) noexcept {
    return origin == Origin::claimed ? max - max / kOfferPartOfOwn : max;
}

}  // namespace

bool by_kind_and_text(const Offer& a, const Offer& b) noexcept {
    return std::pair(a.kind, std::string_view(a.text)) <
           std::pair(b.kind, std::string_view(b.text));
}

tl::expected<std::vector<HeldOffer>, RibError> Rib::hold_offers(std::span<const Offer> offers,
                                                                std::size_t in_exchange,
                                                                Origin origin) {
    const std::uint64_t max = share_of(limits_.providers_max, origin);
    if (offers.size() > in_exchange && offers_held_ - in_exchange + offers.size() > max) {
        return tl::unexpected(rib_error(ErrorCode::overloaded,
                                        "the table of providers is full (" + std::to_string(max) +
                                            " agents times what each offers)"));
    }
    std::vector<HeldOffer> held;
    held.reserve(offers.size());
    for (const Offer& offer : offers) {
        auto number = hold_offer(offer, origin);
        if (!number) {
            release_offers(held);
            return tl::unexpected(std::move(number.error()));
        }
        held.push_back({*number, offer.priority, offer.weight});
    }
    std::sort(held.begin(), held.end(), kByNumber);
    return held;
}

bool Rib::has_room_for_claimed(std::span<const Offer> offers) const {
    std::uint32_t names = names_held_;
    std::uint32_t patterns = patterns_held_;
    for (const Offer& offer : offers) {
        const std::uint32_t known = names_.find(offer.kind, offer.text);
        if (known == 0 || names_.at(known).holders == 0) {
            ++(offer.kind == OfferKind::name ? names : patterns);
        }
    }
    const auto fits = [](auto held, auto max) { return held <= share_of(max, Origin::claimed); };
    return fits(offers_held_ + offers.size(), limits_.providers_max) &&
           (names == names_held_ || fits(names, limits_.names_max)) &&
           (patterns == patterns_held_ || fits(patterns, limits_.patterns_max));
}

tl::expected<std::uint32_t, RibError> Rib::hold_offer(const Offer& offer, Origin origin) {
    const bool is_name = offer.kind == OfferKind::name;
    const std::uint32_t max = share_of(is_name ? limits_.names_max : limits_.patterns_max, origin);
    std::uint32_t& count = is_name ? names_held_ : patterns_held_;
    const std::uint32_t known = names_.find(offer.kind, offer.text);
    const bool first = known == 0 || names_.at(known).holders == 0;
    if (first && count >= max) {
        return tl::unexpected(rib_error(ErrorCode::overloaded,
                                        "the table of " +
                                            std::string(is_name ? "capabilities" : "patterns") +
                                            " is full (" + std::to_string(max) + ")"));
    }
    auto number = names_.hold(offer.kind, offer.text);
    if (!number) {
        return tl::unexpected(rib_error(ErrorCode::malformed, std::move(number.error())));
    }
    count += first ? 1 : 0;
    ++offers_held_;
    return *number;
}

void Rib::release_offers(std::span<const HeldOffer> offers) {
    for (const HeldOffer& offer : offers) {
        names_.release(offer.number);
        const OfferNames::Name& name = names_.at(offer.number);
        if (name.holders == 0) {
            --(name.kind == OfferKind::name ? names_held_ : patterns_held_);
        }
    }
    offers_held_ -= offers.size();
}

Rib::Shown Rib::shown(const AgentId& agent) const {
    return shown(find_agent(agent), find_route(agent));
}

Rib::Shown Rib::shown(const AgentRecord* record, const RouteRecord* route) {
    if (record != nullptr && (route == nullptr || route->origin != Origin::claimed)) {
        return {kNoRouter, record->registration.state, record->offers};
    }
    if (route != nullptr) {
        return {route->router, route->state, route->offers};
    }
    return {};
}

// Both lists are sorted by number.
void Rib::announce(const AgentId& agent, const Shown& before, const Shown& now) {
    const bool same = before.router == now.router && before.state == now.state;
    auto old = before.offers.begin();
    const auto gone = [&](const HeldOffer& offer) {
        offer_changes_.push_back({.number = offer.number, .remove = true});
        offer_changes_.back().provider.agent = agent;
    };
    for (const HeldOffer& offer : now.offers) {
        for (; old != before.offers.end() && old->number < offer.number; ++old) {
            gone(*old);
        }
        const bool had = old != before.offers.end() && old->number == offer.number;
        if (!had || !same || *old != offer) {
            offer_changes_.push_back({.number = offer.number,
                                      .provider = {.agent = agent,
                                                   .router = now.router,
                                                   .priority = offer.priority,
                                                   .weight = offer.weight,
                                                   .state = now.state}});
        }
        old += had ? 1 : 0;
    }
    std::for_each(old, before.offers.end(), gone);
}

std::vector<OfferChange> Rib::take_offer_changes() {
    return std::exchange(offer_changes_, {});
}

std::vector<Offer> Rib::offers_of(std::span<const HeldOffer> held) const {
    std::vector<Offer> offers;
    offers.reserve(held.size());
    for (const HeldOffer& offer : held) {
        const OfferNames::Name& name = names_.at(offer.number);
        offers.push_back({name.kind, offer.priority, offer.weight, name.text});
    }
    std::sort(offers.begin(), offers.end(), by_kind_and_text);
    return offers;
}

}  // namespace posthaste::routing
