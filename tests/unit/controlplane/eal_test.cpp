// SPDX-License-Identifier: BSD-3-Clause
// Where threads go and what the EAL is told; nothing is started.
#include "controlplane/eal.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace posthaste::controlplane {
namespace {

using Cpus = std::vector<unsigned>;
using Words = std::vector<std::string>;

Config config_with(std::initializer_list<const char*> devices) {
    Config config;
    config.eal.hugepages = false;
    for (const char* device : devices) {
        PortConfig port;
        port.name = "p" + std::to_string(config.ports.size());
        port.device = device;
        config.ports.push_back(port);
    }
    return config;
}

bool has(const Words& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// The word after `key`, or "".
std::string after(const Words& words, const std::string& key) {
    const auto found = std::find(words.begin(), words.end(), key);
    return found == words.end() || found + 1 == words.end() ? std::string{} : *(found + 1);
}

TEST(place_threads, the_first_cpu_is_the_control_threads) {
    Config config;
    config.dataplane.workers = 2;
    EXPECT_EQ(place_threads(config, {4, 5, 6, 7}), (Cpus{4, 5, 6}));
}

TEST(place_threads, configured_cores_are_taken_in_their_order) {
    Config config;
    config.eal.cores = {7, 4};
    EXPECT_EQ(place_threads(config, {4, 5, 6, 7}), (Cpus{7, 4}));
}

TEST(place_threads, threads_share_a_cpu_only_when_told_to) {
    Config config;
    config.dataplane.workers = 2;
    const auto refused = place_threads(config, {0, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "the control thread and 2 workers need 3 cpus of their own, but this process may use "
              "only 2 (0,1); set fewer workers in [dataplane], more cores, or share_cores = yes in "
              "[eal]");
    config.eal.share_cores = true;
    EXPECT_EQ(place_threads(config, {0, 1}), (Cpus{0, 1, 0}));
    EXPECT_EQ(place_threads(config, {3}), (Cpus{3, 3, 3}));
}

TEST(place_threads, too_few_configured_cores_are_named) {
    Config config;
    config.dataplane.workers = 2;
    config.eal.cores = {1, 1, 2};
    const auto refused = place_threads(config, {0, 1, 2});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("[eal] cores names only 2 (1,1,2)"), std::string::npos)
        << refused.error();
}

TEST(place_threads, a_core_the_process_may_not_use_is_named) {
    Config config;
    config.eal.cores = {0, 9};
    const auto refused = place_threads(config, {0, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "[eal] cores = 0,9: cpu 9 is not available to this process; allowed: 0,1");
}

TEST(eal_arguments, without_hugepages_nothing_is_shared) {
    const auto arguments = eal_arguments(config_with({"net_null0"}), {0, 1}, 96);
    EXPECT_EQ(arguments,
              (Words{"posthaste",
                     "--file-prefix",
                     "posthaste",
                     "-m",
                     "96",
                     "--lcores",
                     "0@0,1@1",
                     "--main-lcore",
                     "0",
                     "--no-huge",
                     "--no-shconf",
                     "--no-telemetry",
                     "--log-level",
                     "info",
                     "--no-pci",
                     "--iova-mode",
                     "va"}));
}

TEST(eal_arguments, several_lcores_may_sit_on_one_cpu) {
    const auto arguments = eal_arguments(config_with({"net_null0"}), {3, 3, 3}, 96);
    EXPECT_EQ(after(arguments, "--lcores"), "0@3,1@3,2@3");
}

TEST(eal_arguments, a_pci_port_is_allowed_by_its_full_address_and_nothing_else_is) {
    auto config = config_with({"03:00.0,llq_policy=1", "net_null0", "0000:04:00.1"});
    config.eal.hugepages = true;
    const auto arguments = eal_arguments(config, {0, 1}, 96);
    EXPECT_FALSE(has(arguments, "--no-pci"));
    EXPECT_FALSE(has(arguments, "--iova-mode"));
    EXPECT_FALSE(has(arguments, "--no-huge"));
    const auto first = std::find(arguments.begin(), arguments.end(), "-a");
    ASSERT_NE(first, arguments.end());
    EXPECT_EQ(*(first + 1), "0000:03:00.0,llq_policy=1");
    EXPECT_EQ(*(first + 3), "0000:04:00.1");
    EXPECT_EQ(std::count(arguments.begin(), arguments.end(), "-a"), 2);
}

TEST(eal_arguments, hugepages_leave_no_files_and_can_be_lent_to_a_peer) {
    auto config = config_with({"net_null0"});
    config.eal.hugepages = true;
    const auto arguments = eal_arguments(config, {0, 1}, 96);
    EXPECT_TRUE(has(arguments, "--in-memory"));
    EXPECT_TRUE(has(arguments, "--single-file-segments"));
    EXPECT_FALSE(has(arguments, "--no-huge"));
}

TEST(eal_arguments, further_arguments_come_last) {
    auto config = config_with({"net_null0"});
    config.eal.extra = "  -d libx.so   --huge-worker-stack=1 ";
    const auto arguments = eal_arguments(config, {0, 1}, 96);
    EXPECT_EQ(Words(arguments.end() - 3, arguments.end()),
              (Words{"-d", "libx.so", "--huge-worker-stack=1"}));
}

TEST(eal_arguments, the_log_level_is_ours) {
    auto config = config_with({"net_null0"});
    config.system.log_level = LogLevel::error;
    EXPECT_EQ(after(eal_arguments(config, {0, 1}, 96), "--log-level"), "error");
}

TEST(available_cpus, this_process_runs_on_one_of_them) {
    const auto cpus = available_cpus();
    ASSERT_FALSE(cpus.empty());
    EXPECT_TRUE(std::is_sorted(cpus.begin(), cpus.end()));
}

}  // namespace
}  // namespace posthaste::controlplane
