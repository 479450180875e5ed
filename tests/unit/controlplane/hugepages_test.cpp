// SPDX-License-Identifier: BSD-3-Clause
// Hugepage accounting against files that look like the kernel's.
#include "controlplane/hugepages.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch_directory.h"

namespace posthaste::controlplane {
namespace {

using support::ScratchDirectory;

void reserve(const ScratchDirectory& root, const std::string& size, unsigned free) {
    std::filesystem::create_directory(root / size);
    std::ofstream(root / (size + "/free_hugepages")) << free << '\n';
}

TEST(hugepages, sizes_and_free_pages_are_read_largest_first) {
    const ScratchDirectory root;
    reserve(root, "hugepages-2048kB", 12);
    reserve(root, "hugepages-1048576kB", 1);
    reserve(root, "other", 9);
    const auto sizes = read_hugepages(root.path());
    ASSERT_EQ(sizes.size(), 2U);
    EXPECT_EQ(sizes[0].kilobytes, 1048576U);
    EXPECT_EQ(sizes[0].free, 1U);
    EXPECT_EQ(sizes[1].kilobytes, 2048U);
    EXPECT_EQ(sizes[1].free, 12U);
}

TEST(hugepages, a_kernel_without_any_has_none) {
    EXPECT_TRUE(read_hugepages("/no/such/directory").empty());
}

TEST(hugepages, too_few_are_refused_with_the_way_out) {
    const auto refused = check_hugepages(101, {{1048576, 0}, {2048, 10}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "not enough hugepages: 101 MB needed (51 pages of 2048 kB), 20 MB free; reserve them "
              "with: dpdk-hugepages.py -p 2048K --setup 101M; or set hugepages = no in [eal]");
}

TEST(hugepages, pages_of_all_sizes_count) {
    EXPECT_TRUE(check_hugepages(1024, {{1048576, 1}, {2048, 0}}));
    EXPECT_TRUE(check_hugepages(1044, {{1048576, 1}, {2048, 10}}));
    EXPECT_FALSE(check_hugepages(1045, {{1048576, 1}, {2048, 10}}));
}

}  // namespace
}  // namespace posthaste::controlplane
