// SPDX-License-Identifier: BSD-3-Clause
// Policy: what is to be done with frames whose payload matches one of some expressions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "routing/agent_id.h"
#include "routing/expression.h"

namespace posthaste::routing {

inline constexpr std::size_t kPoliciesMax = 64;         // a bit each in a word
inline constexpr std::size_t kPolicyRulesMax = 10'000;  // of all policies together
inline constexpr std::uint32_t kPolicyDepthMax = 9'000;
inline constexpr std::uint16_t kPolicyPriorityMax = 1'000;

enum class PolicyAction : std::uint8_t { count, drop, mirror, redirect };
enum class PolicyDirection : std::uint8_t { in, out };  // where it was received; where it goes

inline constexpr std::size_t kPolicyDirections = 2;

struct PolicyRule {
    Expression expression;
    std::string where;  // FILE:LINE, for people

    friend bool operator==(const PolicyRule&, const PolicyRule&) = default;
};

struct Policy {
    std::string name;
    std::vector<PolicyRule> rules;
    std::vector<std::uint16_t> ports;   // indices of those whose frames it looks at
    std::optional<AgentId> capability;  // only frames addressed to the capability of that id
    std::string capability_name;        // for people, as is redirect_name
    PolicyDirection direction = PolicyDirection::in;
    std::uint32_t depth = 1'024;  // bytes of payload looked at
    PolicyAction action = PolicyAction::count;
    std::uint16_t mirror_port = 0;  // index
    AgentId redirect;               // id of a capability
    std::string redirect_name;
    std::uint16_t priority = 100;

    friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace posthaste::routing
