// SPDX-License-Identifier: BSD-3-Clause
// Eal: DPDK's environment, started once from the configuration and ended by the destructor.
//
// The argument vector is a pure function of the configuration and of the processors at hand, so it
// is tested without starting anything. Control thread, which becomes the main lcore.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/config.h"

namespace posthaste::controlplane {

// Which processor each thread runs on: the first is the control thread's, then worker 0, 1, ...
// `available` is the affinity mask of the process in ascending order.
[[nodiscard]] tl::expected<std::vector<unsigned>, std::string> place_threads(
    const Config& config, const std::vector<unsigned>& available);

// The affinity mask of this process.
[[nodiscard]] std::vector<unsigned> available_cpus();

// Lcore 0 is the control thread, lcore w + 1 is worker w. `memory_mb` as memory_plan.h says.
[[nodiscard]] std::vector<std::string> eal_arguments(const Config& config,
                                                     const std::vector<unsigned>& cpus,
                                                     std::uint32_t memory_mb);

// A device by PCI address ("0000:03:00.0", "03:00.0", with or without ",arguments").
[[nodiscard]] bool is_pci(const std::string& device);

[[nodiscard]] inline unsigned lcore_of_worker(unsigned worker) {
    return worker + 1;
}

class Eal {
  public:
    // Once per process.
    [[nodiscard]] static tl::expected<std::unique_ptr<Eal>, std::string> start(
        const Config& config);
    ~Eal();
    Eal(const Eal&) = delete;
    Eal& operator=(const Eal&) = delete;

    [[nodiscard]] const std::vector<unsigned>& cpus() const noexcept { return cpus_; }

    [[nodiscard]] const std::vector<std::string>& arguments() const noexcept { return arguments_; }

  private:
    Eal() = default;
    std::vector<unsigned> cpus_;
    std::vector<std::string> arguments_;
    std::vector<std::string> storage_;  // what pointers_ points to
    std::vector<char*> pointers_;
    std::string runtime_dir_;
    bool cleanup_ = false;
};

}  // namespace posthaste::controlplane
