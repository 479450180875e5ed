// SPDX-License-Identifier: BSD-3-Clause
// The EAL's arguments, start and end; see the header.
#include "controlplane/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <set>
#include <sstream>

#include "controlplane/machine_memory.h"
#include "controlplane/memory_plan.h"
#include "dataplane/vdev.h"

namespace posthaste::controlplane {
namespace {

std::string list_of(const std::vector<unsigned>& cpus) {
    std::string text;
    for (const unsigned cpu : cpus) {
        text += (text.empty() ? "" : ",") + std::to_string(cpu);
    }
    return text;
}

const char* dpdk_level(LogLevel level) {
    switch (level) {
        case LogLevel::error:
            return "error";
        case LogLevel::warning:
            return "warning";
        case LogLevel::notice:
            return "notice";
        case LogLevel::info:
            return "info";
        case LogLevel::debug:
            return "debug";
    }
    return "info";
}

// net_memif frees its listener without taking it back from EAL's interrupt thread, which then
// reads unmapped memory while EAL cleans up.
bool listens_by_memif(const Config& config) {
    return std::any_of(config.ports.begin(), config.ports.end(), [](const PortConfig& port) {
        const dataplane::DeviceString device(port.device);
        return device.name().starts_with("net_memif") && dataplane::listens(device);
    });
}

}  // namespace

bool is_pci(const std::string& device) {
    return dataplane::DeviceString(device).pci();
}

std::vector<unsigned> available_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<unsigned> cpus;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &set)) {
                cpus.push_back(cpu);
            }
        }
    }
    return cpus;
}

tl::expected<std::vector<unsigned>, std::string> place_threads(
    const Config& config, const std::vector<unsigned>& available) {
    const EalConfig& eal = config.eal;
    const std::size_t threads = config.dataplane.workers + std::size_t{1};
    for (const unsigned cpu : eal.cores) {
        if (std::find(available.begin(), available.end(), cpu) == available.end()) {
            return tl::unexpected(
                "[eal] cores = " + list_of(eal.cores) + ": cpu " + std::to_string(cpu) +
                " is not available to this process; allowed: " + list_of(available));
        }
    }
    const std::vector<unsigned>& chosen = eal.cores.empty() ? available : eal.cores;
    const std::set<unsigned> distinct(chosen.begin(), chosen.end());
    if (chosen.empty()) {
        return tl::unexpected(std::string{"no cpu is available to this process"});
    }
    if (!eal.share_cores && (distinct.size() < threads || distinct.size() < chosen.size())) {
        return tl::unexpected(
            "the control thread and " + std::to_string(config.dataplane.workers) +
            " workers need " + std::to_string(threads) + " cpus of their own, but " +
            (eal.cores.empty() ? "this process may use only " : "[eal] cores names only ") +
            std::to_string(distinct.size()) + " (" + list_of(chosen) +
            "); set fewer workers in [dataplane], more cores, or share_cores = yes in [eal]");
    }
    std::vector<unsigned> cpus;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        cpus.push_back(chosen[thread % chosen.size()]);
    }
    return cpus;
}

std::vector<std::string> eal_arguments(const Config& config,
                                       const std::vector<unsigned>& cpus,
                                       std::uint32_t memory_mb) {
    std::vector<std::string> arguments = {
        "posthaste", "--file-prefix", config.system.name, "-m", std::to_string(memory_mb)};
    std::string lcores;
    for (std::size_t lcore = 0; lcore < cpus.size(); ++lcore) {
        lcores +=
            (lcore == 0 ? "" : ",") + std::to_string(lcore) + '@' + std::to_string(cpus[lcore]);
    }
    arguments.insert(arguments.end(), {"--lcores", lcores, "--main-lcore", "0"});
    // Nothing of ours lies in a file system, so nothing is left there by a dead instance. The price
    // is that no other DPDK process can join (dpdk-dumpcap, dpdk-proc-info).
    if (config.eal.hugepages) {
        // virtio_user hands its backend one descriptor per file, eight at most; memif lends its
        // mbufs to the peer by descriptor. Both need few files, not one per page.
        arguments.insert(arguments.end(), {"--in-memory", "--single-file-segments"});
    } else {
        arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
    }
    arguments.emplace_back("--no-telemetry");
    arguments.insert(arguments.end(), {"--log-level", dpdk_level(config.system.log_level)});
    bool any_pci = false;
    for (const PortConfig& port : config.ports) {
        if (const dataplane::DeviceString device(port.device); device.pci()) {
            any_pci = true;
            arguments.insert(
                arguments.end(),
                {"-a",
                 device.arguments().empty() ? device.name()
                                            : device.name() + ',' + device.arguments()});
        }
    }
    if (!any_pci) {
        // Only a device that reads memory by itself cares for physical addresses.
        arguments.insert(arguments.end(), {"--no-pci", "--iova-mode", "va"});
    }
    std::istringstream extra(config.eal.extra);
    for (std::string argument; extra >> argument;) {
        arguments.push_back(argument);
    }
    return arguments;
}

tl::expected<std::unique_ptr<Eal>, std::string> Eal::start(const Config& config) {
    auto cpus = place_threads(config, available_cpus());
    if (!cpus) {
        return tl::unexpected(std::move(cpus).error());
    }
    const MemoryPlan plan = plan_memory(config);
    if (auto fits = check_plan(config, plan); !fits) {
        return tl::unexpected(std::move(fits).error());
    }
    const std::uint32_t memory_mb =
        config.eal.memory_mb != 0 ? config.eal.memory_mb : plan.total_mb();
    if (auto enough = check_machine(config, plan, read_machine_memory()); !enough) {
        return tl::unexpected(std::move(enough).error());
    }
    std::unique_ptr<Eal> eal{new Eal};
    eal->cpus_ = *cpus;
    eal->arguments_ = eal_arguments(config, *cpus, memory_mb);

    // A vhost backend that dies while virtio_user writes to it would end the process otherwise.
    std::signal(SIGPIPE, SIG_IGN);
    // Standard error only; EAL would write to syslog as well.
    rte_openlog_stream(stderr);
    // EAL keeps pointers to the arguments and permutes them.
    for (std::string& argument : eal->storage_ = eal->arguments_) {
        eal->pointers_.push_back(argument.data());
    }
    eal->pointers_.push_back(nullptr);
    const int count = static_cast<int>(eal->arguments_.size());
    if (rte_eal_init(count, eal->pointers_.data()) < 0) {
        return tl::unexpected("DPDK does not start: " + std::string{rte_strerror(rte_errno)} +
                              "; its own messages are above");
    }
    eal->cleanup_ = !listens_by_memif(config);
    eal->runtime_dir_ = rte_eal_get_runtime_dir();
    return eal;
}

Eal::~Eal() {
    if (cleanup_) {
        rte_eal_cleanup();
    }
    // Empty, since nothing is shared; one that is not belongs to somebody else.
    if (!runtime_dir_.empty()) {
        rmdir(runtime_dir_.c_str());
    }
}

}  // namespace posthaste::controlplane
