// SPDX-License-Identifier: BSD-3-Clause
// The table of keys as users see it: --print-defaults, and the keys as a contract.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "controlplane/config.h"
#include "controlplane/config_table.h"

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;

std::string contents(const std::string& file) {
    std::ifstream stream(std::string(POSTHASTE_SOURCE) + "/" + file);
    EXPECT_TRUE(stream.is_open()) << file;
    return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(print_defaults, parses_to_the_defaults_and_one_example_port) {
    const auto config = parse_config(print_defaults(), "");
    ASSERT_TRUE(config) << config.error().text;
    Config expected;
    PortConfig port;
    port.name = "edge0";
    port.device = "net_af_packet0,iface=eth1";
    port.addresses = {*routing::Prefix::from_text("192.0.2.1/24"),
                      *routing::Prefix::from_text("2001:db8::1/64")};
    expected.ports = {port};
    EXPECT_EQ(*config, expected);
}

// With every ';' line switched on the examples must be right too, alone or together.
TEST(print_defaults, every_example_in_it_is_accepted) {
    std::string text;
    std::string line;
    std::istringstream lines(print_defaults());
    while (std::getline(lines, line)) {
        text += (line.starts_with(";") ? line.substr(1) : line) + "\n";
    }
    text += "[port fabric0]\ndevice = net_null0\nrole = fabric\naddresses = 198.51.100.1/24\n";
    const auto config = parse_config(text, "examples");
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_EQ(config->routers.size(), 1U);
    EXPECT_EQ(config->routes.size(), 1U);
    ASSERT_EQ(config->static_agents.size(), 1U);
    EXPECT_EQ(config->static_agents[0].name, "planner");
}

TEST(print_defaults, every_key_and_section_is_in_it_with_its_help) {
    const std::string text = print_defaults();
    for (const SectionRow& section : config_sections()) {
        EXPECT_NE(text.find("[" + std::string(section.word)), std::string::npos) << section.word;
    }
    for (const KeyRow& key : config_keys()) {
        EXPECT_NE(text.find(std::string(key.name) + " = "), std::string::npos) << key.name;
        EXPECT_EQ(key.help.back(), '.') << key.name;
        EXPECT_TRUE(!key.initial().empty() || !key.example.empty())
            << key.name << " has neither default nor example";
    }
}

TEST(print_defaults, fits_the_columns) {
    std::string line;
    std::istringstream lines(print_defaults());
    while (std::getline(lines, line)) {
        EXPECT_LE(line.size(), 100U) << line;
    }
}

TEST(config_table, defaults_are_within_their_ranges) {
    for (const KeyRow& key : config_keys()) {
        if (key.type == KeyType::number && !key.initial().empty()) {
            const std::int64_t value = std::stoll(key.initial());
            EXPECT_GE(value, key.min) << key.name;
            EXPECT_LE(value, key.max) << key.name;
        }
    }
}

TEST(config_table, units_are_in_the_names_of_keys) {
    for (const KeyRow& key : config_keys()) {
        if (key.unit == "ms" || key.unit == "us") {
            EXPECT_TRUE(key.name.ends_with("_" + std::string(key.unit))) << key.name;
        }
        if (key.unit == "MiB") {
            EXPECT_TRUE(key.name.ends_with("_mb")) << key.name;
        }
    }
}

TEST(config_table, no_key_stands_twice) {
    std::set<std::pair<SectionKind, std::string_view>> seen;
    for (const KeyRow& key : config_keys()) {
        EXPECT_TRUE(seen.emplace(key.section, key.name).second) << key.name;
        EXPECT_EQ(find_key(key.section, key.name), &key);
    }
}

// A file that works today must work with the next version: a key, a default or a range may only
// change on purpose. New keys are added to the file.
TEST(config_table, is_the_contract_in_tests_golden) {
    std::string text;
    for (const KeyRow& key : config_keys()) {
        text += std::string(section_row(key.section).word) + "." + std::string(key.name) + " | " +
                allowed_text(key) + " | " +
                (key.required            ? "required"
                 : key.initial().empty() ? "not set"
                                         : key.initial()) +
                " | " + (key.reloadable ? "reload" : "restart") + "\n";
    }
    EXPECT_EQ(text, contents("tests/golden/config_keys.txt"));
}

TEST(print_config, quotes_what_would_not_survive_without) {
    Config config;
    config.eal.extra = "--a=1;2#3";
    PortConfig port;
    port.name = "e0";
    port.device = "net_pcap0,rx_pcap=\"a b\"";
    port.addresses = {*routing::Prefix::from_text("192.0.2.1/24")};
    config.ports = {port};
    const std::string text = print_config(config);
    EXPECT_NE(text.find("\nextra = \"--a=1;2#3\"\n"), std::string::npos);
    EXPECT_NE(text.find("\ndevice = 'net_pcap0,rx_pcap=\"a b\"'\n"), std::string::npos);
    const auto again = parse_config(text, "");
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(*again, config);
}

}  // namespace
