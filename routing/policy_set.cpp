// SPDX-License-Identifier: BSD-3-Clause
#include "routing/policy_set.h"

#include <hs/hs.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "routing/check.h"
#include "routing/text.h"

namespace posthaste::routing {

namespace {

struct FreeDatabase {
    void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};

struct FreeScratch {
    void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};

struct FreeCompileError {
    void operator()(hs_compile_error_t* error) const noexcept { hs_free_compile_error(error); }
};

// What the callback of one scan sees.
struct Scan {
    const std::uint8_t* policy_of_rule;
    Counter* hits;
    PolicyMask among;
    PolicyMask matched;
    std::uint64_t reports;
};

int count_match(unsigned rule,
                unsigned long long /*from*/,
                unsigned long long /*to*/,
                unsigned /*flags*/,
                void* context) noexcept {
    Scan& scan = *static_cast<Scan*>(context);
    ++scan.reports;
    const PolicyMask policy = PolicyMask{1} << scan.policy_of_rule[rule];
    if ((scan.among & policy) != 0) {
        scan.hits[rule].add(1);
        scan.matched |= policy;
    }
    return 0;
}

int list_match(unsigned rule,
               unsigned long long /*from*/,
               unsigned long long /*to*/,
               unsigned /*flags*/,
               void* context) {
    static_cast<std::vector<std::uint32_t>*>(context)->push_back(rule);
    return 0;
}

}  // namespace

struct PolicySet::Group {
    PolicyDirection direction = PolicyDirection::in;
    std::uint32_t depth = 0;
    bool utf8 = false;
    PolicyMask policies = 0;
    std::unique_ptr<hs_database_t, FreeDatabase> database;

    // Outside of UTF-8 the library promises nothing for expressions that are about UTF-8, so it
    // is shown no other bytes.
    [[nodiscard]] std::span<const std::uint8_t> part_of(
        std::span<const std::uint8_t> payload) const noexcept {
        const auto part = payload.first(std::min<std::size_t>(payload.size(), depth));
        return utf8 ? part.first(utf8_prefix(part)) : part;
    }

    // Of what part_of() gives.
    [[nodiscard]] bool scan(std::span<const std::uint8_t> part,
                            hs_scratch_t* scratch,
                            match_event_handler handler,
                            void* context) const noexcept {
        return part.empty() || hs_scan(database.get(),
                                       reinterpret_cast<const char*>(part.data()),
                                       static_cast<unsigned>(part.size()),
                                       0,
                                       scratch,
                                       handler,
                                       context) == HS_SUCCESS;
    }
};

struct alignas(64) PolicySet::Scanner {
    std::unique_ptr<hs_scratch_t, FreeScratch> scratch;
    std::unique_ptr<Counter[]> hits;  // by rule
    std::unique_ptr<std::uint8_t[]> gather;
    Counter bytes;  // as PolicyWork has them
    Counter reports;
    std::array<PolicyCounters, kPoliciesMax> policies;
};

PolicySet::PolicySet() = default;
PolicySet::~PolicySet() = default;

tl::expected<std::unique_ptr<const PolicySet>, PolicyFault> PolicySet::compile(
    std::vector<Policy> policies, const PolicySetOptions& options) {
    CHECK(policies.size() <= kPoliciesMax);
    if (hs_valid_platform() != HS_SUCCESS) {
        return tl::unexpected(PolicyFault{"Hyperscan needs a CPU with SSSE3", {}, {}, {}});
    }
    std::ranges::stable_sort(policies, std::greater{}, &Policy::priority);
    std::unique_ptr<PolicySet> set(new PolicySet);
    set->policies_ = std::move(policies);
    set->ports_.resize(options.ports);
    for (std::size_t rank = 0; rank < set->policies_.size(); ++rank) {
        const Policy& policy = set->policies_[rank];
        const PolicyMask bit = PolicyMask{1} << rank;
        set->first_.push_back(set->policy_of_rule_.size());
        set->policy_of_rule_.resize(set->policy_of_rule_.size() + policy.rules.size(),
                                    static_cast<std::uint8_t>(rank));
        for (const std::uint16_t port : policy.ports) {
            CHECK(port < options.ports);
            set->ports_[port][static_cast<std::size_t>(policy.direction)] |= bit;
        }
        set->any_destination_ |= policy.capability.has_value() ? 0 : bit;
        set->counting_ |= policy.action == PolicyAction::count ? bit : 0;
        set->depth_ = std::max(set->depth_, policy.depth);
    }
    CHECK(set->policy_of_rule_.size() <= kPolicyRulesMax);
    auto done = set->compile_groups(options.database_bytes_max);
    if (done.has_value()) {
        done = set->make_scanners(options.workers);
    }
    if (!done.has_value()) {
        return tl::unexpected(std::move(done.error()));
    }
    return set;
}

tl::expected<void, PolicyFault> PolicySet::compile_groups(std::size_t bytes_max) {
    for (std::size_t rank = 0; rank < policies_.size(); ++rank) {
        const Policy& policy = policies_[rank];
        if (policy.rules.empty()) {
            continue;
        }
        const bool utf8 = policy.rules.front().expression.flags.utf8;
        auto group = std::ranges::find_if(groups_, [&](const Group& each) {
            return each.direction == policy.direction && each.depth == policy.depth &&
                   each.utf8 == utf8;
        });
        if (group == groups_.end()) {
            groups_.push_back({policy.direction, policy.depth, utf8, 0, nullptr});
            group = groups_.end() - 1;
        }
        group->policies |= PolicyMask{1} << rank;
    }
    for (Group& group : groups_) {
        if (auto done = compile_group(group); !done.has_value()) {
            return done;
        }
        if (database_bytes_ > bytes_max) {
            return tl::unexpected(
                PolicyFault{"the databases take " + std::to_string(database_bytes_) +
                                " bytes or more; allowed: " + std::to_string(bytes_max),
                            {},
                            {},
                            {}});
        }
    }
    return {};
}

tl::expected<void, PolicyFault> PolicySet::compile_group(Group& group) {
    std::vector<const char*> texts;
    std::vector<unsigned> flags;
    std::vector<unsigned> rules;
    for (std::size_t rank = 0; rank < policies_.size(); ++rank) {
        if ((group.policies >> rank & 1) == 0) {
            continue;
        }
        for (std::size_t i = 0; i < policies_[rank].rules.size(); ++i) {
            const Expression& expression = policies_[rank].rules[i].expression;
            texts.push_back(expression.text.c_str());
            flags.push_back(hyperscan_flags(expression.flags));
            rules.push_back(static_cast<unsigned>(first_[rank] + i));
        }
    }
    hs_database_t* database = nullptr;
    hs_compile_error_t* raw_error = nullptr;
    const hs_error_t result = hs_compile_multi(texts.data(),
                                               flags.data(),
                                               rules.data(),
                                               static_cast<unsigned>(texts.size()),
                                               HS_MODE_BLOCK,
                                               nullptr,
                                               &database,
                                               &raw_error);
    group.database.reset(database);
    const std::unique_ptr<hs_compile_error_t, FreeCompileError> error(raw_error);
    if (result != HS_SUCCESS) {
        const std::string why = error == nullptr ? "Hyperscan has no memory" : error->message;
        const bool about_one = error != nullptr && error->expression >= 0;
        return tl::unexpected(
            about_one ? fault_of(rules[static_cast<std::size_t>(error->expression)], why)
                      : PolicyFault{why, {}, {}, {}});
    }
    std::size_t bytes = 0;
    if (hs_database_size(database, &bytes) != HS_SUCCESS) {
        return tl::unexpected(PolicyFault{"Hyperscan does not know its own database", {}, {}, {}});
    }
    database_bytes_ += bytes;
    return {};
}

PolicyFault PolicySet::fault_of(std::size_t rule, std::string why) const {
    const std::size_t rank = policy_of_rule_[rule];
    const PolicyRule& at = policies_[rank].rules[rule - first_[rank]];
    return {std::move(why), policies_[rank].name, at.where, at.expression.text};
}

tl::expected<void, PolicyFault> PolicySet::make_scanners(unsigned workers) {
    const tl::unexpected<PolicyFault> no_memory(PolicyFault{"no memory to scan with", {}, {}, {}});
    hs_scratch_t* raw = nullptr;
    for (const Group& group : groups_) {
        if (hs_alloc_scratch(group.database.get(), &raw) != HS_SUCCESS) {
            hs_free_scratch(raw);
            return no_memory;
        }
    }
    const std::unique_ptr<hs_scratch_t, FreeScratch> pattern(raw);
    if (raw != nullptr && hs_scratch_size(raw, &scratch_bytes_) != HS_SUCCESS) {
        return no_memory;
    }
    for (unsigned i = 0; i < workers + 1; ++i) {
        auto scanner = std::make_unique<Scanner>();
        hs_scratch_t* clone = nullptr;
        if (raw != nullptr && hs_clone_scratch(raw, &clone) != HS_SUCCESS) {
            return no_memory;
        }
        scanner->scratch.reset(clone);
        scanner->hits = std::make_unique<Counter[]>(rule_count());
        scanner->gather = std::make_unique<std::uint8_t[]>(depth_);
        scanners_.push_back(std::move(scanner));
    }
    return {};
}

PolicyMask PolicySet::about(PolicyMask among, const AgentId* capability) const noexcept {
    PolicyMask result = among & any_destination_;
    if (capability == nullptr) {
        return result;
    }
    for (PolicyMask left = among & ~any_destination_; left != 0; left &= left - 1) {
        const int rank = std::countr_zero(left);
        if (policies_[static_cast<std::size_t>(rank)].capability == *capability) {
            result |= PolicyMask{1} << rank;
        }
    }
    return result;
}

bool PolicySet::scan(unsigned worker,
                     PolicyMask among,
                     std::span<const std::uint8_t> payload,
                     PolicyMask& matched) const noexcept {
    Scanner& scanner = *scanners_[worker];
    Scan scan{policy_of_rule_.data(), scanner.hits.get(), among, 0, 0};
    std::size_t bytes = 0;
    for (const Group& group : groups_) {
        if ((group.policies & among) == 0) {
            continue;
        }
        const auto part = group.part_of(payload);
        bytes += part.size();
        if (!group.scan(part, scanner.scratch.get(), count_match, &scan)) [[unlikely]] {
            return false;
        }
    }
    scanner.bytes.add(bytes);
    scanner.reports.add(scan.reports);
    for (PolicyMask left = scan.matched; left != 0; left &= left - 1) {
        scanner.policies[static_cast<std::size_t>(std::countr_zero(left))].matched.add(1);
    }
    matched = scan.matched;
    return true;
}

const Policy* PolicySet::decisive(PolicyMask matched, unsigned& rank) const noexcept {
    const PolicyMask acting = matched & ~counting_;
    if (acting == 0) {
        return nullptr;
    }
    rank = static_cast<unsigned>(std::countr_zero(acting));
    return &policies_[rank];
}

std::uint8_t* PolicySet::gather_buffer(unsigned worker) const noexcept {
    return scanners_[worker]->gather.get();
}

PolicyCounters& PolicySet::counters(unsigned worker, unsigned rank) const noexcept {
    return scanners_[worker]->policies[rank];
}

std::size_t PolicySet::databases() const noexcept {
    return groups_.size();
}

std::uint64_t PolicySet::hits(std::size_t rule) const noexcept {
    std::uint64_t sum = 0;
    for (const auto& scanner : scanners_) {
        sum += scanner->hits[rule].read();
    }
    return sum;
}

PolicySums PolicySet::sums(std::size_t rank) const noexcept {
    PolicySums sums;
    for (const auto& scanner : scanners_) {
        const PolicyCounters& counters = scanner->policies[rank];
        sums.matched += counters.matched.read();
        sums.acted += counters.acted.read();
        sums.lost += counters.lost.read();
    }
    return sums;
}

PolicyWork PolicySet::work() const noexcept {
    PolicyWork sum;
    for (const auto& scanner : scanners_) {
        sum.bytes += scanner->bytes.read();
        sum.reports += scanner->reports.read();
    }
    return sum;
}

bool PolicySet::matching_rules(PolicyDirection direction,
                               std::span<const std::uint8_t> payload,
                               std::vector<std::uint32_t>& rules) const {
    rules.clear();
    rules.reserve(rule_count());  // the library calls back: nothing may throw there
    for (const Group& group : groups_) {
        if (group.direction == direction &&
            !group.scan(
                group.part_of(payload), scanners_.back()->scratch.get(), list_match, &rules)) {
            return false;
        }
    }
    std::ranges::sort(rules);
    return true;
}

}  // namespace posthaste::routing
