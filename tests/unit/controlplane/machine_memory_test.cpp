// SPDX-License-Identifier: BSD-3-Clause
// What is planned against machines that are made up.
#include "controlplane/machine_memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch_directory.h"

namespace posthaste::controlplane {
namespace {

constexpr std::uint64_t kMegabyte = 1024 * 1024;

Config small(bool hugepages) {
    Config config;
    config.eal.hugepages = hugepages;
    PortConfig port;
    port.name = "edge0";
    port.device = "net_null0";
    config.ports.push_back(port);
    return config;
}

MachineMemory machine(std::uint64_t free_pages, std::uint64_t available_mb) {
    return {.hugepages = {{2'048, free_pages}}, .available = available_mb * kMegabyte};
}

TEST(machine_memory, available_memory_is_read_from_the_kernels_table) {
    const support::ScratchDirectory root;
    std::ofstream(root / "meminfo") << "MemTotal:       24684092 kB\nMemFree:        13365284 kB\n"
                                       "MemAvailable:   18923556 kB\nBuffers:          100 kB\n";
    EXPECT_EQ(read_available(root / "meminfo"), 18'923'556U * 1'024ULL);
    EXPECT_EQ(read_available(root / "nothing"), std::nullopt);
    EXPECT_GT(read_machine_memory().available.value_or(0), 0U);
}

TEST(machine_memory, too_few_hugepages_are_refused_with_where_the_memory_goes) {
    const Config config = small(true);
    const MemoryPlan plan = plan_memory(config);
    EXPECT_TRUE(check_machine(config, plan, machine(plan.total_mb() / 2, 1'000)));
    const auto refused = check_machine(config, plan, machine(plan.total_mb() / 2 - 1, 1'000));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().starts_with(
        "not enough hugepages: " + std::to_string(plan.total_mb()) + " MB needed"))
        << refused.error();
    EXPECT_NE(refused.error().find(plan.to_text()), std::string::npos);
}

TEST(machine_memory, memory_that_was_given_counts_even_if_less_would_do) {
    Config config = small(true);
    config.eal.memory_mb = 4'096;
    EXPECT_FALSE(check_machine(config, plan_memory(config), machine(2'047, 1'000)));
    EXPECT_TRUE(check_machine(config, plan_memory(config), machine(2'048, 1'000)));
}

TEST(machine_memory, the_records_of_agents_never_lie_in_hugepages) {
    Config config = small(true);
    config.agents.agents_max = 1'000'000;
    const MemoryPlan plan = plan_memory(config);
    const std::uint64_t heap_mb = plan.heap / kMegabyte + 1;
    EXPECT_TRUE(check_machine(config, plan, machine(1'000, heap_mb)));
    const auto refused = check_machine(config, plan, machine(1'000, heap_mb - 100));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "not enough memory: " + std::to_string(heap_mb) +
                  " MB needed besides hugepages for the records of 1000000 agents, " +
                  std::to_string(heap_mb - 100) +
                  " MB available; set a lower agents_max in [agents]");
}

TEST(machine_memory, without_hugepages_everything_is_ordinary_memory) {
    const Config config = small(false);
    const MemoryPlan plan = plan_memory(config);
    const std::uint64_t all_mb = plan.total_mb() + plan.heap / kMegabyte + 1;
    EXPECT_TRUE(check_machine(config, plan, machine(0, all_mb)));
    const auto refused = check_machine(config, plan, machine(0, all_mb - 1));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("MB for DPDK (" + plan.to_text() + ")"), std::string::npos);
}

TEST(machine_memory, a_kernel_that_does_not_tell_refuses_nothing) {
    const Config config = small(false);
    EXPECT_TRUE(check_machine(config, plan_memory(config), {}));
}

}  // namespace
}  // namespace posthaste::controlplane
