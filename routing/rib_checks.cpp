// SPDX-License-Identifier: BSD-3-Clause
#include "routing/rib_checks.h"

#include <set>
#include <string_view>
#include <utility>

#include "routing/capability_name.h"
#include "routing/text.h"

namespace posthaste::routing {

namespace {

// What is wrong with the n-th of them, n from 1; empty: nothing.
std::string wrong_with(const Offer& offer, std::size_t n) {
    const std::string what =
        (offer.kind == OfferKind::name ? "capability " : "pattern ") + std::to_string(n);
    if (offer.kind == OfferKind::name && !is_capability_name(offer.text)) {
        return what +
               " is not 1 to 100 bytes of words of a-z 0-9, joined by - _ . or /, with an optional "
               ":version";
    }
    if (offer.priority > kProviderPriorityMax) {
        return what + " has priority " + std::to_string(offer.priority) + ", at most 1000";
    }
    if (offer.weight < 1 || offer.weight > kProviderWeightMax) {
        return what + " has weight " + std::to_string(offer.weight) + ", 1 to 1000";
    }
    return {};
}

}  // namespace

std::optional<RibError> check_offers(std::span<const Offer> offers, std::size_t count_max) {
    if (offers.size() > count_max) {
        return rib_error(ErrorCode::too_large,
                         std::to_string(offers.size()) + " capabilities, at most " +
                             std::to_string(count_max) + " are allowed");
    }
    std::set<std::pair<OfferKind, std::string_view>> seen;
    for (std::size_t i = 0; i < offers.size(); ++i) {
        if (std::string wrong = wrong_with(offers[i], i + 1); !wrong.empty()) {
            return rib_error(ErrorCode::malformed, std::move(wrong));
        }
        if (!seen.emplace(offers[i].kind, offers[i].text).second) {
            return rib_error(ErrorCode::malformed,
                             "capability " + offers[i].text + " is named twice");
        }
    }
    return std::nullopt;
}

int authority(Origin origin) noexcept {
    switch (origin) {
        case Origin::claimed:
            return 0;
        case Origin::registered:
            return 1;
        case Origin::operator_set:
            return 2;
        case Origin::configured:
            return 3;
    }
    return -1;
}

std::string_view words_for(Origin origin) noexcept {
    return origin == Origin::configured ? "is configured" : "was set by the operator";
}

RibError rib_error(ErrorCode code, std::string detail) {
    return {code, std::move(detail)};
}

bool may_be_agent(const AgentId& id) noexcept {
    return !id.is_nil() && id != kRouterId && !is_capability_key(id);
}

bool is_valid(AgentState state) noexcept {
    return state == AgentState::running || state == AgentState::draining ||
           state == AgentState::stopped;
}

std::optional<RibError> check_registration(const Registration& registration,
                                           const RibLimits& limits) {
    if (!may_be_agent(registration.agent)) {
        return rib_error(ErrorCode::malformed,
                         registration.agent.to_text() + " cannot be the id of an agent");
    }
    if (!registration.endpoint.ip.is_unicast_host()) {
        return rib_error(
            ErrorCode::malformed,
            "address " + registration.endpoint.ip.to_text() + " is not that of a host");
    }
    if (registration.endpoint.udp_port == 0) {
        return rib_error(ErrorCode::malformed, "UDP port 0 cannot be sent to");
    }
    if (!is_valid(registration.state)) {
        return rib_error(ErrorCode::malformed, "the agent's state is none that there is");
    }
    if (registration.name.size() > kAgentNameMax || !is_printable_utf8(registration.name)) {
        return rib_error(ErrorCode::malformed,
                         "the agent's name is not at most 255 bytes of printable UTF-8");
    }
    return check_offers(registration.offers, limits.capabilities_max);
}

}  // namespace posthaste::routing
