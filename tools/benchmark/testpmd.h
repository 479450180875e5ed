// SPDX-License-Identifier: BSD-3-Clause
// dpdk-testpmd as a rival: run for a moment in one of its forwarding modes, as a child process
// between two net_null ports, one forwarding core.
//
// net_null does not touch what is in its mbufs, so testpmd first fills them in its txonly mode:
// then the other modes see IPv4 and UDP headers of the right length.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace posthaste::tools {

inline constexpr std::array<std::string_view, 4> kTestpmdModes = {
    "io", "macswap", "5tswap", "csum"};

struct TestpmdOptions {
    std::string program;      // with its path
    unsigned core = 0;        // that forwards
    unsigned other_core = 0;  // that reads commands
    unsigned frame_bytes = 106;
    bool hugepages = false;
    double seconds = 1;
};

// The program by its name, as a shell would find it.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);

// Frames a second, both directions added: what the core forwards.
[[nodiscard]] tl::expected<double, std::string> run_testpmd(const TestpmdOptions& options,
                                                            std::string_view mode);

// Of its output: the sum over the ports of the received frames a second, as the last "show port
// stats all" printed them. None where there is none.
[[nodiscard]] std::optional<double> frames_per_second(std::string_view output);

}  // namespace posthaste::tools
