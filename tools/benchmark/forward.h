// SPDX-License-Identifier: BSD-3-Clause
// The forwarding benchmark: one Worker between two net_null ports, in this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

namespace posthaste::tools {

struct ForwardOptions {
    std::uint32_t agents = 1'000'000;
    std::string stream = "uniform";
    double seconds = 1.0;
    unsigned repeat = 7;
    unsigned payload = 0;
    std::string ingress = "edge";
    std::string checksum = "on";
    double malformed = 0;                  // percent
    double unknown = 0;                    // percent
    double churn = 0;                      // route changes a second; 0: none
    std::string testpmd = "dpdk-testpmd";  // "off": without
    unsigned core = 0;
    std::optional<unsigned> other_core;  // for what runs beside it; not set: one that is allowed
    std::string address = "agent";       // or any, all: to capabilities, beside agents
    std::string strategy = "sticky";
    std::uint32_t capabilities = 1'000;
    std::uint32_t providers = 0;           // of each; 0: 1 000 for any, 16 for all
    std::uint32_t conversations = 30'000;  // going on at a time
    std::uint32_t remembered = 131'072;    // room for conversations on the lcore
    std::uint32_t cache = 0;               // agents a route cache has room for; 0: none is measured
    bool hugepages = false;
    bool json = false;
    // Between rings instead: one of these, or neither.
    bool latency = false;
    bool search = false;
    double rate = 0;    // frames a second; 0: a share of the most
    double load = 0.5;  // that share
    double loss = 0;    // ppm
};

struct RigOptions;

[[nodiscard]] RigOptions rig_options(const ForwardOptions& options);

// The report, ready to print. Starts EAL, so once per process.
[[nodiscard]] tl::expected<std::string, std::string> run_forward(const ForwardOptions& options);

}  // namespace posthaste::tools
