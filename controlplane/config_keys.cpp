// SPDX-License-Identifier: BSD-3-Clause
// The rows of the sections that stand at most once, and config_keys(): all of them in one.
#include <algorithm>
#include <vector>

#include "controlplane/config_field.h"
#include "controlplane/config_table.h"
#include "dataplane/world.h"
#include "routing/route_cache.h"

namespace posthaste::controlplane {

namespace {

// The longest path of a Unix socket, without its final zero byte.
constexpr std::int64_t kSocketBytesMax = 107;

// Copies of stable agents are kept twice as long, and no longer than the cache can count.
constexpr std::int64_t kTtlMaxMs = routing::RouteCache::kTtlMaxMs / 2;
constexpr std::int64_t kCacheKbMax = 1'048'576;

constexpr KeyRow kKeys[] = {
    field<&SystemConfig::name>(
        {.name = "name",
         .min = 1,
         .max = 32,
         .rule = TextRule::name,
         .help = "Name of this box; also names its lock, sockets and hugepage files."}),
    field<&SystemConfig::run_dir>({.name = "run_dir",
                                   .min = 2,
                                   .max = 64,
                                   .rule = TextRule::path,
                                   .help = "Folder of the lock and of sockets; made if missing."}),
    field<&SystemConfig::log_level>({.name = "log_level",
                                     .words = "error, warning, notice, info, debug",
                                     .reloadable = true,
                                     .help = "The least important lines still logged."}),
    field<&SystemConfig::drain_ms>(
        {.name = "drain_ms",
         .min = 0,
         .max = 600'000,
         .unit = "ms",
         .reloadable = true,
         .help =
             "After SIGTERM agents' messages are refused as draining and others delivered, until "
             "no frame comes, at most so long."}),

    field<&EalConfig::hugepages>(
        {.name = "hugepages",
         .help = "Hugepages; without them any machine will do, but more slowly and for "
                 "software ports only."}),
    field<&EalConfig::memory_mb>({.name = "memory_mb",
                                  .min = 0,
                                  .max = 1'048'576,
                                  .unit = "MiB",
                                  .help = "Memory for DPDK; 0: computed from tables and pools."}),
    field<&EalConfig::cores>(
        {.name = "cores",
         .max = 129,
         .item_max = 1'023,
         .example = "0-1",
         .help = "Cores: the first for the control thread, the others for the workers; not "
                 "set: chosen from those the process may use."}),
    field<&EalConfig::share_cores>(
        {.name = "share_cores",
         .help = "Several threads may share a core: for tests and small machines."}),
    field<&EalConfig::extra>(
        {.name = "extra",
         .min = 1,
         .max = 900,
         .example = "--log-level=pmd.net.af_packet:debug",
         .help = "Further EAL arguments, separated by blanks, for a driver that needs one."}),

    field<&DataplaneConfig::workers>({.name = "workers",
                                      .min = 1,
                                      .max = 128,
                                      .help = "Worker threads; each polls on a core of its own."}),
    field<&DataplaneConfig::udp_port>(
        {.name = "udp_port", .min = 1, .max = 65'535, .help = "The UDP port of Posthaste frames."}),
    field<&DataplaneConfig::mbufs>({.name = "mbufs",
                                    .min = 0,
                                    .max = 16'777'216,
                                    .help = "Frame buffers in the pool; 0: computed."}),
    field<&DataplaneConfig::rx_descriptors>(
        {.name = "rx_descriptors", .min = 32, .max = 32'768, .help = "Of each receive queue."}),
    field<&DataplaneConfig::tx_descriptors>(
        {.name = "tx_descriptors", .min = 32, .max = 32'768, .help = "Of each transmit queue."}),
    field<&DataplaneConfig::tx_backlog>(
        {.name = "tx_backlog",
         .min = 64,
         .max = 32'768,
         .help = "Frames each worker keeps for a port that takes none right now."}),
    field<&DataplaneConfig::punt_ring>(
        {.name = "punt_ring",
         .min = 16,
         .max = 32'768,
         .help = "Frames of a kind that may wait for the control thread, of each worker."}),
    field<&DataplaneConfig::inject_ring>(
        {.name = "inject_ring",
         .min = 16,
         .max = 32'768,
         .help = "Frames of the control thread that may wait for each worker."}),
    field<&DataplaneConfig::idle_sleep_us>(
        {.name = "idle_sleep_us",
         .min = 0,
         .max = 10'000,
         .unit = "us",
         .help = "A worker without frames sleeps so long; 0: it polls without pause."}),
    field<&DataplaneConfig::shed>(
        {.name = "shed",
         .help = "While receive queues stay full, frames of low priority are dropped first."}),

    field<&AgentsConfig::agents_max>(
        {.name = "agents_max",
         .min = 1,
         .max = 16'000'000,
         .help = "Agents there may be that are here or have a route, static ones and claims of "
                 "other routers included."}),
    field<&AgentsConfig::agents_per_port_max>(
        {.name = "agents_per_port_max",
         .min = 0,
         .max = 16'000'000,
         .reloadable = true,
         .help = "Agents that may register on one port; 0: agents_max."}),
    field<&AgentsConfig::capabilities_max>({.name = "capabilities_max",
                                            .min = 0,
                                            .max = 64,
                                            .reloadable = true,
                                            .help = "Capabilities one agent may have."}),
    field<&AgentsConfig::lease_default_ms>(
        {.name = "lease_default_ms",
         .min = 100,
         .max = kDayMs,
         .unit = "ms",
         .reloadable = true,
         .help = "Lease of an agent that asks for none: without a heartbeat it is then gone."}),
    field<&AgentsConfig::lease_min_ms>({.name = "lease_min_ms",
                                        .min = 100,
                                        .max = kDayMs,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "Shorter leases are raised to this."}),
    field<&AgentsConfig::lease_max_ms>({.name = "lease_max_ms",
                                        .min = 100,
                                        .max = kDayMs,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "Longer leases are cut to this."}),
    field<&AgentsConfig::registrations_per_second>(
        {.name = "registrations_per_second",
         .min = 1,
         .max = 10'000'000,
         .reloadable = true,
         .help = "Registrations taken per second; more are answered with an error."}),

    field<&LookupConfig::table>(
        {.name = "table",
         .help = "A table in front of DPDK's hash answers with one cache line; without it lookups "
                 "are slower and each route takes 130 bytes less."}),
    field<&LookupConfig::cache_kb>(
        {.name = "cache_kb",
         .min = 0,
         .max = kCacheKbMax,
         .unit = "KiB",
         .help = "Route cache of each worker, rounded down to a power of two; 0: none; auto: what "
                 "memory_mb leaves. It is used while it pays."}),
    field<&LookupConfig::local_ttl_ms>(
        {.name = "local_ttl_ms",
         .min = 0,
         .max = kTtlMaxMs,
         .unit = "ms",
         .reloadable = true,
         .help = "How long a cache keeps an agent attached here: twice as long if it seldom moves, "
                 "half as long if it often does; 0: not at all."}),
    field<&LookupConfig::remote_ttl_ms>({.name = "remote_ttl_ms",
                                         .min = 0,
                                         .max = kTtlMaxMs,
                                         .unit = "ms",
                                         .reloadable = true,
                                         .help = "The same for an agent at another router."}),
    field<&LookupConfig::negative_ttl_ms>(
        {.name = "negative_ttl_ms",
         .min = 0,
         .max = routing::RouteCache::kTtlMaxMs,
         .unit = "ms",
         .reloadable = true,
         .help = "How long a cache keeps that an agent is unknown; 0: not at all."}),

    field<&CapabilitiesConfig::names_max>(
        {.name = "names_max",
         .min = 1,
         .max = 16'000'000,
         .help =
             "Different names of capabilities that agents may have; the last quarter is not for "
             "agents of other routers."}),
    field<&CapabilitiesConfig::providers_max>(
        {.name = "providers_max",
         .min = 1,
         .max = 1'000'000'000,
         .reloadable = true,
         .help = "The sum over all agents of the capabilities and patterns each has; the last "
                 "quarter is not for agents of other routers."}),
    field<&CapabilitiesConfig::patterns_max>(
        {.name = "patterns_max",
         .min = 0,
         .max = 100'000,
         .help = "Different patterns of names that agents may have; 0: none; the last quarter is "
                 "not for agents of other routers."}),
    field<&CapabilitiesConfig::name_cache>(
        {.name = "name_cache",
         .min = 64,
         .max = 16'000'000,
         .help = "Names remembered that some pattern matches, and as many that none does."}),
    field<&CapabilitiesConfig::negative_ttl_ms>(
        {.name = "negative_ttl_ms",
         .min = 1,
         .max = 3'600'000,
         .unit = "ms",
         .reloadable = true,
         .help = "How long a name is remembered that no pattern matches."}),
    field<&CapabilitiesConfig::database_mb>(
        {.name = "database_mb",
         .min = 1,
         .max = 16'384,
         .unit = "MiB",
         .reloadable = true,
         .help = "What the patterns may take once compiled; more are refused."}),
    field<&CapabilitiesConfig::publish_ms>(
        {.name = "publish_ms",
         .min = 0,
         .max = 1'000,
         .unit = "ms",
         .reloadable = true,
         .help = "Changes of one capability that come within this are shown together."}),
    field<&CapabilitiesConfig::local_first>(
        {.name = "local_first",
         .reloadable = true,
         .help = "Agents at other routers are chosen only if none here is available."}),
    field<&CapabilitiesConfig::fan_out_max>(
        {.name = "fan_out_max",
         .min = 1,
         .max = dataplane::World::kFanOutMax,
         .reloadable = true,
         .help = "Copies one frame to all of a capability may have; beyond, it is dropped."}),
    field<&CapabilitiesConfig::conversations>(
        {.name = "conversations",
         .min = 1'024,
         .max = 16'777'216,
         .help = "Conversations each worker remembers the agent of, 32 bytes each; room "
                 "for four times as many as go on at a time keeps nearly all of these."}),

    field<&PoliciesConfig::database_mb>(
        {.name = "database_mb",
         .min = 1,
         .max = 4'096,
         .unit = "MiB",
         .reloadable = true,
         .help = "Memory of their compiled expressions; what does not fit is refused."}),

    field<&NeighboursConfig::neighbours_max>({.name = "neighbours_max",
                                              .min = 16,
                                              .max = 65'000,
                                              .reloadable = true,
                                              .help = "Neighbours remembered."}),
    field<&NeighboursConfig::held_per_neighbour>(
        {.name = "held_per_neighbour",
         .min = 1,
         .max = 1'024,
         .reloadable = true,
         .help = "Frames that may wait until one neighbour is found."}),
    field<&NeighboursConfig::held_max>({.name = "held_max",
                                        .min = 1,
                                        .max = 65'536,
                                        .reloadable = true,
                                        .help = "Frames that may wait for neighbours altogether."}),
    field<&NeighboursConfig::hold_ms>({.name = "hold_ms",
                                       .min = 10,
                                       .max = 60'000,
                                       .unit = "ms",
                                       .reloadable = true,
                                       .help = "The longest wait of such a frame."}),
    field<&NeighboursConfig::retry_ms>({.name = "retry_ms",
                                        .min = 10,
                                        .max = 60'000,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "Time between requests for one neighbour."}),
    field<&NeighboursConfig::retries>(
        {.name = "retries",
         .min = 1,
         .max = 20,
         .reloadable = true,
         .help = "Requests without an answer until a neighbour counts as gone."}),
    field<&NeighboursConfig::reachable_ms>(
        {.name = "reachable_ms",
         .min = 1'000,
         .max = kDayMs,
         .unit = "ms",
         .reloadable = true,
         .help = "A neighbour is asked again so long after its last answer."}),
    field<&NeighboursConfig::stale_ms>({.name = "stale_ms",
                                        .min = 1'000,
                                        .max = kDayMs,
                                        .unit = "ms",
                                        .reloadable = true,
                                        .help = "A neighbour not used so long is forgotten."}),

    field<&AdminConfig::socket>({.name = "socket",
                                 .min = 2,
                                 .max = kSocketBytesMax,
                                 .rule = TextRule::path,
                                 .example = "/run/posthaste/posthaste.sock",
                                 .help = "Its path; not set: RUN_DIR/NAME.sock."}),
    field<&AdminConfig::connections_max>(
        {.name = "connections_max", .min = 1, .max = 256, .help = "Clients at one time."}),
};

static_assert(std::ranges::is_sorted(kKeys, std::less{}, &KeyRow::section));

std::vector<KeyRow> all_keys() {
    std::vector<KeyRow> all(std::begin(kKeys), std::end(kKeys));
    const std::span<const KeyRow> cluster = config_keys_of_cluster();
    all.insert(all.end(), cluster.begin(), cluster.end());
    const std::span<const KeyRow> named = config_keys_of_named_sections();
    all.insert(all.end(), named.begin(), named.end());
    return all;
}

}  // namespace

std::span<const KeyRow> config_keys() {
    static const std::vector<KeyRow> all = all_keys();
    return all;
}

}  // namespace posthaste::controlplane
