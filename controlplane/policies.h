// SPDX-License-Identifier: BSD-3-Clause
// Policies: the content policies that run, and how others take their place. Control thread only.
//
// A reload is given to the builder thread; until it is done, and for good if it fails, what runs
// stays. Only one is under way at a time: of several reloads in between the last one counts. What a
// rule has matched survives as long as its policy and its expression are there under the same
// names, whatever else changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/builder.h"
#include "controlplane/policy_rules.h"
#include "routing/policy_set.h"

namespace posthaste::controlplane {

class Policies {
  public:
    enum class State : std::uint8_t { none, ready, compiling, failed };

    // `builder` outlives it as far as completions go: none runs once it is gone.
    explicit Policies(Builder& builder) : builder_(builder) {}

    // At start, before anybody reads.
    void start(BuiltPolicies built);
    // Begins to replace what runs. The outcome is logged, and seen in state().
    void reload(PolicySource source);
    // Once per cycle. True: current() is another one than before.
    bool turn();

    // What the Worlds made from now on have; null: none.
    [[nodiscard]] const std::shared_ptr<const routing::PolicySet>& current() const noexcept {
        return running_.set;
    }

    [[nodiscard]] State state() const noexcept;

    // Why the last reload failed, in lines; empty: it did not.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

    [[nodiscard]] std::uint32_t took_ms() const noexcept { return running_.took_ms; }

    // The name of a capability that a policy redirects to, by its id, while lcores may have the
    // policy; empty: none does. Redirected frames do not say it. Lasts until the next turn().
    [[nodiscard]] std::string_view redirect_name(const routing::AgentId& id) const noexcept;

    // Frames, since the start, of the rules and policies of current(), in its order.
    [[nodiscard]] std::vector<std::uint64_t> hits() const;
    [[nodiscard]] std::vector<routing::PolicySums> sums() const;

    // Of all sets there were, since the start.
    [[nodiscard]] routing::PolicyWork work() const noexcept;

    // Sets that lcores may still have.
    [[nodiscard]] std::size_t retired_count() const noexcept { return retired_.size(); }

  private:
    // What a set has counted, and for which rule and policy of the current one.
    struct Retired {
        std::shared_ptr<const routing::PolicySet> set;
        std::vector<std::uint32_t> rule;    // by its rules; kGone: nobody's
        std::vector<std::uint32_t> policy;  // by its ranks
    };

    void submit();
    void complete(const tl::expected<BuiltPolicies, ConfigError>& outcome);
    void install(const BuiltPolicies& built);
    static void add(const Retired& from,
                    std::vector<std::uint64_t>& hits,
                    std::vector<routing::PolicySums>& sums);
    void fold_retired();

    Builder& builder_;
    BuiltPolicies running_;
    std::unique_ptr<PolicySource> wanted_;  // to be built next
    bool building_ = false;
    bool changed_ = false;
    std::string failure_;
    std::vector<Retired> retired_;
    // Counted by sets that are gone, for the rules and policies of the current one.
    std::vector<std::uint64_t> carried_hits_;
    std::vector<routing::PolicySums> carried_sums_;
    routing::PolicyWork carried_work_;  // of sets that are gone
};

}  // namespace posthaste::controlplane
