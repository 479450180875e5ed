// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "controlplane/config_findings.h"
#include "controlplane/config_table.h"
#include "controlplane/config_values.h"
#include "controlplane/ini_scan.h"
#include "controlplane/near_word.h"
#include "routing/message.h"

namespace posthaste::controlplane {

namespace {

using routing::AgentId;

ConfigError one_error(const std::string& path, const std::string& why) {
    return {kExitSyntax, path + ": " + why + "\n"};
}

// Fills a Config from the sections of a sound scan; whatever is wrong goes to the findings.
class Reader {
  public:
    Reader(const IniScan& scan,
           const std::vector<std::string>& values,
           Config& config,
           Findings& findings)
        : scan_(scan), values_(values), config_(config), findings_(findings) {}

    void run() {
        for (const IniSection& section : scan_.sections) {
            read_section(section);
        }
    }

  private:
    void read_section(const IniSection& section) {
        const std::size_t blank = section.name.find(' ');
        const std::string_view word = section.name.substr(0, blank);
        const std::string_view argument =
            blank == std::string_view::npos ? "" : section.name.substr(blank + 1);
        const SectionRow* row = find_section(word);
        if (row == nullptr) {
            fail(section, findings_.is_full() ? "" : unknown_section(word));
            return;
        }
        findings_.set_line(row->kind, section.line);
        if (row->argument.empty() != argument.empty()) {
            fail(section,
                 argument.empty()
                     ? "the section has no name; allowed: [" + std::string(word) + " " +
                           std::string(row->argument) + "]"
                     : "the section takes no name; allowed: [" + std::string(word) + "]");
            return;
        }
        switch (row->kind) {
            case SectionKind::port:
                read_port(section, argument);
                break;
            case SectionKind::router:
                read_router(section, argument);
                break;
            case SectionKind::route:
                read_route(section, argument);
                break;
            case SectionKind::agent:
                read_agent(section, argument);
                break;
            case SectionKind::policy:
                read_policy(section, argument);
                break;
            default:
                read_keys(section,
                          row->kind,
                          single_sections(config_)[static_cast<std::size_t>(row->kind)]);
        }
    }

    void fail(const IniSection& section, const std::string& why) {
        findings_.add(section.line, section.name, why);
        findings_.set_broken(section.line);
    }

    static std::string unknown_section(std::string_view word) {
        std::array<std::string_view, kSectionKinds> known;
        std::ranges::transform(config_sections(), known.begin(), &SectionRow::word);
        const std::string_view near = near_word(word, known);
        std::string text = "unknown section";
        text += near.empty() ? "" : ", did you mean [" + std::string(near) + "]?";
        text += "; allowed:";
        for (const std::string_view name : known) {
            text += (name == known.front() ? " " : ", ") + std::string(name);
        }
        return text;
    }

    static std::string unknown_key(SectionKind kind, const IniEntry& entry) {
        std::vector<std::string_view> known;
        std::ranges::transform(config_keys(kind), std::back_inserter(known), &KeyRow::name);
        std::string text =
            std::string(entry.key) + " = " + shown_value(entry.value) + ": unknown key";
        const auto elsewhere = std::ranges::find(config_keys(), entry.key, &KeyRow::name);
        if (const std::string_view near = near_word(entry.key, known); !near.empty()) {
            text += ", did you mean " + std::string(near) + "?";
        } else if (elsewhere != config_keys().end()) {
            text += ", it belongs to [" + std::string(section_row(elsewhere->section).word) + "]";
        }
        text += "; allowed:";
        for (const std::string_view each : known) {
            text += (each == known.front() ? " " : ", ") + std::string(each);
        }
        return text;
    }

    void read_keys(const IniSection& section, SectionKind kind, Target target) {
        for (std::size_t i = section.entry; i < section.entry + section.entries; ++i) {
            const IniEntry& entry = scan_.entries[i];
            const KeyRow* key = find_key(kind, entry.key);
            if (key == nullptr) {
                findings_.add(
                    entry.line, section.name, findings_.is_full() ? "" : unknown_key(kind, entry));
                continue;
            }
            const Why why = key->read(*key, values_[i], target);
            if (!why.empty()) {
                findings_.add(section.line, *key, why, allowed_text(*key));
                findings_.set_broken(section.line);
            }
        }
        for (const KeyRow& key : config_keys(kind)) {
            if (key.required && !findings_.has_key(section.line, key.name)) {
                findings_.add(section.line, key, "missing", allowed_text(key));
                findings_.set_broken(section.line);
            }
        }
    }

    // False: refused, and the section is left out.
    template <typename Section>
    bool has_room(const IniSection& section, const std::vector<Section>& all, std::size_t max) {
        if (all.size() < max) {
            return true;
        }
        if (!full_) {
            fail(section, "more than " + std::to_string(max) + " sections of this kind");
        }
        full_ = true;
        return false;
    }

    void read_port(const IniSection& section, std::string_view name) {
        if (!has_room(section, config_.ports, kPortsMax)) {
            return;
        }
        PortConfig& port = config_.ports.emplace_back();
        port.name = name;
        port.line.number = section.line;
        check_name(section, name);
        read_keys(section, SectionKind::port, &port);
    }

    void read_router(const IniSection& section, std::string_view name) {
        if (!has_room(section, config_.routers, kRoutersMax)) {
            return;
        }
        RouterConfig& router = config_.routers.emplace_back();
        router.name = name;
        router.line.number = section.line;
        check_name(section, name);
        read_keys(section, SectionKind::router, &router);
    }

    void read_route(const IniSection& section, std::string_view uuid) {
        RouteConfig& route = config_.routes.emplace_back();
        route.agent = read_uuid(section, uuid);
        route.line.number = section.line;
        read_keys(section, SectionKind::route, &route);
    }

    void read_agent(const IniSection& section, std::string_view uuid) {
        if (!has_room(section, config_.static_agents, kStaticAgentsMax)) {
            return;
        }
        AgentConfig& agent = config_.static_agents.emplace_back();
        agent.agent = read_uuid(section, uuid);
        agent.line.number = section.line;
        read_keys(section, SectionKind::agent, &agent);
    }

    void read_policy(const IniSection& section, std::string_view name) {
        if (!has_room(section, config_.content_policies, routing::kPoliciesMax)) {
            return;
        }
        PolicyConfig& policy = config_.content_policies.emplace_back();
        policy.name = name;
        policy.line.number = section.line;
        check_name(section, name);
        read_keys(section, SectionKind::policy, &policy);
        for (std::size_t i = section.entry; i < section.entry + section.entries; ++i) {
            if (scan_.entries[i].key == "expression") {
                policy.expression_line.number = scan_.entries[i].line;
            }
        }
    }

    void check_name(const IniSection& section, std::string_view name) {
        if (!is_legal_name(name)) {
            fail(section, "bad name; allowed: " + std::string(kLegalName));
        }
    }

    AgentId read_uuid(const IniSection& section, std::string_view text) {
        const std::optional<AgentId> id = AgentId::from_text(text);
        if (!id) {
            fail(section, "not a UUID; allowed: xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx in hex");
        } else if (id->is_nil()) {
            fail(section, "the nil UUID names nobody; allowed: any other UUID");
        } else if (*id == routing::kRouterId) {
            fail(section, "this UUID names the routers themselves; allowed: any other UUID");
        }
        return id.value_or(AgentId{});
    }

    const IniScan& scan_;
    const std::vector<std::string>& values_;
    Config& config_;
    Findings& findings_;
    bool full_ = false;  // told once
};

tl::expected<std::string, std::string> read_file(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return tl::unexpected(std::string(std::strerror(errno)));
    }
    std::string text;
    std::array<char, 65'536> part;
    for (;;) {
        const ssize_t count = read(file, part.data(), part.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            const std::string why = std::strerror(errno);
            close(file);
            return tl::unexpected(why);
        }
        text.append(part.data(), static_cast<std::size_t>(count));
        if (count == 0 || text.size() > kConfigFileBytesMax) {
            close(file);
            return text;
        }
    }
}

}  // namespace

tl::expected<Config, ConfigError> load_config(const std::string& path) {
    const auto text = read_file(path);
    if (!text) {
        return tl::unexpected(one_error(path, "cannot be read: " + text.error()));
    }
    return parse_config(*text, path);
}

tl::expected<Config, ConfigError> parse_config(const std::string& text, const std::string& path) {
    if (text.size() > kConfigFileBytesMax) {
        return tl::unexpected(one_error(
            path,
            "the file is too long; allowed: " + std::to_string(kConfigFileBytesMax) + " bytes"));
    }
    const IniScan scan = scan_ini(text);
    Findings findings(path, scan);
    for (const IniError& error : scan.errors) {
        findings.add(error.line, error.section, error.text);
    }
    if (!findings.empty()) {
        std::string all = findings.text();
        if (scan.errors_left_out > 0) {
            all += path + ": and " + std::to_string(scan.errors_left_out) + " more\n";
        }
        return tl::unexpected(ConfigError{kExitSyntax, std::move(all)});
    }
    const auto values = read_ini_values(text, scan);
    if (!values) {
        findings.add(values.error().line, values.error().section, values.error().text);
        return tl::unexpected(ConfigError{kExitSyntax, findings.text()});
    }
    Config config;
    config.path = path;
    Reader(scan, *values, config, findings).run();
    check_together(config, findings);
    if (!findings.empty()) {
        return tl::unexpected(ConfigError{kExitMeaning, findings.text()});
    }
    return config;
}

}  // namespace posthaste::controlplane
