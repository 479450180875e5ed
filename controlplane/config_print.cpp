// SPDX-License-Identifier: BSD-3-Clause
// A configuration as an ini text: print_defaults() and print_config().
//
// Lines that begin with '#' explain; lines that begin with ';' are settings that are not set.
#include <algorithm>

#include "controlplane/config_table.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kColumns = 100;

// "# text", broken at blanks.
std::string comment(std::string_view text) {
    std::string result;
    std::string line = "#";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (line.size() + 1 + end > kColumns) {
            result += line + "\n";
            line = "#";
        }
        line += " " + std::string(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result + line + "\n";
}

// In quotes where the value would not survive without. No value holds both kinds of quote, since
// none could have been read.
std::string quoted_if_needed(const std::string& value) {
    const bool plain = value.find_first_of(";#\"'\\") == std::string::npos &&
                       value.front() != ' ' && value.back() != ' ' && value.front() != '\t' &&
                       value.back() != '\t';
    if (plain) {
        return value;
    }
    const char quote = value.find('"') == std::string::npos ? '"' : '\'';
    return quote + value + quote;
}

std::string describe(const KeyRow& key) {
    const std::string initial = key.initial();
    return comment(key.help) + comment("Allowed: " + allowed_text(key) + ".") +
           comment((initial.empty()
                        ? std::string(key.required ? "Required." : "Not set by default.")
                        : "Default: " + initial + ".") +
                   (key.reloadable ? " Read again on SIGHUP." : " A change needs a restart."));
}

// One section. Keys that are not set are shown with their example behind ';'.
// `mark` is put before every setting: ';' makes the whole section an example.
std::string section_text(SectionKind kind,
                         const std::string& argument,
                         Source source,
                         bool with_help,
                         std::string_view mark) {
    const SectionRow& row = section_row(kind);
    std::string text = with_help ? comment(row.help) : "";
    text += std::string(mark) + "[" + std::string(row.word) +
            (argument.empty() ? "" : " " + argument) + "]\n";
    for (const KeyRow& key : config_keys(kind)) {
        const std::string value = key.write(source);
        if (with_help) {
            text += describe(key);
        }
        if (!value.empty()) {
            text +=
                std::string(mark) + std::string(key.name) + " = " + quoted_if_needed(value) + "\n";
        } else if (with_help) {
            text += ";" + std::string(key.name) + " = " +
                    quoted_if_needed(std::string(key.example)) + "\n";
        }
    }
    return text + "\n";
}

// Fills the required keys of an example from the table.
template <typename Section>
Section with_examples(SectionKind kind) {
    Section section;
    for (const KeyRow& key : config_keys(kind)) {
        if (key.required) {
            (void)key.read(key, key.example, &section);
        }
    }
    return section;
}

std::string named_example(SectionKind kind, Source source, std::string_view mark) {
    return section_text(kind, std::string(section_row(kind).example), source, true, mark);
}

std::string single_texts(const Config& config) {
    std::string text;
    const auto singles = single_sections(config);
    for (std::size_t i = 0; i < singles.size(); ++i) {
        text += section_text(static_cast<SectionKind>(i), "", singles[i], true, "");
    }
    return text;
}

}  // namespace

std::string print_defaults() {
    std::string text =
        "# A configuration of posthaste with every key. Lines with '#' explain; lines with ';' "
        "are\n"
        "# settings one may add. Everything but [port NAME] may be left out: what is not there "
        "has\n"
        "# its default. Values with ';', '#' or a quote in them stand in quotes. Check a file "
        "with\n"
        "# posthaste --check FILE.\n\n";
    text += single_texts(Config{});
    const auto port = with_examples<PortConfig>(SectionKind::port);
    const auto router = with_examples<RouterConfig>(SectionKind::router);
    const auto route = with_examples<RouteConfig>(SectionKind::route);
    const auto agent = with_examples<AgentConfig>(SectionKind::agent);
    text += named_example(SectionKind::port, &port, "");
    text += named_example(SectionKind::router, &router, ";");
    text += named_example(SectionKind::route, &route, ";");
    const PolicyConfig policy;
    text += named_example(SectionKind::agent, &agent, ";");
    text += named_example(SectionKind::policy, &policy, ";");
    text.pop_back();
    return text;
}

std::string print_config(const Config& config) {
    std::string text = single_texts(config);
    bool first = true;
    for (const PortConfig& port : config.ports) {
        text += section_text(SectionKind::port, port.name, &port, std::exchange(first, false), "");
    }
    first = true;
    for (const RouterConfig& router : config.routers) {
        text += section_text(
            SectionKind::router, router.name, &router, std::exchange(first, false), "");
    }
    first = true;
    for (const RouteConfig& route : config.routes) {
        text += section_text(
            SectionKind::route, route.agent.to_text(), &route, std::exchange(first, false), "");
    }
    first = true;
    for (const AgentConfig& agent : config.static_agents) {
        text += section_text(
            SectionKind::agent, agent.agent.to_text(), &agent, std::exchange(first, false), "");
    }
    first = true;
    for (const PolicyConfig& policy : config.content_policies) {
        text += section_text(
            SectionKind::policy, policy.name, &policy, std::exchange(first, false), "");
    }
    text.pop_back();
    return text;
}

}  // namespace posthaste::controlplane
