// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy_rules.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "controlplane/config_findings.h"
#include "routing/capability_name.h"
#include "routing/text.h"

namespace posthaste::controlplane {

namespace {

using routing::Policy;
using routing::PolicyRule;

constexpr std::size_t kMegabyte = 1024 * 1024;

std::string at_line(std::string_view path, std::size_t line) {
    return std::string(path) + ":" + std::to_string(line);
}

std::string_view strip(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// A regular file only: one that never ends, or never begins, would keep the thread for ever.
tl::expected<std::string, std::string> read_rules_file(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return tl::unexpected(std::string(std::strerror(errno)));
    }

    struct stat about {};

    std::string text;
    std::string why;
    if (fstat(file, &about) != 0) {
        why = std::strerror(errno);
    } else if (!S_ISREG(about.st_mode)) {
        why = "not a regular file";
    }
    std::array<char, 65'536> part;
    while (why.empty()) {
        const ssize_t count = read(file, part.data(), part.size());
        if (count == 0) {
            break;
        }
        if (count > 0) {
            text.append(part.data(), static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            why = std::strerror(errno);
        }
        if (text.size() > kRulesFileBytesMax) {
            why = "longer than " + std::to_string(kRulesFileBytesMax) + " bytes";
        }
    }
    close(file);
    if (!why.empty()) {
        return tl::unexpected(std::move(why));
    }
    return text;
}

class PolicyReader {
  public:
    PolicyReader(const PolicySource& source, PolicyErrors& errors)
        : source_(source), errors_(errors) {}

    PolicyList run() {
        PolicyList list;
        for (const PolicyConfig& config : source_.policies) {
            list.push_back(read(config));
        }
        return list;
    }

  private:
    Policy read(const PolicyConfig& config) {
        Policy policy;
        policy.name = config.name;
        policy.direction = config.direction;
        policy.depth = config.depth;
        policy.action = config.action;
        policy.priority = config.priority;
        policy.ports = ports_of(config);
        if (!config.capability.empty()) {
            policy.capability = routing::capability_id(config.capability);
            policy.capability_name = config.capability;
        }
        if (config.action == routing::PolicyAction::mirror) {
            policy.mirror_port = index_of(config.mirror_port);
        }
        if (config.action == routing::PolicyAction::redirect) {
            policy.redirect = routing::capability_id(config.redirect);
            policy.redirect_name = config.redirect;
        }
        if (!config.expression.empty()) {
            policy.rules.push_back(
                {{config.expression, config.flags},
                 at_line(source_.path, static_cast<std::size_t>(config.expression_line.number))});
        }
        if (!config.rules.empty()) {
            add_file(config, policy);
        }
        check(config, policy);
        return policy;
    }

    [[nodiscard]] std::uint16_t index_of(const std::string& port) const {
        return static_cast<std::uint16_t>(std::ranges::find(source_.ports, port) -
                                          source_.ports.begin());
    }

    // Copies that come back to the port they are sent on must not be copied again.
    [[nodiscard]] std::vector<std::uint16_t> ports_of(const PolicyConfig& config) const {
        std::vector<std::uint16_t> indices;
        const bool mirrors = config.action == routing::PolicyAction::mirror;
        for (std::uint16_t i = 0; i < source_.ports.size(); ++i) {
            const std::string& name = source_.ports[i];
            if (config.ports.empty()
                    ? !mirrors || name != config.mirror_port
                    : std::ranges::find(config.ports, name) != config.ports.end()) {
                indices.push_back(i);
            }
        }
        return indices;
    }

    void add_file(const PolicyConfig& config, Policy& policy) {
        const auto text = read_rules_file(config.rules);
        if (!text.has_value()) {
            errors_.add(at_line(source_.path, static_cast<std::size_t>(config.line.number)),
                        config.name,
                        "rules = " + config.rules + ": cannot be read: " + text.error());
            return;
        }
        auto rules = read_rules(*text, config.rules, config.name, config.flags, errors_);
        if (rules.empty()) {
            errors_.add(config.rules, config.name, "there is no rule in it");
        }
        policy.rules.insert(policy.rules.end(),
                            std::make_move_iterator(rules.begin()),
                            std::make_move_iterator(rules.end()));
    }

    void check(const PolicyConfig& config, const Policy& policy) {
        std::unordered_map<std::string_view, const PolicyRule*> seen;
        for (const PolicyRule& rule : policy.rules) {
            const auto [first, added] = seen.emplace(rule.expression.text, &rule);
            if (!added) {
                errors_.add({"it is there already, at " + first->second->where,
                             config.name,
                             rule.where,
                             rule.expression.text});
            } else if (auto why = routing::refuse_expression(rule.expression)) {
                errors_.add({std::move(*why), config.name, rule.where, rule.expression.text});
            }
        }
        const bool had_room = rules_ <= routing::kPolicyRulesMax;
        rules_ += policy.rules.size();
        if (had_room && rules_ > routing::kPolicyRulesMax) {
            errors_.add(
                at_line(source_.path, static_cast<std::size_t>(config.line.number)),
                config.name,
                "with it there are " + std::to_string(rules_) +
                    " rules of all policies; allowed: " + std::to_string(routing::kPolicyRulesMax));
        }
    }

    const PolicySource& source_;
    PolicyErrors& errors_;
    std::size_t rules_ = 0;
};

ConfigError error_of(const PolicyErrors& errors) {
    return {kExitMeaning, errors.text()};
}

std::uint32_t elapsed_ms(std::chrono::steady_clock::time_point start) {
    const auto took = std::chrono::steady_clock::now() - start;
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
}

}  // namespace

void PolicyErrors::push(std::string line) {
    if (lines_.size() >= kConfigErrorsMax) {
        ++left_out_;
        return;
    }
    lines_.push_back(std::move(line));
}

void PolicyErrors::add(const routing::PolicyFault& fault) {
    add(fault.where,
        fault.policy,
        (fault.expression.empty() ? "" : "expression = " + shown_value(fault.expression) + ": ") +
            fault.why);
}

void PolicyErrors::add(std::string_view where, std::string_view policy, std::string_view why) {
    std::string line(where);
    line += line.empty() ? "" : ": ";
    line += policy.empty() ? "[policies] " : "[policy " + std::string(policy) + "] ";
    push(line + std::string(why));
}

std::string PolicyErrors::text() const {
    std::string text;
    for (const std::string& line : lines_) {
        text += line + "\n";
    }
    if (left_out_ > 0) {
        text += "and " + std::to_string(left_out_) + " more\n";
    }
    return text;
}

std::vector<PolicyRule> read_rules(std::string_view text,
                                   std::string_view path,
                                   std::string_view policy,
                                   const routing::ExpressionFlags& flags,
                                   PolicyErrors& errors) {
    std::vector<PolicyRule> rules;
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = strip(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (!routing::is_printable_utf8(line)) {
            errors.add(at_line(path, number), policy, "not printable UTF-8");
            continue;
        }
        rules.push_back({{std::string(line), flags}, at_line(path, number)});
    }
    return rules;
}

PolicySource policy_source(const Config& config) {
    PolicySource source;
    source.path = config.path;
    source.policies = config.content_policies;
    source.database_mb = config.policies.database_mb;
    source.workers = config.dataplane.workers;
    for (const PortConfig& port : config.ports) {
        source.ports.push_back(port.name);
    }
    return source;
}

tl::expected<PolicyList, ConfigError> read_policies(const PolicySource& source) {
    PolicyErrors errors;
    PolicyList list = PolicyReader(source, errors).run();
    if (!errors.empty()) {
        return tl::unexpected(error_of(errors));
    }
    return list;
}

tl::expected<BuiltPolicies, ConfigError> build_policies(const PolicySource& source,
                                                        const BuiltPolicies& running) {
    auto list = read_policies(source);
    if (!list.has_value()) {
        return tl::unexpected(std::move(list.error()));
    }
    const std::size_t bytes_max = source.database_mb * kMegabyte;
    if (running.set != nullptr && *running.policies == *list &&
        running.set->database_bytes() <= bytes_max) {
        return running;
    }
    BuiltPolicies built;
    built.policies = std::make_shared<const PolicyList>(std::move(*list));
    if (built.policies->empty()) {
        return built;
    }
    const auto start = std::chrono::steady_clock::now();
    auto set = routing::PolicySet::compile(*built.policies,
                                           {source.workers, source.ports.size(), bytes_max});
    if (!set.has_value()) {
        PolicyErrors errors;
        set.error().where = set.error().where.empty() ? source.path : set.error().where;
        errors.add(set.error());
        return tl::unexpected(error_of(errors));
    }
    built.set = std::move(*set);
    built.took_ms = elapsed_ms(start);
    return built;
}

}  // namespace posthaste::controlplane
