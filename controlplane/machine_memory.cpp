// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/machine_memory.h"

#include <fstream>

namespace posthaste::controlplane {

namespace {

constexpr const char* kHugepages = "/sys/kernel/mm/hugepages";
constexpr const char* kMeminfo = "/proc/meminfo";
constexpr std::uint64_t kMegabyte = 1024 * 1024;

std::string megabytes(std::uint64_t bytes) {
    return std::to_string((bytes + kMegabyte - 1) / kMegabyte) + " MB";
}

}  // namespace

std::optional<std::uint64_t> read_available(const std::filesystem::path& meminfo) {
    std::ifstream file(meminfo);
    for (std::string name; file >> name;) {
        std::uint64_t kilobytes = 0;
        if (name == "MemAvailable:" && file >> kilobytes) {
            return kilobytes * 1024;
        }
        file.ignore(1'000, '\n');
    }
    return std::nullopt;
}

MachineMemory read_machine_memory() {
    return {.hugepages = read_hugepages(kHugepages), .available = read_available(kMeminfo)};
}

tl::expected<void, std::string> check_machine(const Config& config,
                                              const MemoryPlan& plan,
                                              const MachineMemory& machine) {
    const std::uint32_t eal_mb = config.eal.memory_mb != 0 ? config.eal.memory_mb : plan.total_mb();
    if (config.eal.hugepages) {
        if (auto enough = check_hugepages(eal_mb, machine.hugepages); !enough) {
            return tl::unexpected(enough.error() + " (" + plan.to_text() + ')');
        }
    }
    const std::uint64_t ordinary = (config.eal.hugepages ? 0 : eal_mb * kMegabyte) + plan.heap;
    if (machine.available && *machine.available < ordinary) {
        return tl::unexpected(
            "not enough memory: " + megabytes(ordinary) + " needed" +
            (config.eal.hugepages ? " besides hugepages"
                                  : ", " + std::to_string(eal_mb) + " MB for DPDK (" +
                                        plan.to_text() + ") and " + megabytes(plan.heap)) +
            " for the records of " + std::to_string(config.agents.agents_max) + " agents, " +
            megabytes(*machine.available) + " available; set a lower agents_max in [agents]");
    }
    return {};
}

}  // namespace posthaste::controlplane
