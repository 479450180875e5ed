// SPDX-License-Identifier: BSD-3-Clause
// Any text as a rules file, and any bytes as the payload it meets.
//
// Input: one byte (bits 0-3: flags; 4: the rules are of two policies, the second with a lower
// depth), the rules up to a zero byte, the payload. Holds: a rule is refused with a reason or
// taken, and what is taken has no longer match than was counted; scanning finds the same as listing
// does, for policies that were asked about only, and counts it; more of the payload never changes
// what is found in less of it.
#include <hs/hs_compile.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>
#include <string_view>

#include "controlplane/policy_rules.h"
#include "routing/check.h"
#include "routing/policy_set.h"

namespace {

using namespace posthaste;
using routing::Policy;
using routing::PolicyMask;
using Bytes = std::span<const std::uint8_t>;

// Beside any one rule as many more as have so few positions in all: some that have a hundred take
// Hyperscan seconds.
constexpr std::size_t kRulesMax = 8;
constexpr std::size_t kPositionsMax = 2 * routing::kPropertyPositions;

// Of bytes alone: a character may have forms of other lengths.
void check_width(const routing::Expression& expression) {
    hs_expr_info_t* info = nullptr;
    hs_compile_error_t* error = nullptr;
    CHECK(hs_expression_info(
              expression.text.c_str(), routing::hyperscan_flags(expression.flags), &info, &error) ==
          HS_SUCCESS);
    const bool bounded = info->max_width != std::numeric_limits<unsigned>::max();
    const std::size_t positions = routing::expression_positions(expression.text, false);
    CHECK(!bounded || expression.flags.utf8 || info->max_width <= positions);
    std::free(info);
}

std::vector<Policy> policies_of(std::uint8_t control, std::string_view text) {
    routing::ExpressionFlags flags;
    flags.caseless = (control & 1) != 0;
    flags.multiline = (control & 2) != 0;
    flags.dotall = (control & 4) != 0;
    flags.utf8 = (control & 8) != 0;
    controlplane::PolicyErrors errors;
    std::vector<Policy> policies((control & 16) != 0 ? 2 : 1);
    std::size_t taken = 0;
    std::size_t positions = 0;
    for (auto& rule : controlplane::read_rules(text, "fuzz", "p", flags, errors)) {
        CHECK(!rule.expression.text.empty());
        const auto why = routing::refuse_expression(rule.expression);
        if (why.has_value()) {
            CHECK(!why->empty());
            continue;
        }
        positions +=
            routing::expression_positions(rule.expression.text, rule.expression.flags.utf8);
        if (taken == 0 || (taken < kRulesMax && positions <= kPositionsMax)) {
            check_width(rule.expression);
            policies[taken++ % policies.size()].rules.push_back(std::move(rule));
        }
    }
    for (Policy& policy : policies) {
        policy.ports = {0};
    }
    policies.back().depth = policies.size() == 1 ? 1'024 : 16;
    return policies;
}

PolicyMask scan(const routing::PolicySet& set, PolicyMask among, Bytes payload) {
    PolicyMask matched = 0;
    CHECK(set.scan(0, among, payload, matched));
    CHECK((matched & ~among) == 0);
    return matched;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const Bytes input(data, size);
    const auto zero = std::ranges::find(input.subspan(1), 0);
    const std::string_view text(reinterpret_cast<const char*>(data) + 1,
                                static_cast<std::size_t>(zero - input.begin()) - 1);
    const Bytes payload = input.subspan(std::min(size, text.size() + 2));
    auto set = routing::PolicySet::compile(
        policies_of(data[0], text), {.workers = 1, .ports = 1, .database_bytes_max = 64U << 20});
    if (!set.has_value()) {
        CHECK(!set.error().why.empty());
        return 0;
    }
    const PolicyMask all = (*set)->at(routing::PolicyDirection::in, 0);
    const PolicyMask matched = scan(**set, all, payload);
    std::vector<std::uint32_t> rules;
    CHECK((*set)->matching_rules(routing::PolicyDirection::in, payload, rules));
    PolicyMask listed = 0;
    for (const std::uint32_t rule : rules) {
        listed |= PolicyMask{1} << (*set)->policy_of(rule);
        CHECK((*set)->hits(rule) == 1);
    }
    CHECK(listed == matched);
    CHECK(scan(**set, 1, payload) == (matched & 1));
    // Beyond its depth a policy sees nothing.
    if ((*set)->policies().size() == 2 && payload.size() > 16) {
        CHECK((scan(**set, 2, payload.first(16)) & 2) == (matched & 2));
    }
    return 0;
}
