// SPDX-License-Identifier: BSD-3-Clause
// The rival's words, read: the last figures of each of its ports.
#include "tools/benchmark/testpmd.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace posthaste::tools;

namespace {

constexpr const char* kShown =
    "testpmd> show port stats all\r\n"
    "\r\n  ######################## NIC statistics for port 0  ####################\r\n"
    "  RX-packets: 100       RX-missed: 0          RX-bytes:  0\r\n"
    "  Throughput (since last show)\r\n"
    "  Rx-pps:           11          Rx-bps:            0\r\n"
    "  Tx-pps:           12          Tx-bps:            0\r\n"
    "\r\n  ######################## NIC statistics for port 1  ####################\r\n"
    "  Rx-pps:           13          Rx-bps:            0\r\n"
    "  Tx-pps:           14          Tx-bps:            0\r\n"
    "testpmd> show port stats all\r\n"
    "\r\n  ######################## NIC statistics for port 0  ####################\r\n"
    "  Rx-pps:     36575189          Rx-bps:            0\r\n"
    "  Tx-pps:     36575188          Tx-bps:            0\r\n"
    "\r\n  ######################## NIC statistics for port 1  ####################\r\n"
    "  Rx-pps:     36574811          Rx-bps:            0\r\n"
    "  Tx-pps:     36574810          Tx-bps:            0\r\n"
    "testpmd> stop\r\n";

}  // namespace

TEST(testpmd, the_rate_is_the_last_of_both_ports_added) {
    EXPECT_EQ(frames_per_second(kShown), 73'150'000.0);
}

TEST(testpmd, words_without_figures_give_no_rate) {
    EXPECT_EQ(frames_per_second(""), std::nullopt);
    EXPECT_EQ(frames_per_second("EAL: Error - exiting with code: 1"), std::nullopt);
    EXPECT_EQ(frames_per_second("  #### NIC statistics for port 0  ####\n"), std::nullopt);
}

TEST(testpmd, programs_are_found_by_name_and_by_path) {
    EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
    ASSERT_TRUE(find_program("sh").has_value());
    EXPECT_TRUE(find_program("sh")->ends_with("/sh"));
    EXPECT_EQ(find_program("no-such-program"), std::nullopt);
    EXPECT_EQ(find_program("/no/such/program"), std::nullopt);
}

TEST(testpmd, a_program_that_is_not_testpmd_is_an_error_with_its_words) {
    TestpmdOptions options;
    options.program = "/bin/echo";
    const auto rate = run_testpmd(options, "io");
    ASSERT_FALSE(rate.has_value());
    EXPECT_NE(rate.error().find("--no-telemetry"), std::string::npos) << rate.error();
}
