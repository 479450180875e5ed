// SPDX-License-Identifier: BSD-3-Clause
// The table of every key of the configuration.
//
// It is the one place that knows a key: parsing, ranges, unknown-key answers, --print-defaults,
// `show config`, the comparison of a reload and the tests of the documentation all walk it.
// Defaults are not in it: they are what the structs of controlplane/config.h start with.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "controlplane/config.h"

namespace posthaste::controlplane {

enum class SectionKind : std::uint8_t {
    system,
    eal,
    dataplane,
    agents,
    lookup,
    capabilities,
    policies,
    neighbours,
    admin,
    cluster,
    store,
    port,
    router,
    route,
    agent,
    policy,
};

inline constexpr std::size_t kSectionKinds = 16;
inline constexpr std::size_t kSingleSections = 11;  // the first of them

struct SectionRow {
    SectionKind kind;
    std::string_view word;
    std::string_view argument;  // what follows the word in the header; empty: nothing
    std::string_view example;   // an argument for --print-defaults
    std::string_view help;
};

[[nodiscard]] std::span<const SectionRow> config_sections();

enum class KeyType : std::uint8_t {
    number,
    number_or_auto,
    boolean,
    word,
    text,
    numbers,
    mac,
    ip,
    prefixes,
    texts,
    flags
};

// What a text may hold beyond being printable.
enum class TextRule : std::uint8_t {
    none,
    name,    // [a-z0-9_-], 1 to 32 bytes
    path,    // absolute
    device,  // a PCI address or a vdev string
    ipv4,    // for addresses: only this family
    ipv6,
    offer,       // for texts: a capability's name, perhaps @PRIORITY, perhaps *WEIGHT
    capability,  // its name
    node,        // [A-Za-z0-9.-]
    seed,        // for texts: ADDRESS or ADDRESS:PORT
};

using Target = std::variant<SystemConfig*,
                            EalConfig*,
                            DataplaneConfig*,
                            AgentsConfig*,
                            LookupConfig*,
                            CapabilitiesConfig*,
                            PoliciesConfig*,
                            NeighboursConfig*,
                            AdminConfig*,
                            ClusterConfig*,
                            StoreConfig*,
                            PortConfig*,
                            RouterConfig*,
                            RouteConfig*,
                            AgentConfig*,
                            PolicyConfig*>;
using Source = std::variant<const SystemConfig*,
                            const EalConfig*,
                            const DataplaneConfig*,
                            const AgentsConfig*,
                            const LookupConfig*,
                            const CapabilitiesConfig*,
                            const PoliciesConfig*,
                            const NeighboursConfig*,
                            const AdminConfig*,
                            const ClusterConfig*,
                            const StoreConfig*,
                            const PortConfig*,
                            const RouterConfig*,
                            const RouteConfig*,
                            const AgentConfig*,
                            const PolicyConfig*>;

struct KeyRow {
    SectionKind section = SectionKind::system;
    std::string_view name{};
    KeyType type = KeyType::number;
    // Numbers: the value. Texts: bytes. Lists: the number of items (items_* bound each).
    std::int64_t min = 0;
    std::int64_t max = 0;
    std::int64_t item_max = 0;
    std::string_view words{};  // word, flags: the allowed ones, separated by ", "
    std::string_view unit{};   // as in the key's name: ms, mb, us
    TextRule rule = TextRule::none;
    bool required = false;
    bool reloadable = false;
    std::string_view example{};  // for --print-defaults where there is no default
    std::string_view help{};     // a sentence

    // Reads `text` into the field; the answer is empty, or why it cannot be.
    std::string (*read)(const KeyRow& key, std::string_view text, Target target) = nullptr;
    // The field as read() would take it; empty: not set.
    std::string (*write)(Source source) = nullptr;
    // What an unset key is; empty: not set.
    std::string (*initial)() = nullptr;
};

[[nodiscard]] std::span<const KeyRow> config_keys();
[[nodiscard]] std::span<const KeyRow> config_keys(SectionKind section);
// nullptr: there is none.
[[nodiscard]] const KeyRow* find_key(SectionKind section, std::string_view name);
[[nodiscard]] const SectionRow* find_section(std::string_view word);
[[nodiscard]] const SectionRow& section_row(SectionKind kind);

// "1 to 64", "yes or no", "edge or fabric": for messages and comments.
[[nodiscard]] std::string allowed_text(const KeyRow& key);

// The sections that stand at most once, in the order of config_sections().
[[nodiscard]] std::array<Source, kSingleSections> single_sections(const Config& config);
[[nodiscard]] std::array<Target, kSingleSections> single_sections(Config& config);

}  // namespace posthaste::controlplane
