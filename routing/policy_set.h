// SPDX-License-Identifier: BSD-3-Clause
// PolicySet: all policies of a box, compiled, and what they were found to match.
//
// Immutable but for counters and scratch memory, of which every scanner (a worker, and one more for
// operators) has its own, so that scanning shares no line that is written. Made on the builder
// thread, published with the World, freed by the control thread once no World has it any more.
//
// Policies of one direction, depth and reading (bytes or UTF-8) make one Hyperscan database in
// block mode: one scan for all of them, whatever their ports and capabilities, which are told
// apart by the rules that matched. Each rule is reported once a scan at most.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "routing/counter.h"
#include "routing/policy.h"

namespace posthaste::routing {

// Policies by their rank, the strongest in the lowest bit.
using PolicyMask = std::uint64_t;

struct PolicySetOptions {
    unsigned workers = 1;
    std::size_t ports = 0;
    std::size_t database_bytes_max = 0;  // of all databases together
};

// What is wrong with which rule; the last three are empty where it is about no rule.
struct PolicyFault {
    std::string why;
    std::string policy;
    std::string where;
    std::string expression;
};

// Frames, of one policy.
struct PolicyCounters {
    Counter matched;
    Counter acted;  // its action was the one that counted
    Counter lost;   // copies that could not be made or queued
};

struct PolicySums {
    std::uint64_t matched = 0;
    std::uint64_t acted = 0;
    std::uint64_t lost = 0;
};

// What scanning came to. A rule is reported at most once a scan, so reports are at most scans times
// rules, whatever is in the payloads.
struct PolicyWork {
    std::uint64_t bytes = 0;    // of payload that databases were shown
    std::uint64_t reports = 0;  // rules they said to match, asked about or not

    PolicyWork& operator+=(const PolicyWork& other) noexcept {
        bytes += other.bytes;
        reports += other.reports;
        return *this;
    }
};

class PolicySet {
  public:
    // Takes as long as Hyperscan does, up to a minute for the most rules there may be. The policies
    // are ranked by falling priority, then in the order they come.
    [[nodiscard]] static tl::expected<std::unique_ptr<const PolicySet>, PolicyFault> compile(
        std::vector<Policy> policies, const PolicySetOptions& options);
    ~PolicySet();
    PolicySet(const PolicySet&) = delete;
    PolicySet& operator=(const PolicySet&) = delete;

    // --- lcores ---
    // Those that look at frames of that port.
    [[nodiscard]] PolicyMask at(PolicyDirection direction, std::size_t port) const noexcept {
        return ports_[port][static_cast<std::size_t>(direction)];
    }

    // Those among them that look at frames addressed to that capability; null: to no capability.
    [[nodiscard]] PolicyMask about(PolicyMask among, const AgentId* capability) const noexcept;

    // The most bytes of payload any of them looks at.
    [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }

    // Which of `among` match, counted; all of one direction. Of the payload, no more than depth()
    // bytes need be there. False: the library failed, and nothing is known.
    [[nodiscard]] bool scan(unsigned worker,
                            PolicyMask among,
                            std::span<const std::uint8_t> payload,
                            PolicyMask& matched) const noexcept;
    // The strongest that does more than to count; null: none does.
    [[nodiscard]] const Policy* decisive(PolicyMask matched, unsigned& rank) const noexcept;
    // Memory of that worker's own, depth() bytes.
    [[nodiscard]] std::uint8_t* gather_buffer(unsigned worker) const noexcept;
    [[nodiscard]] PolicyCounters& counters(unsigned worker, unsigned rank) const noexcept;

    // --- control thread ---
    [[nodiscard]] const std::vector<Policy>& policies() const noexcept { return policies_; }

    // Positions in the list of all rules, policy after policy.
    [[nodiscard]] std::size_t rule_count() const noexcept { return policy_of_rule_.size(); }

    [[nodiscard]] std::size_t policy_of(std::size_t rule) const noexcept {
        return policy_of_rule_[rule];
    }

    [[nodiscard]] std::size_t first_rule(std::size_t rank) const noexcept { return first_[rank]; }

    // Frames that it matched, over all workers.
    [[nodiscard]] std::uint64_t hits(std::size_t rule) const noexcept;
    // What counters() come to over all workers.
    [[nodiscard]] PolicySums sums(std::size_t rank) const noexcept;
    // Of all workers' scans, matching_rules() not among them.
    [[nodiscard]] PolicyWork work() const noexcept;
    // The rules that a payload matches in one direction, ascending; counts nothing. False: the
    // library failed.
    [[nodiscard]] bool matching_rules(PolicyDirection direction,
                                      std::span<const std::uint8_t> payload,
                                      std::vector<std::uint32_t>& rules) const;

    [[nodiscard]] std::size_t database_bytes() const noexcept { return database_bytes_; }

    [[nodiscard]] std::size_t databases() const noexcept;

    // Of one scanner.
    [[nodiscard]] std::size_t scratch_bytes() const noexcept { return scratch_bytes_; }

  private:
    struct Group;
    struct Scanner;

    PolicySet();
    [[nodiscard]] tl::expected<void, PolicyFault> compile_groups(std::size_t bytes_max);
    [[nodiscard]] tl::expected<void, PolicyFault> compile_group(Group& group);
    [[nodiscard]] tl::expected<void, PolicyFault> make_scanners(unsigned workers);
    [[nodiscard]] PolicyFault fault_of(std::size_t rule, std::string why) const;

    std::vector<Policy> policies_;  // by rank
    std::vector<std::size_t> first_;
    std::vector<std::uint8_t> policy_of_rule_;
    std::vector<std::array<PolicyMask, kPolicyDirections>> ports_;
    PolicyMask any_destination_ = 0;
    PolicyMask counting_ = 0;  // those that do no more than count
    std::uint32_t depth_ = 0;
    std::vector<Group> groups_;
    std::vector<std::unique_ptr<Scanner>> scanners_;  // by worker, then the operators'
    std::size_t database_bytes_ = 0;
    std::size_t scratch_bytes_ = 0;
};

}  // namespace posthaste::routing
