// SPDX-License-Identifier: BSD-3-Clause
// From [policy NAME] sections and their rule files to a PolicySet, with every mistake named.
//
// Files are read and expressions compiled here, which takes up to a minute: for the time before the
// workers start, for --check, and for the builder thread. Nothing here is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/config.h"
#include "routing/policy_set.h"

namespace posthaste::controlplane {

inline constexpr std::size_t kRulesFileBytesMax = 8 * 1024 * 1024;

// Lines about what is wrong; those beyond kConfigErrorsMax are counted only.
class PolicyErrors {
  public:
    // WHERE: [policy NAME] expression = TEXT: WHY; what is empty is left out.
    void add(const routing::PolicyFault& fault);
    void add(std::string_view where, std::string_view policy, std::string_view why);

    [[nodiscard]] bool empty() const { return lines_.empty(); }

    [[nodiscard]] std::string text() const;

  private:
    void push(std::string line);

    std::vector<std::string> lines_;
    std::size_t left_out_ = 0;
};

// The rules of a file, one on each line, blanks around them taken off. Lines that begin with '#'
// and empty ones are none. `path` is only named.
[[nodiscard]] std::vector<routing::PolicyRule> read_rules(std::string_view text,
                                                          std::string_view path,
                                                          std::string_view policy,
                                                          const routing::ExpressionFlags& flags,
                                                          PolicyErrors& errors);

// What of a configuration is about policies.
struct PolicySource {
    std::string path;
    std::vector<PolicyConfig> policies;
    std::uint32_t database_mb = 0;
    std::vector<std::string> ports;  // names by index
    unsigned workers = 1;
};

[[nodiscard]] PolicySource policy_source(const Config& config);

using PolicyList = std::vector<routing::Policy>;

// Reads the rule files and checks every expression by itself. Sound otherwise: a configuration
// that parse_config() returned.
[[nodiscard]] tl::expected<PolicyList, ConfigError> read_policies(const PolicySource& source);

struct BuiltPolicies {
    std::shared_ptr<const PolicyList> policies;
    std::shared_ptr<const routing::PolicySet> set;  // null: there are no policies
    std::uint32_t took_ms = 0;                      // to compile
};

// Where the policies are those that run, and fit, these come back: the same objects.
[[nodiscard]] tl::expected<BuiltPolicies, ConfigError> build_policies(
    const PolicySource& source, const BuiltPolicies& running = {});

}  // namespace posthaste::controlplane
