// SPDX-License-Identifier: BSD-3-Clause
// Checks of what policies refer to, and of what in them goes together.
#include <algorithm>
#include <string>

#include "controlplane/config_findings.h"
#include "controlplane/near_word.h"

namespace posthaste::controlplane {

namespace {

using routing::PolicyAction;
using routing::PolicyDirection;

class PolicyChecks {
  public:
    PolicyChecks(const Config& config, Findings& findings) : findings_(findings) {
        for (const PortConfig& port : config.ports) {
            port_names_.push_back(port.name);
            known_ += (known_.empty() ? "" : ", ") + port.name;
        }
    }

    void check(const PolicyConfig& policy) {
        if (policy.expression.empty() && policy.rules.empty()) {
            fail(policy, "expression", "neither this nor rules", "at least one of the two");
        }
        for (const std::string& port : policy.ports) {
            if (!check_port(policy, "ports", port)) {
                break;
            }
        }
        if (!policy.mirror_port.empty()) {
            static_cast<void>(check_port(policy, "mirror_port", policy.mirror_port));
        }
        if (policy.action == PolicyAction::mirror) {
            check_mirror(policy);
        }
        if (policy.action == PolicyAction::redirect) {
            check_redirect(policy);
        }
    }

  private:
    void fail(const PolicyConfig& policy,
              std::string_view key,
              std::string_view why,
              std::string_view allowed) {
        findings_.add(policy.line.number, *find_key(SectionKind::policy, key), why, allowed);
    }

    // False: reported.
    bool check_port(const PolicyConfig& policy, std::string_view key, const std::string& name) {
        if (std::ranges::find(port_names_, name) != port_names_.end()) {
            return true;
        }
        const std::string_view near = near_word(name, port_names_);
        fail(policy,
             key,
             "there is no [port " + name + "]" +
                 (near.empty() ? "" : ", did you mean " + std::string(near) + "?"),
             known_.empty() ? "none, there is no [port NAME]" : known_);
        return false;
    }

    void check_mirror(const PolicyConfig& policy) {
        if (policy.mirror_port.empty()) {
            fail(policy, "mirror_port", "missing, with action = mirror", known_);
        } else if (std::ranges::find(policy.ports, policy.mirror_port) != policy.ports.end()) {
            fail(policy, "mirror_port", "it would mirror that port on itself", "another port");
        }
    }

    void check_redirect(const PolicyConfig& policy) {
        if (policy.redirect.empty()) {
            fail(policy, "redirect", "missing, with action = redirect", "the name of a capability");
        }
        if (policy.direction == PolicyDirection::out) {
            fail(policy,
                 "direction",
                 "what is about to be sent cannot be redirected",
                 "in, with action = redirect");
        }
    }

    Findings& findings_;
    std::vector<std::string_view> port_names_;
    std::string known_;
};

}  // namespace

void check_policies(const Config& config, Findings& findings) {
    PolicyChecks checks(config, findings);
    for (const PolicyConfig& policy : config.content_policies) {
        if (!findings.is_broken(policy.line.number)) {
            checks.check(policy);
        }
    }
}

}  // namespace posthaste::controlplane
