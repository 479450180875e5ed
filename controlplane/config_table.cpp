// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/config_table.h"

#include <algorithm>
#include <array>

#include "controlplane/config_values.h"

namespace posthaste::controlplane {

namespace {

constexpr std::array<SectionRow, kSectionKinds> kSections = {{
    {SectionKind::system, "system", "", "", "This box and its process."},
    {SectionKind::eal, "eal", "", "", "What DPDK takes of the machine."},
    {SectionKind::dataplane, "dataplane", "", "", "The workers that forward frames."},
    {SectionKind::agents, "agents", "", "", "Agents that register themselves, and their leases."},
    {SectionKind::lookup,
     "lookup",
     "",
     "",
     "How agents are looked up, and what workers remember of it."},
    {SectionKind::capabilities,
     "capabilities",
     "",
     "",
     "What agents can do: how much of it is kept, and who is chosen."},
    {SectionKind::policies, "policies", "", "", "All content policies together."},
    {SectionKind::neighbours,
     "neighbours",
     "",
     "",
     "How hosts on a link are found (ARP, ND), and frames that wait for it."},
    {SectionKind::admin, "admin", "", "", "The socket of posthastectl."},
    {SectionKind::cluster,
     "cluster",
     "",
     "",
     "Other routers, found by gossip on the management address, and whose agents are where."},
    {SectionKind::store, "store", "", "", "What outlives the process."},
    {SectionKind::port,
     "port",
     "NAME",
     "edge0",
     "A port; one section each. The order of the ports is their index."},
    {SectionKind::router,
     "router",
     "NAME",
     "west",
     "Another Posthaste router, reached over a fabric port."},
    {SectionKind::route,
     "route",
     "UUID",
     "6f1d2c3b-0a4e-4d55-9e0f-111111111111",
     "An agent that is attached to another router."},
    {SectionKind::agent,
     "agent",
     "UUID",
     "6f1d2c3b-0a4e-4d55-9e0f-222222222222",
     "An agent that is attached here and does not register itself."},
    {SectionKind::policy,
     "policy",
     "NAME",
     "secrets",
     "What is done with messages whose payload matches a regular expression. The strongest policy "
     "that matches and does more than count decides."},
}};

}  // namespace

std::span<const SectionRow> config_sections() {
    return kSections;
}

std::span<const KeyRow> config_keys(SectionKind section) {
    // The rows of a section stand together, in the order of the sections.
    const std::span<const KeyRow> all = config_keys();
    const auto first = std::ranges::lower_bound(all, section, std::less{}, &KeyRow::section);
    const auto last = std::ranges::upper_bound(all, section, std::less{}, &KeyRow::section);
    return {first, last};
}

const KeyRow* find_key(SectionKind section, std::string_view name) {
    const std::span<const KeyRow> keys = config_keys(section);
    const auto found = std::ranges::find(keys, name, &KeyRow::name);
    return found == keys.end() ? nullptr : &*found;
}

const SectionRow* find_section(std::string_view word) {
    const auto found = std::ranges::find(kSections, word, &SectionRow::word);
    return found == kSections.end() ? nullptr : &*found;
}

const SectionRow& section_row(SectionKind kind) {
    return kSections[static_cast<std::size_t>(kind)];
}

std::string allowed_text(const KeyRow& key) {
    switch (key.type) {
        case KeyType::number:
            return "a whole number, " + std::to_string(key.min) + " to " + std::to_string(key.max) +
                   (key.unit.empty() ? "" : " ") + std::string(key.unit);
        case KeyType::number_or_auto:
            return "auto, or a whole number, " + std::to_string(key.min) + " to " +
                   std::to_string(key.max) + " " + std::string(key.unit);
        case KeyType::boolean:
            return "yes or no";
        case KeyType::word:
            return std::string(key.words);
        case KeyType::numbers:
            return "numbers up to " + std::to_string(key.item_max) +
                   " and ranges, as in 0, 2-5; at most " + std::to_string(key.max);
        case KeyType::mac:
            return "a unicast MAC address, as in 02:00:00:00:00:01";
        case KeyType::ip:
            return key.rule == TextRule::ipv4   ? "a unicast IPv4 address"
                   : key.rule == TextRule::ipv6 ? "a unicast IPv6 address"
                                                : "a unicast IPv4 or IPv6 address";
        case KeyType::prefixes:
            return "ADDRESS/LENGTH, separated by commas; at most " + std::to_string(key.max);
        case KeyType::texts:
            if (key.rule == TextRule::offer) {
                return "NAME[@PRIORITY][*WEIGHT], separated by commas; at most " +
                       std::to_string(key.max) + ", none twice";
            }
            if (key.rule == TextRule::seed) {
                return "ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, separated by commas; at most " +
                       std::to_string(key.max) + ", none twice";
            }
            return "texts of 1 to " + std::to_string(key.item_max) +
                   " bytes, separated by commas; at most " + std::to_string(key.max) +
                   ", none twice";
        case KeyType::flags:
            return "any of " + std::string(key.words) + ", separated by commas";
        case KeyType::text:
            break;
    }
    const std::string bytes = std::to_string(key.min) + " to " + std::to_string(key.max) + " bytes";
    switch (key.rule) {
        case TextRule::name:
            return std::string(kLegalName);
        case TextRule::path:
            return "an absolute path, " + bytes;
        case TextRule::device:
            return "a PCI address as in 0000:03:00.0, or a vdev as in net_tap0,iface=tap0";
        case TextRule::capability:
            return "the name of a capability, as in vision/ocr; " + bytes;
        case TextRule::node:
            return std::to_string(key.min) + " to " + std::to_string(key.max) +
                   " of A-Z, a-z, 0-9, '.' and '-'";
        default:
            return "UTF-8 text, " + bytes;
    }
}

std::array<Source, kSingleSections> single_sections(const Config& config) {
    return {&config.system,
            &config.eal,
            &config.dataplane,
            &config.agents,
            &config.lookup,
            &config.capabilities,
            &config.policies,
            &config.neighbours,
            &config.admin,
            &config.cluster,
            &config.store};
}

std::array<Target, kSingleSections> single_sections(Config& config) {
    return {&config.system,
            &config.eal,
            &config.dataplane,
            &config.agents,
            &config.lookup,
            &config.capabilities,
            &config.policies,
            &config.neighbours,
            &config.admin,
            &config.cluster,
            &config.store};
}

}  // namespace posthaste::controlplane
