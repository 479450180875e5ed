// SPDX-License-Identifier: BSD-3-Clause
// Whether what is planned fits the machine as it is now.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/config.h"
#include "controlplane/hugepages.h"
#include "controlplane/memory_plan.h"

namespace posthaste::controlplane {

struct MachineMemory {
    std::vector<HugepageSize> hugepages;
    std::optional<std::uint64_t> available;  // bytes for ordinary pages; none: not known
};

// The kernel's answer: /sys/kernel/mm/hugepages, and MemAvailable of /proc/meminfo.
[[nodiscard]] MachineMemory read_machine_memory();
[[nodiscard]] std::optional<std::uint64_t> read_available(const std::filesystem::path& meminfo);

// The error says what is needed, what there is, and what to do. DPDK's memory comes out of
// hugepages, if they are on; the control plane's heap, with all agents in, never does.
[[nodiscard]] tl::expected<void, std::string> check_machine(const Config& config,
                                                            const MemoryPlan& plan,
                                                            const MachineMemory& machine);

}  // namespace posthaste::controlplane
