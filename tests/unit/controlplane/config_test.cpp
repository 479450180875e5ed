// SPDX-License-Identifier: BSD-3-Clause
// Whole configurations: every file of tests/configs/bad with its pinned answer, every good one.
#include "controlplane/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;
using dataplane::Role;
using routing::IpAddress;
using std::filesystem::path;

const path kSource = POSTHASTE_SOURCE;

std::string contents(const path& file) {
    std::ifstream stream(file, std::ios::binary);
    EXPECT_TRUE(stream.is_open()) << file;
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<path> ini_files(const path& folder) {
    std::vector<path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (entry.path().extension() == ".ini") {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

std::string test_name(const ::testing::TestParamInfo<path>& info) {
    std::string name = info.param.stem();
    std::ranges::replace_if(
        name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

class bad_config : public ::testing::TestWithParam<path> {};

// NNN-name.expected holds "exit N" and then the text exactly as it is printed.
TEST_P(bad_config, is_refused_with_the_pinned_answer) {
    const auto config = parse_config(contents(GetParam()), GetParam().filename());
    ASSERT_FALSE(config) << "accepted";
    EXPECT_EQ("exit " + std::to_string(config.error().exit_code) + "\n" + config.error().text,
              contents(path(GetParam()).replace_extension(".expected")));
}

INSTANTIATE_TEST_SUITE_P(tests_configs,
                         bad_config,
                         ::testing::ValuesIn(ini_files(kSource / "tests/configs/bad")),
                         test_name);

TEST(bad_configs, are_a_hundred_and_more_each_with_its_answer) {
    const auto files = ini_files(kSource / "tests/configs/bad");
    EXPECT_GE(files.size(), 100U);
    std::size_t answers = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kSource / "tests/configs/bad")) {
        answers += entry.path().extension() == ".expected" ? 1 : 0;
    }
    EXPECT_EQ(answers, files.size());
}

class good_config : public ::testing::TestWithParam<path> {};

TEST_P(good_config, passes_the_check_and_survives_printing) {
    const auto config = load_config(GetParam());
    ASSERT_TRUE(config) << config.error().text;
    const auto again = parse_config(print_config(*config), GetParam());
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(*again, *config);
    for (const RouterConfig& router : config->routers) {
        EXPECT_TRUE(fabric_port_of(*config, router)) << router.name;
    }
}

INSTANTIATE_TEST_SUITE_P(tests_configs,
                         good_config,
                         ::testing::ValuesIn(ini_files(kSource / "tests/configs/good")),
                         test_name);
INSTANTIATE_TEST_SUITE_P(configs,
                         good_config,
                         ::testing::ValuesIn(ini_files(kSource / "configs")),
                         test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(good_config);

Config good(const std::string& text) {
    auto config = parse_config(text, "test.ini");
    if (!config) {
        ADD_FAILURE() << config.error().text;
        return {};
    }
    return *std::move(config);
}

TEST(config, every_key_reaches_its_field) {
    const Config config = good(contents(kSource / "tests/configs/good/every-key.ini"));
    EXPECT_EQ(config.system.name, "box-1");
    EXPECT_EQ(config.system.run_dir, "/run/box");
    EXPECT_EQ(config.system.log_level, LogLevel::debug);
    EXPECT_EQ(config.system.drain_ms, 1'500U);
    EXPECT_FALSE(config.eal.hugepages);
    EXPECT_EQ(config.eal.memory_mb, 512U);
    EXPECT_EQ(config.eal.cores, (std::vector<unsigned>{0, 2, 3}));
    EXPECT_TRUE(config.eal.share_cores);
    EXPECT_EQ(config.eal.extra, "--log-level=pmd;debug --iova-mode=va");
    EXPECT_EQ(config.dataplane.workers, 3U);
    EXPECT_EQ(config.dataplane.idle_sleep_us, 50U);
    EXPECT_FALSE(config.dataplane.shed);
    EXPECT_EQ(config.agents.agents_max, 5'000U);
    EXPECT_FALSE(config.lookup.table);
    EXPECT_FALSE(config.lookup.cache_kb);
    EXPECT_EQ(config.lookup.local_ttl_ms, 20'000U);
    EXPECT_EQ(config.lookup.remote_ttl_ms, 10'000U);
    EXPECT_EQ(config.lookup.negative_ttl_ms, 500U);
    EXPECT_EQ(config.neighbours.stale_ms, 60'000U);
    EXPECT_EQ(config.admin.socket, "/run/box/admin.sock");
    ASSERT_EQ(config.ports.size(), 2U);
    const PortConfig& edge = config.ports[0];
    EXPECT_EQ(edge.name, "edge0");
    EXPECT_EQ(edge.device, "net_af_packet0,iface=eth1");
    EXPECT_EQ(edge.role, Role::edge);
    ASSERT_EQ(edge.addresses.size(), 2U);
    EXPECT_EQ(edge.addresses[1].to_text(), "2001:db8::1/64");
    EXPECT_EQ(edge.gateway, IpAddress::from_text("10.0.0.254"));
    EXPECT_EQ(edge.gateway6, IpAddress::from_text("2001:db8::fe"));
    EXPECT_EQ(edge.mtu, 9'000);
    EXPECT_EQ(edge.workers, (std::vector<unsigned>{0, 2}));
    EXPECT_EQ(edge.vlan, 100);
    EXPECT_EQ(edge.mac->to_text(), "02:00:00:00:00:01");
    EXPECT_EQ(edge.source_check, dataplane::SourceCheck::port);
    EXPECT_EQ(config.ports[1].role, Role::fabric);
    ASSERT_EQ(config.routers.size(), 1U);
    EXPECT_EQ(config.routers[0].udp_port, 4'800);
    ASSERT_EQ(config.routes.size(), 1U);
    EXPECT_EQ(config.routes[0].router, "west");
    ASSERT_EQ(config.static_agents.size(), 1U);
    EXPECT_EQ(config.static_agents[0].capabilities,
              (std::vector<std::string>{"vision/ocr", "vision/faces@800*20", "math*1"}));
    EXPECT_EQ(config.routes[0].capabilities, std::vector<std::string>{"vision/ocr@900"});
    EXPECT_TRUE(config.capabilities.local_first);
    EXPECT_EQ(config.static_agents[0].name, "caf\xc3\xa9");
}

TEST(config, every_key_of_a_policy_reaches_its_field) {
    const Config config = good(contents(kSource / "tests/configs/good/every-key.ini"));
    EXPECT_EQ(config.policies.database_mb, 8U);
    ASSERT_EQ(config.content_policies.size(), 2U);
    const PolicyConfig& policy = config.content_policies[0];
    EXPECT_EQ(policy.name, "secrets");
    EXPECT_EQ(policy.expression, R"((secret|pass;word)#[0-9]{2,4}\s)");
    EXPECT_EQ(policy.expression_line.number, policy.line.number + 1);
    EXPECT_EQ(policy.rules, "/etc/box/secrets.rules");
    EXPECT_EQ(policy.flags, (routing::ExpressionFlags{.caseless = true, .utf8 = true}));
    EXPECT_EQ(policy.ports, std::vector<std::string>{"edge0"});
    EXPECT_EQ(policy.capability, "vision/ocr");
    EXPECT_EQ(policy.depth, 2'000);
    EXPECT_EQ(policy.action, routing::PolicyAction::redirect);
    EXPECT_EQ(policy.redirect, "scanner/virus:2");
    EXPECT_EQ(policy.priority, 900);
    EXPECT_EQ(config.content_policies[1].flags,
              (routing::ExpressionFlags{.multiline = true, .dotall = true}));
    EXPECT_EQ(config.content_policies[1].mirror_port, "fabric0");
}

// [kind UUID] with `keys`, so many times, each of another agent.
std::string sections(const std::string& kind, int count, const std::string& keys) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        char uuid[40];
        std::snprintf(uuid, sizeof uuid, "%08x-1111-4111-8111-111111111111", i);
        text.append("[").append(kind).append(" ").append(uuid).append("]\n").append(keys);
    }
    return text;
}

constexpr const char* kTwoFabrics =
    "[port f0]\ndevice = net_null0\nrole = fabric\naddresses = 172.16.0.1/24, fe80::1/64\n"
    "gateway = 172.16.0.254\n"
    "[port f1]\ndevice = net_null1\nrole = fabric\naddresses = 172.17.0.1/24, fe80::2/64\n";

TEST(config, a_router_is_on_the_port_whose_prefix_has_it) {
    const Config config = good(std::string(kTwoFabrics) + "[router west]\naddress = 172.17.0.9\n");
    EXPECT_EQ(fabric_port_of(config, config.routers[0]), 1U);
}

TEST(config, a_router_elsewhere_is_behind_the_only_gateway) {
    const Config config = good(std::string(kTwoFabrics) + "[router west]\naddress = 192.0.2.1\n");
    EXPECT_EQ(fabric_port_of(config, config.routers[0]), 0U);
}

TEST(config, link_local_prefixes_may_overlap_and_then_the_port_is_named) {
    const Config config =
        good(std::string(kTwoFabrics) + "[router west]\naddress = fe80::9\nport = f1\n");
    EXPECT_EQ(fabric_port_of(config, config.routers[0]), 1U);
    EXPECT_FALSE(
        parse_config(std::string(kTwoFabrics) + "[router west]\naddress = fe80::9\n", "-"));
}

TEST(config, uuids_are_read_in_either_case) {
    const Config config = good(std::string(kTwoFabrics) +
                               "[router west]\naddress = 172.17.0.9\n"
                               "[route ABCDEF00-1111-4111-8111-111111111111]\nrouter = west\n");
    EXPECT_EQ(config.routes[0].agent.to_text(), "abcdef00-1111-4111-8111-111111111111");
}

TEST(config, errors_in_a_section_do_not_cause_others) {
    const auto config = parse_config(
        "[agents]\nlease_min_ms = soon\nlease_max_ms = 200\n"
        "[port e0]\ndevice = net_null0\naddresses = nowhere\n"
        "[agent 11111111-1111-4111-8111-111111111111]\nport = e0\naddress = 10.0.0.2\n",
        "t");
    ASSERT_FALSE(config);
    EXPECT_EQ(std::ranges::count(config.error().text, '\n'), 2);
}

TEST(config, a_text_beyond_the_limit_is_refused_unread) {
    const auto config = parse_config(std::string(kConfigFileBytesMax + 1, '#'), "t");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().exit_code, 1);
    EXPECT_EQ(
        config.error().text,
        "t: the file is too long; allowed: " + std::to_string(kConfigFileBytesMax) + " bytes\n");
}

TEST(config, a_hundred_thousand_routes_are_no_trouble) {
    std::string text = std::string(kTwoFabrics) +
                       "[agents]\nagents_max = 100000\n[router west]\naddress = 172.17.0.9\n";
    text += sections("route", 100'000, "router = west\n");
    EXPECT_EQ(good(text).routes.size(), 100'000U);
}

TEST(config, more_static_agents_than_claims_are_none_a_cluster_can_be_told_of) {
    std::string text = std::string(kTwoFabrics) +
                       "[port e0]\ndevice = net_null2\nrole = edge\naddresses = 10.0.0.1/24\n"
                       "[cluster]\naddress = 192.0.2.1\n";
    text += sections("agent", 1'025, "port = e0\naddress = 10.0.0.2\n");
    EXPECT_EQ(good(text).static_agents.size(), 1'025U);
    const auto at = text.find("[agent");
    const auto config = parse_config(text.insert(at, "claims_max = 1024\n"), "t");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().text,
              "t:16: [cluster] claims_max = 1024: there are 1025 [agent] sections to tell of; "
              "allowed: at least 1025\n");
}

TEST(load_config, what_cannot_be_read_is_named) {
    for (const auto& [file, why] : {std::pair{"/nowhere/a.ini", "No such file or directory"},
                                    std::pair{"/", "Is a directory"}}) {
        const auto config = load_config(file);
        ASSERT_FALSE(config);
        EXPECT_EQ(config.error().exit_code, 1);
        EXPECT_EQ(config.error().text, std::string(file) + ": cannot be read: " + why + "\n");
    }
}

TEST(load_config, a_pipe_is_read_to_its_end) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const std::string text = "[port e0]\ndevice = net_null0\naddresses = 10.0.0.1/24\n";
    ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
    const auto config = load_config("/proc/self/fd/" + std::to_string(ends[0]));
    close(ends[0]);
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_EQ(config->ports.size(), 1U);
}

TEST(log_level, texts_and_levels_are_each_others_inverse) {
    for (const LogLevel level :
         {LogLevel::error, LogLevel::warning, LogLevel::notice, LogLevel::info, LogLevel::debug}) {
        EXPECT_EQ(log_level_from_text(to_text(level)), level);
    }
    EXPECT_FALSE(log_level_from_text("loud"));
}

}  // namespace
