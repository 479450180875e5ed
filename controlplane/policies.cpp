// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policies.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "controlplane/log.h"

namespace posthaste::controlplane {

namespace {

using routing::Policy;
using routing::PolicySet;
using routing::PolicySums;

constexpr std::uint32_t kGone = std::numeric_limits<std::uint32_t>::max();

// Where the policies and rules of a set are, by what makes them the same in another one.
class Places {
  public:
    explicit Places(const PolicySet* set) {
        for (std::size_t rank = 0; set != nullptr && rank < set->policies().size(); ++rank) {
            const Policy& policy = set->policies()[rank];
            Place& place = places_[policy.name];
            place.policy = static_cast<std::uint32_t>(rank);
            for (std::size_t i = 0; i < policy.rules.size(); ++i) {
                const routing::Expression& expression = policy.rules[i].expression;
                place.flags = expression.flags;  // the same for all of a policy
                place.rules.emplace(expression.text,
                                    static_cast<std::uint32_t>(set->first_rule(rank) + i));
            }
        }
    }

    [[nodiscard]] std::uint32_t of(const Policy& policy) const {
        const auto place = places_.find(policy.name);
        return place == places_.end() ? kGone : place->second.policy;
    }

    [[nodiscard]] std::uint32_t of(const Policy& policy,
                                   const routing::Expression& expression) const {
        const auto place = places_.find(policy.name);
        if (place == places_.end() || place->second.flags != expression.flags) {
            return kGone;
        }
        const auto rule = place->second.rules.find(expression.text);
        return rule == place->second.rules.end() ? kGone : rule->second;
    }

  private:
    struct Place {
        std::uint32_t policy = kGone;
        routing::ExpressionFlags flags;
        std::unordered_map<std::string_view, std::uint32_t> rules;
    };

    std::map<std::string_view, Place> places_;
};

PolicySums& operator+=(PolicySums& sum, const PolicySums& more) {
    sum.matched += more.matched;
    sum.acted += more.acted;
    sum.lost += more.lost;
    return sum;
}

void log_lines(const std::string& text) {
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        log_error("policies: " + text.substr(start, end - start));
        start = end + 1;
    }
}

void log_ready(const BuiltPolicies& built) {
    if (built.set == nullptr) {
        log_notice("policies: there are none any more");
        return;
    }
    log_notice("policies: " + std::to_string(built.policies->size()) + " with " +
               std::to_string(built.set->rule_count()) + " rules in place, compiled in " +
               std::to_string(built.took_ms) + " ms to " +
               std::to_string(built.set->database_bytes()) + " bytes");
}

}  // namespace

void Policies::start(BuiltPolicies built) {
    running_ = std::move(built);
    const std::size_t rules = running_.set == nullptr ? 0 : running_.set->rule_count();
    const std::size_t policies = running_.set == nullptr ? 0 : running_.set->policies().size();
    carried_hits_.assign(rules, 0);
    carried_sums_.assign(policies, {});
    if (running_.set != nullptr) {
        log_ready(running_);
    }
    changed_ = true;
}

void Policies::reload(PolicySource source) {
    if (source.policies.empty() && running_.set == nullptr && !building_) {
        return;
    }
    wanted_ = std::make_unique<PolicySource>(std::move(source));
    submit();
}

void Policies::submit() {
    if (building_ || wanted_ == nullptr) {
        return;
    }
    const std::shared_ptr<const PolicySource> source(std::move(wanted_));
    building_ = builder_.submit([this, source, running = running_]() -> Builder::Completion {
        auto outcome = std::make_shared<tl::expected<BuiltPolicies, ConfigError>>(
            build_policies(*source, running));
        return [this, outcome] { complete(*outcome); };
    });
    if (!building_) {
        wanted_ = std::make_unique<PolicySource>(*source);  // when the builder has room
    }
}

void Policies::complete(const tl::expected<BuiltPolicies, ConfigError>& outcome) {
    building_ = false;
    if (wanted_ != nullptr) {
        return;  // there is a later one
    }
    if (!outcome.has_value()) {
        failure_ = outcome.error().text;
        log_lines(failure_);
        log_error("policies: those that were running stay");
        return;
    }
    failure_.clear();
    if (outcome->set != running_.set) {
        install(*outcome);
        log_ready(running_);
    }
}

void Policies::install(const BuiltPolicies& built) {
    const BuiltPolicies before = std::exchange(running_, built);
    const Places places(running_.set.get());
    Retired retired;
    retired.set = before.set;
    if (before.set != nullptr) {
        for (const Policy& policy : before.set->policies()) {
            retired.policy.push_back(places.of(policy));
            for (const routing::PolicyRule& rule : policy.rules) {
                retired.rule.push_back(places.of(policy, rule.expression));
            }
        }
    }
    const auto hits = std::exchange(
        carried_hits_,
        std::vector<std::uint64_t>(running_.set == nullptr ? 0 : running_.set->rule_count()));
    const auto sums = std::exchange(
        carried_sums_,
        std::vector<PolicySums>(running_.set == nullptr ? 0 : running_.set->policies().size()));
    for (std::size_t i = 0; i < hits.size(); ++i) {
        if (retired.rule[i] != kGone) {
            carried_hits_[retired.rule[i]] += hits[i];
        }
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
        if (retired.policy[i] != kGone) {
            carried_sums_[retired.policy[i]] += sums[i];
        }
    }
    for (Retired& earlier : retired_) {
        std::ranges::for_each(earlier.rule, [&](std::uint32_t& rule) {
            rule = rule == kGone ? kGone : retired.rule[rule];
        });
        std::ranges::for_each(earlier.policy, [&](std::uint32_t& policy) {
            policy = policy == kGone ? kGone : retired.policy[policy];
        });
    }
    if (retired.set != nullptr) {
        retired_.push_back(std::move(retired));
    }
    changed_ = true;
}

std::string_view Policies::redirect_name(const routing::AgentId& id) const noexcept {
    const auto name_in = [&id](const PolicySet* set) -> std::string_view {
        for (std::size_t rank = 0; set != nullptr && rank < set->policies().size(); ++rank) {
            const Policy& policy = set->policies()[rank];
            if (policy.action == routing::PolicyAction::redirect && policy.redirect == id) {
                return policy.redirect_name;
            }
        }
        return {};
    };
    std::string_view name = name_in(running_.set.get());
    for (std::size_t i = retired_.size(); name.empty() && i-- > 0;) {
        name = name_in(retired_[i].set.get());
    }
    return name;
}

bool Policies::turn() {
    submit();
    fold_retired();
    return std::exchange(changed_, false);
}

// Once nobody else has a set, no lcore can count in it any more.
void Policies::fold_retired() {
    std::erase_if(retired_, [this](const Retired& retired) {
        if (retired.set.use_count() > 1) {
            return false;
        }
        add(retired, carried_hits_, carried_sums_);
        carried_work_ += retired.set->work();
        return true;
    });
}

void Policies::add(const Retired& from,
                   std::vector<std::uint64_t>& hits,
                   std::vector<PolicySums>& sums) {
    for (std::size_t i = 0; i < from.rule.size(); ++i) {
        if (from.rule[i] != kGone) {
            hits[from.rule[i]] += from.set->hits(i);
        }
    }
    for (std::size_t i = 0; i < from.policy.size(); ++i) {
        if (from.policy[i] != kGone) {
            sums[from.policy[i]] += from.set->sums(i);
        }
    }
}

Policies::State Policies::state() const noexcept {
    if (building_ || wanted_ != nullptr) {
        return State::compiling;
    }
    if (!failure_.empty()) {
        return State::failed;
    }
    return running_.set == nullptr ? State::none : State::ready;
}

std::vector<std::uint64_t> Policies::hits() const {
    std::vector<std::uint64_t> hits = carried_hits_;
    std::vector<PolicySums> sums = carried_sums_;
    for (const Retired& retired : retired_) {
        add(retired, hits, sums);
    }
    for (std::size_t i = 0; i < hits.size(); ++i) {
        hits[i] += running_.set->hits(i);
    }
    return hits;
}

routing::PolicyWork Policies::work() const noexcept {
    routing::PolicyWork work = carried_work_;
    for (const Retired& retired : retired_) {
        work += retired.set->work();
    }
    if (running_.set != nullptr) {
        work += running_.set->work();
    }
    return work;
}

std::vector<PolicySums> Policies::sums() const {
    std::vector<std::uint64_t> hits = carried_hits_;
    std::vector<PolicySums> sums = carried_sums_;
    for (const Retired& retired : retired_) {
        add(retired, hits, sums);
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += running_.set->sums(i);
    }
    return sums;
}

}  // namespace posthaste::controlplane
