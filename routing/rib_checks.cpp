// SPDX-License-Identifier: BSD-3-Clause
#include "routing/rib_checks.h"

#include <unordered_set>
#include <utility>

#include "routing/capability_name.h"
#include "routing/text.h"

namespace posthaste::routing {

namespace {

std::optional<RibError> check_capabilities(const std::vector<std::string>& names,
                                           std::size_t count_max) {
    if (names.size() > count_max) {
        return rib_error(ErrorCode::too_large,
                         std::to_string(names.size()) + " capabilities, at most " +
                             std::to_string(count_max) + " are allowed");
    }
    std::unordered_set<std::string_view> seen;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!is_capability_name(names[i])) {
            return rib_error(
                ErrorCode::malformed,
                "capability " + std::to_string(i + 1) +
                    " is not 1 to 100 bytes of words of a-z 0-9, joined by - _ . or /, "
                    "with an optional :version");
        }
        if (!seen.insert(names[i]).second) {
            return rib_error(ErrorCode::malformed, "capability " + names[i] + " is named twice");
        }
    }
    return std::nullopt;
}

}  // namespace

int authority(Origin origin) noexcept {
    switch (origin) {
        case Origin::registered:
            return 0;
        case Origin::operator_set:
            return 1;
        case Origin::configured:
            return 2;
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
    return check_capabilities(registration.capabilities, limits.capabilities_max);
}

}  // namespace posthaste::routing
